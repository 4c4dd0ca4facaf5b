package move

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/uptrace/bun"
)

// kind is what a column holds, the same in both databases.
type kind int

const (
	integer kind = iota
	boolean
	text
	blob
	instant
	float
)

var kinds = map[string]kind{
	"integer": integer, "bigint": integer, "smallint": integer, "int": integer,
	"boolean": boolean, "text": text, "character varying": text,
	"bytea": blob, "blob": blob,
	"timestamp": instant, "timestamptz": instant, "timestamp with time zone": instant,
	"real": float, "double precision": float,
}

type column struct {
	name string
	kind kind
}

type table struct {
	name    string
	columns []column
	needs   []string // tables its rows point to
}

// asker is a database or a transaction of one.
type asker interface {
	bun.IDB
}

// tables reads the schema: what the program's own migrations made, each after
// those that its rows point to.
func tables(ctx context.Context, d asker) ([]table, error) {
	lists := schemaSQL[embedded(d)]
	var names []string
	if err := d.NewRaw(lists.tables).Scan(ctx, &names); err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	var all []table
	for _, n := range names {
		if n == claimTable || n == "goose_db_version" || strings.HasPrefix(n, "river_") || strings.HasPrefix(n, "sqlite_") {
			continue
		}
		t := table{name: n}
		var cols []struct{ Name, Type string }
		if err := d.NewRaw(lists.columns, n).Scan(ctx, &cols); err != nil {
			return nil, fmt.Errorf("list columns of %s: %w", n, err)
		}
		for _, c := range cols {
			k, known := kinds[strings.ToLower(c.Type)]
			if !known {
				return nil, fmt.Errorf("column %s of %s is of type %s, which a move doesn't know", c.Name, n, c.Type)
			}
			t.columns = append(t.columns, column{c.Name, k})
		}
		if err := d.NewRaw(lists.needs, n).Scan(ctx, &t.needs); err != nil {
			return nil, fmt.Errorf("list what %s points to: %w", n, err)
		}
		all = append(all, t)
	}
	return inOrder(all)
}

// schemaSQL asks PostgreSQL, or SQLite (true).
var schemaSQL = map[bool]struct{ tables, columns, needs string }{
	false: {
		"select table_name from information_schema.tables where table_schema = current_schema() and table_type = 'BASE TABLE' order by table_name",
		"select column_name as name, data_type as type from information_schema.columns where table_schema = current_schema() and table_name = ? order by column_name",
		"select distinct f.relname from pg_constraint c join pg_class t on t.oid = c.conrelid join pg_class f on f.oid = c.confrelid join pg_namespace n on n.oid = t.relnamespace where c.contype = 'f' and n.nspname = current_schema() and t.relname = ?",
	},
	true: {
		"select name from sqlite_master where type = 'table' order by name",
		"select name, type from pragma_table_info(?) order by name",
		`select distinct "table" from pragma_foreign_key_list(?)`,
	},
}

func embedded(d asker) bool { return d.Dialect().Name().String() == "sqlite" }

// inOrder puts tables after those they need.
func inOrder(all []table) (ordered []table, err error) {
	placed := map[string]bool{}
	for len(all) > 0 {
		n := len(all)
		all = slices.DeleteFunc(all, func(t table) bool {
			for _, need := range t.needs {
				if !placed[need] && need != t.name {
					return false
				}
			}
			placed[t.name] = true
			ordered = append(ordered, t)
			return true
		})
		if len(all) == n {
			return nil, errors.New("tables point to each other in a circle")
		}
	}
	return ordered, nil
}
