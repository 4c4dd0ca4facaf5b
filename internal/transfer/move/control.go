package move

import (
	"context"
	"fmt"
	"log/slog"
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

// quietLog is for what a person isn't told twice.
var quietLog = slog.New(slog.DiscardHandler)
