package export

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"

	"moonbear/internal/event"
)

// TestOthersReadIt has a reader that shares no code with the writers read each
// format, and compares with sums made by a plain loop. DuckDB knows all three.
func TestOthersReadIt(t *testing.T) {
	events := append(oddEvents(1), randomEvents(1, 2000, 5)...)
	type sums struct {
		Rows, Named, Times, Starts, Visitors, Imports, Interactive, Paths, Cities, Widths, Loads, NoLoads, Priced, Props int64
		Version                                                                                                          int64
	}
	var want sums
	visitors := map[int64]bool{}
	for i := range events {
		e := &events[i]
		want.Rows++
		if e.Name == event.Pageview {
			want.Named++
		}
		want.Times += e.Time % 100_000
		want.Starts += e.VisitStart % 100_000
		if e.Visitor != 0 {
			visitors[e.Visitor] = true
		}
		if e.Import != 0 {
			want.Imports++
		}
		if e.Interactive {
			want.Interactive++
		}
		// DuckDB's length of a text is in characters.
		want.Paths += int64(len([]rune(e.Path)))
		if e.City == "\r\n" {
			want.Cities++
		}
		want.Widths += int64(e.ScreenWidth)
		if v, ok := e.Measures[event.PageLoad].Value(); ok {
			want.Loads += int64(v)
		} else {
			want.NoLoads++
		}
		if e.Currency != "" || e.Revenue != 0 {
			want.Priced++
		}
		want.Props += int64(len(e.Props))
	}
	want.Visitors, want.Version = int64(len(visitors)), want.Rows*exportVersion
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for f, c := range map[Format]struct{ from, path, city, props string }{
		// CSV has an apostrophe before what a spreadsheet would run.
		CSV: {`read_csv(?, header = true, quote = '"', escape = '"', max_line_size = 8000000, nullstr = '', types = {'visitor_id': 'bigint', 'visit_id': 'bigint', 'import_id': 'bigint', 'path': 'varchar', 'city': 'varchar', 'props': 'varchar', 'name': 'varchar', 'currency': 'varchar', 'ts': 'timestamp', 'visit_start': 'timestamp', 'page_load': 'bigint', 'screen_width': 'bigint', 'revenue_thousandths': 'bigint', 'interactive': 'boolean'}, all_varchar = false, sample_size = -1)`,
			`regexp_replace(path, '^''', '')`, `regexp_replace(city, '^''', '')`, `len(json_keys(coalesce(props, '{}')))`},
		NDJSON: {`read_json(?, format = 'newline_delimited', maximum_object_size = 8000000, columns = {'moonbear_export': 'integer', 'name': 'varchar', 'ts': 'timestamp', 'visit_start': 'timestamp', 'visitor_id': 'bigint', 'import_id': 'bigint', 'interactive': 'boolean', 'path': 'varchar', 'city': 'varchar', 'screen_width': 'bigint', 'page_load': 'bigint', 'revenue_thousandths': 'bigint', 'currency': 'varchar', 'props': 'map(varchar, varchar)'})`,
			`path`, `city`, `cardinality(props)`},
		Parquet: {`read_parquet(?)`, `path`, `city`, `cardinality(props)`},
	} {
		t.Run(string(f), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "events."+string(f))
			if err := os.WriteFile(path, fileOf(t, f, events), 0o600); err != nil {
				t.Fatal(err)
			}
			var got sums
			begun := time.Now()
			err := db.QueryRowContext(t.Context(), `select count(*), count(*) filter (where name = 'pageview'), sum(epoch_ms(ts) % 100000)::bigint,
				sum(epoch_ms(visit_start) % 100000)::bigint, count(distinct visitor_id), count(import_id), count(*) filter (where interactive),
				sum(length(`+c.path+`))::bigint, count(*) filter (where `+c.city+` = chr(13) || chr(10)), sum(screen_width)::bigint, sum(page_load)::bigint,
				count(*) filter (where page_load is null), count(revenue_thousandths), coalesce(sum(`+c.props+`), 0)::bigint, sum(moonbear_export)::bigint
				from `+c.from, path).Scan(&got.Rows, &got.Named, &got.Times, &got.Starts, &got.Visitors, &got.Imports, &got.Interactive,
				&got.Paths, &got.Cities, &got.Widths, &got.Loads, &got.NoLoads, &got.Priced, &got.Props, &got.Version)
			if err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			t.Logf("%d events in %v", got.Rows, time.Since(begun))
		})
	}
}
