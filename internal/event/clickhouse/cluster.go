package clickhouse

import client "github.com/ClickHouse/clickhouse-go/v2"

// What a cluster needs beside one server. Nothing of this file is run by the
// tests: the engine they use has no Keeper and no other servers. What is tested
// is that the statements are these (testdata/cluster.sql).

// local is the table on one shard that holds rows of a table over all.
func local(name string) string { return name + "_local" }

// clustered makes a table for each shard, whose replicas Keeper holds equal, and
// a Distributed one over them. Servers name themselves by the macros {shard}
// and {replica}. What every shard must know is one replicated table on all of
// them, under the name that is asked.
func clustered(t table, cluster string, parts func(name, on, engine string, set []string) string) []string {
	on := " on cluster " + identifier(cluster)
	if t.shard == "" {
		return []string{parts(t.name, on, replicated(t, "all"), replicatedSettings)}
	}
	return []string{
		parts(local(t.name), on, replicated(t, "{shard}"), replicatedSettings),
		"create table if not exists " + t.name + on + " as " + local(t.name) +
			" engine = Distributed(" + quote(cluster) + ", currentDatabase(), " + local(t.name) + ", " + t.shard + ")",
	}
}

// replicated is the engine's replicated kind: ReplacingMergeTree(version)
// becomes ReplicatedReplacingMergeTree('/path', '{replica}', version).
func replicated(t table, shard string) string {
	kind, arguments := t.engine, ""
	for i := range kind {
		if kind[i] == '(' {
			kind, arguments = t.engine[:i], ", "+t.engine[i+1:len(t.engine)-1]
			break
		}
	}
	replica := "{replica}"
	if shard == "all" {
		replica = "{shard}-{replica}"
	}
	return "Replicated" + kind + "('/clickhouse/tables/" + shard + "/{database}/" + t.name + "', '" + replica + "'" + arguments + ")"
}

// clusterSettings: an insert into a Distributed table is answered when the
// shards have it, on a majority of their replicas; counting rows and reading a
// spool's state waits for what was stored so.
var clusterSettings = client.Settings{
	"distributed_foreground_insert": 1,
	"insert_quorum":                 "auto",
	"insert_quorum_parallel":        0,
	"select_sequential_consistency": 1,
}

// onCluster makes a statement one of all servers.
func (s *Store) onCluster() string {
	if s.o.Cluster == "" {
		return ""
	}
	return " on cluster " + identifier(s.o.Cluster)
}

// stored is the table that holds the rows of the one that is asked.
func (s *Store) stored(table string) string {
	if s.o.Cluster == "" {
		return table
	}
	return local(table)
}
