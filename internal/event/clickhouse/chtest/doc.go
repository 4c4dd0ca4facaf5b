// Package chtest gives tests a ClickHouse.
//
//	s := chtest.Start(t)
//	store, err := clickhouse.Open(ctx, clickhouse.Options{URL: s.Database(t)})
//
// What runs is ClickHouse's engine, version 26.7, taken from libchdb.so (the
// npm package @chdb/lib-linux-x64-gnu, 570 MB, kept in .cache), behind the HTTP
// interface that ./server rebuilds: a process of its own, so that a test may
// kill or stop it in mid-statement and start it again on the same files.
//
// It isn't ClickHouse's server. Parsing, MergeTree, deduplication, mutations,
// settings and errors are the engine's own, and so is KILL QUERY but for
// finding the query by its ID. The rest is ours and only as good as we made it:
// results aren't streamed; there are no users, no native protocol, no
// system.query_log; and the engine runs alone, so nothing about replication,
// Keeper, Distributed tables or "on cluster" can be tried with it. TEST_CLICKHOUSE_URL
// names a real server, with a user who may create databases, to run the same
// tests against; those that kill it are skipped then.
//
// Nothing here is in the program that is shipped: only tests and the programs in
// bench, by Open, import chtest, and the server is a module of its own.
package chtest
