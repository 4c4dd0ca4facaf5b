package move

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"moonbear/internal/db"
	"moonbear/internal/fault"
	"moonbear/internal/job"
)

// claimTable is in a target while a move to it isn't made. It holds the move's
// ID, so that what an interrupted run left there is known to be its own.
const claimTable = "moonbear_move"

// insertRows go into the target with one statement.
const insertRows = 100

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

// claim brings the target's schema up to date and makes sure that it is empty,
// or this move's.
func claim(ctx context.Context, to *db.DB, id string) error {
	if err := to.Migrate(ctx); err != nil {
		return err
	}
	if err := job.Migrate(ctx, to, quietLog); err != nil {
		return err
	}
	return to.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if _, err := tx.NewRaw("create table if not exists " + claimTable + " (id text primary key)").Exec(ctx); err != nil {
			return fmt.Errorf("mark the target: %w", err)
		}
		var claims []string
		if err := tx.NewRaw("select id from "+claimTable).Scan(ctx, &claims); err != nil {
			return fmt.Errorf("read the target's mark: %w", err)
		}
		if len(claims) == 1 && claims[0] == id {
			return nil
		}
		if len(claims) > 0 {
			return fault.New(fault.Conflict, "The database to move to has what another move left that wasn't finished. Finish that one, or name an empty database.")
		}
		if err := emptyControl(ctx, tx); err != nil {
			return err
		}
		_, err := tx.NewRaw("insert into "+claimTable+" (id) values (?)", id).Exec(ctx)
		return err
	})
}

// emptyControl says what is in a database that should only have its schema. The
// one row of instance comes with that.
func emptyControl(ctx context.Context, tx asker) error {
	list, err := tables(ctx, tx)
	if err != nil {
		return err
	}
	for _, t := range list {
		query := "select count(*) from ?"
		if t.name == "instance" {
			query += " where claimed_at is not null"
		}
		var n int
		if err := tx.NewRaw(query, bun.Ident(t.name)).Scan(ctx, &n); err != nil {
			return fmt.Errorf("look into %s of the target: %w", t.name, err)
		}
		if n > 0 {
			return fault.New(fault.Conflict, fmt.Sprintf("The database to move to isn't empty: its table %s has %d rows. A move only goes to an empty one: name another, or empty it.", t.name, n))
		}
	}
	return nil
}

func unclaim(ctx context.Context, to *db.DB) error {
	_, err := to.Bun().NewRaw("drop table if exists " + claimTable).Exec(ctx)
	return err
}

// moveControl copies every table in one transaction, while another holds the
// source's write lock, and compares them before that is let go.
func (m *mover) moveControl(ctx context.Context) error {
	jobs, err := job.NotDone(ctx, m.o.From.Database)
	if err != nil {
		return err
	}
	return m.o.From.Database.InTx(ctx, func(ctx context.Context, from bun.Tx) error {
		err := m.o.To.Database.InTx(ctx, func(ctx context.Context, to bun.Tx) error {
			if err := copyTables(ctx, from, to); err != nil {
				return err
			}
			return job.Carry(ctx, m.o.To.Database, to, jobs, quietLog)
		})
		if err != nil {
			return fmt.Errorf("move the control database: %w", err)
		}
		if err := m.o.Step("control"); err != nil {
			return err
		}
		if err := m.compareControl(ctx, from, m.o.To.Database.Bun()); err != nil {
			return err
		}
		if len(m.report.Differences) > 0 {
			return fmt.Errorf("%w: %s", ErrDifferent, strings.Join(m.report.Differences, "; "))
		}
		return nil
	})
}

func copyTables(ctx context.Context, from, to asker) error {
	list, err := tables(ctx, from)
	if err != nil {
		return err
	}
	for _, t := range slices.Backward(list) {
		if _, err := to.NewRaw("delete from ?", bun.Ident(t.name)).Exec(ctx); err != nil {
			return fmt.Errorf("empty %s: %w", t.name, err)
		}
	}
	for _, t := range list {
		if err := copyTable(ctx, from, to, t); err != nil {
			return fmt.Errorf("copy %s: %w", t.name, err)
		}
	}
	last, err := lastNumbers(ctx, from, list)
	if err != nil {
		return err
	}
	return setNumbers(ctx, to, last)
}

func copyTable(ctx context.Context, from, to asker, t table) error {
	var names, marks []string
	for _, c := range t.columns {
		names, marks = append(names, `"`+c.name+`"`), append(marks, "?")
	}
	row := "(" + strings.Join(marks, ", ") + ")"
	var args []any
	var rows []string
	flush := func() error {
		if len(rows) == 0 {
			return nil
		}
		_, err := to.NewRaw(`insert into "`+t.name+`" (`+strings.Join(names, ", ")+") values "+strings.Join(rows, ", "), args...).Exec(ctx)
		args, rows = args[:0], rows[:0]
		return err
	}
	err := readTable(ctx, from, t, func(values []any) error {
		args, rows = append(args, values...), append(rows, row)
		if len(rows) < insertRows {
			return nil
		}
		return flush()
	})
	if err != nil {
		return err
	}
	return flush()
}

// readTable yields rows as values of the columns' kinds: int64, bool, string,
// []byte, time.Time in UTC and whole microseconds, float64, or nil.
func readTable(ctx context.Context, d asker, t table, yield func([]any) error) error {
	var names []string
	for _, c := range t.columns {
		names = append(names, `"`+c.name+`"`)
	}
	rows, err := d.QueryContext(ctx, "select "+strings.Join(names, ", ")+` from "`+t.name+`"`)
	if err != nil {
		return err
	}
	defer rows.Close()
	raw, dst := make([]any, len(names)), make([]any, len(names))
	for i := range raw {
		dst[i] = &raw[i]
	}
	for rows.Next() {
		if err := rows.Scan(dst...); err != nil {
			return err
		}
		values := make([]any, len(raw))
		for i, c := range t.columns {
			if values[i], err = value(c.kind, raw[i]); err != nil {
				return fmt.Errorf("column %s: %w", c.name, err)
			}
		}
		if err := yield(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

// value is what a driver gives for a column, as a value of its kind.
func value(k kind, v any) (any, error) {
	switch k {
	case integer:
		switch n := v.(type) {
		case int64:
			return n, nil
		case int32:
			return int64(n), nil
		}
	case boolean:
		switch b := v.(type) {
		case bool:
			return b, nil
		case int64:
			return b != 0, nil
		}
	case text:
		switch s := v.(type) {
		case string:
			return s, nil
		case []byte:
			return string(s), nil
		}
	case blob:
		switch b := v.(type) {
		case []byte:
			return slices.Clone(b), nil
		case string:
			return []byte(b), nil
		}
	case instant:
		if t, ok := v.(time.Time); ok {
			return db.Time(t), nil
		}
	case float:
		switch f := v.(type) {
		case float64:
			return f, nil
		case int64:
			return float64(f), nil
		}
	}
	if v == nil {
		return nil, nil
	}
	return nil, fmt.Errorf("a value of type %T stands where none should", v)
}

// lastNumbers are the last numbers given out, by table: one is never given
// again, whether its row is still there or not.
func lastNumbers(ctx context.Context, d asker, list []table) (map[string]int64, error) {
	last := map[string]int64{}
	if embedded(d) {
		var rows []struct {
			Name string
			Seq  int64
		}
		if err := d.NewRaw("select name, seq from sqlite_sequence").Scan(ctx, &rows); err != nil {
			return nil, fmt.Errorf("read the numbers given out: %w", err)
		}
		for _, r := range rows {
			if slices.ContainsFunc(list, func(t table) bool { return t.name == r.Name }) && r.Seq > 0 {
				last[r.Name] = r.Seq
			}
		}
		return last, nil
	}
	for _, t := range list {
		sequence, err := sequenceOf(ctx, d, t.name)
		if err != nil {
			return nil, err
		}
		if sequence == "" {
			continue
		}
		var n int64
		var given bool
		if err := d.NewRaw("select last_value, is_called from "+sequence).Scan(ctx, &n, &given); err != nil {
			return nil, fmt.Errorf("read the numbers given out in %s: %w", t.name, err)
		}
		if given {
			last[t.name] = n
		}
	}
	return last, nil
}

// sequenceOf names what numbers a table's rows; "" is nothing.
func sequenceOf(ctx context.Context, d asker, table string) (string, error) {
	var name string
	err := d.NewRaw(`
		select coalesce(max(pg_get_serial_sequence(quote_ident(table_name), column_name)), '')
		from information_schema.columns
		where table_schema = current_schema() and table_name = ? and column_default like 'nextval%'`, table).Scan(ctx, &name)
	if err != nil {
		return "", fmt.Errorf("find what numbers %s: %w", table, err)
	}
	return name, nil
}

func setNumbers(ctx context.Context, d asker, last map[string]int64) error {
	for table, n := range last {
		if embedded(d) {
			if _, err := d.NewRaw("delete from sqlite_sequence where name = ?", table).Exec(ctx); err != nil {
				return err
			}
			if _, err := d.NewRaw("insert into sqlite_sequence (name, seq) values (?, ?)", table, n).Exec(ctx); err != nil {
				return err
			}
			continue
		}
		sequence, err := sequenceOf(ctx, d, table)
		if err != nil {
			return err
		}
		if _, err := d.NewRaw("select setval(?, ?)", sequence, n).Exec(ctx); err != nil {
			return fmt.Errorf("set the numbers given out in %s: %w", table, err)
		}
	}
	return nil
}

// compareControl notes the tables that aren't equal.
func (m *mover) compareControl(ctx context.Context, from, to asker) error {
	here, err := sumTables(ctx, from)
	if err != nil {
		return fmt.Errorf("read the source: %w", err)
	}
	there, err := sumTables(ctx, to)
	if err != nil {
		return fmt.Errorf("read the target: %w", err)
	}
	m.report.Tables, m.report.Rows = len(here), 0
	for _, t := range slices.Sorted(keysOf(here, there)) {
		a, b := here[t], there[t]
		m.report.Rows += a.sum.Rows
		switch {
		case a.columns != b.columns:
			m.differ(fmt.Sprintf("table %s has columns %s here and %s there", t, a.columns, b.columns))
		case a.sum.Rows != b.sum.Rows:
			m.differ(fmt.Sprintf("table %s has %d rows here and %d there", t, a.sum.Rows, b.sum.Rows))
		case a.sum != b.sum:
			m.differ(fmt.Sprintf("table %s has %d rows on both sides, but not the same", t, a.sum.Rows))
		case a.last != b.last:
			m.differ(fmt.Sprintf("table %s has given out numbers up to %d here and %d there", t, a.last, b.last))
		}
	}
	return nil
}

type tableSum struct {
	columns string
	sum     Sum
	last    int64 // number given out
}

func keysOf(ms ...map[string]tableSum) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		for _, m := range ms {
			for k := range m {
				if !seen[k] {
					seen[k] = true
					if !yield(k) {
						return
					}
				}
			}
		}
	}
}

func sumTables(ctx context.Context, d asker) (map[string]tableSum, error) {
	list, err := tables(ctx, d)
	if err != nil {
		return nil, err
	}
	last, err := lastNumbers(ctx, d, list)
	if err != nil {
		return nil, err
	}
	all := map[string]tableSum{}
	var b []byte
	for _, t := range list {
		s := tableSum{last: last[t.name]}
		for _, c := range t.columns {
			s.columns += c.name + " "
		}
		err := readTable(ctx, d, t, func(values []any) error {
			b = b[:0]
			for _, v := range values {
				b = appendValue(b, v)
			}
			s.sum.row(b)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		all[t.name] = s
	}
	return all, nil
}

// appendValue writes a value so that no two are written alike.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return binary.AppendVarint(append(b, 'i'), v)
	case bool:
		if v {
			return append(b, 't')
		}
		return append(b, 'f')
	case string:
		return append(binary.AppendUvarint(append(b, 's'), uint64(len(v))), v...)
	case []byte:
		return append(binary.AppendUvarint(append(b, 'b'), uint64(len(v))), v...)
	case time.Time:
		return binary.AppendVarint(append(b, '@'), v.UnixMicro())
	case float64:
		return binary.AppendUvarint(append(b, 'r'), math.Float64bits(v))
	}
	return append(b, 'n')
}

// quietLog is for what a person isn't told twice.
var quietLog = slog.New(slog.DiscardHandler)
