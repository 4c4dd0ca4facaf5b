package tools

import (
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"moonbear/internal/event"
	"moonbear/internal/transfer"
)

var nameRule = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_\-. ]{0,63}$`)

// read reads whatever b is to its end and holds every item to what an item may be.
func read(t *testing.T, b []byte) {
	src, err := open(b)
	if err != nil {
		return
	}
	for range 10_000 {
		it := &transfer.Item{}
		err := src.Next(it)
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			return // a file that can't be read on, which the importer says
		}
		check(t, it)
	}
}

func check(t *testing.T, it *transfer.Item) {
	if it.Line < 1 {
		t.Fatalf("an item on line %d", it.Line)
	}
	if it.Drop.Reason != "" {
		if it.Days != nil || len(it.Drop.Detail) > 100 || !utf8.ValidString(it.Drop.Detail) {
			t.Fatalf("a drop with something else: %+v", it)
		}
		return
	}
	for _, d := range it.Days {
		for _, n := range [...]int64{d.Visitors, d.Pageviews, d.Events, d.Visits, d.Views, d.Bounces, d.Duration} {
			if n < event.Untold {
				t.Fatalf("a sum of %d: %+v", n, d)
			}
		}
		if d.Day%86_400_000 != 0 || len(d.Value) > maxValue || strings.ContainsAny(d.Value, "\x00\n") {
			t.Fatalf("a count that can't be: %+v", d)
		}
	}
	if it.Days != nil {
		return
	}
	r := &it.Record
	if r.Time.IsZero() || r.Name != "" && !nameRule.MatchString(r.Name) || len(r.Props) > maxProps {
		t.Fatalf("a record that can't be: %+v", r)
	}
	for i, p := range r.Props {
		if p.Key == "" || len(p.Key) > maxKey || len(p.Value) > maxValue || i > 0 && r.Props[i-1].Key >= p.Key {
			t.Fatalf("properties that can't be: %q", r.Props)
		}
	}
	if f := &r.Facts; f.Country != "" && len(f.Country) != 2 || f.ScreenWidth%100 != 0 || f.ScreenWidth < 0 || len(f.Browser) > 50 || len(f.OSVersion) > 12 || len(f.BrowserVersion) > 12 {
		t.Fatalf("facts that can't be: %+v", f)
	}
	if r.Revenue != 0 && len(r.Currency) != 3 {
		t.Fatalf("money without a currency: %+v", r)
	}
}

// head is the beginning of a file, so that the fuzzer starts from short ones.
func head(b []byte, n int) []byte { return b[:min(n, len(b))] }

func FuzzGoatCounter(f *testing.F) {
	f.Add(head(fixture(f, "goatcounter2.csv"), 2000))
	f.Add(fixture(f, "goatcounter1.csv"))
	f.Fuzz(func(t *testing.T, b []byte) { read(t, b) })
}

func FuzzUmami(f *testing.F) {
	f.Add(head(fixture(f, "umami/website_event.csv"), 2000), head(fixture(f, "umami/event_data.csv"), 1000))
	f.Fuzz(func(t *testing.T, events, data []byte) {
		read(t, events)
		read(t, zipWith(t, map[string][]byte{umamiEvents: events, "event_data.csv": data}))
	})
}

func FuzzBigQuery(f *testing.F) {
	f.Add(head(fixture(f, "bigquery.ndjson"), 3000))
	f.Add([]byte(`[{"event_timestamp":"1709251200000000","event_name":"page_view","event_params":[{"key":"value","value":{"double_value":1e9}}]},{"event_timestamp":1,"event_name":7}]`))
	f.Fuzz(func(t *testing.T, b []byte) { read(t, b) })
}

func FuzzPlausible(f *testing.F) {
	for i, name := range plausibleTables {
		f.Add(i, head(fixture(f, "plausible/"+name.name+"_20230501_20230630.csv"), 500))
	}
	f.Fuzz(func(t *testing.T, i int, b []byte) {
		name := plausibleTables[uint(i)%uint(len(plausibleTables))].name
		read(t, zipWith(t, map[string][]byte{name + "_20230501_20230630.csv": b}))
	})
}

func FuzzGA4(f *testing.F) {
	for _, name := range []string{"ga4_dates.csv", "ga4_pages.csv", "ga4_day.csv", "ga4_overview.csv", "ga4_totals.csv"} {
		f.Add(head(fixture(f, name), 700))
	}
	f.Fuzz(func(t *testing.T, b []byte) { read(t, b) })
}
