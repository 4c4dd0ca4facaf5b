package transfer_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moonbear/internal/stats"
	"moonbear/internal/transfer"
)

// history reads a file of what other tools export.
func history(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("tools", "testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// zipped packs a folder of them.
func zipped(t testing.TB, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("tools", "testdata", folder, "*.csv"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%v, %v", files, err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range files {
		w, err := z.Create(filepath.Base(f))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(history(t, filepath.Join(folder, filepath.Base(f))))); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// cells reads a CSV file into maps by column.
func cells(t testing.TB, text string) (out []map[string]string) {
	t.Helper()
	all, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range all[1:] {
		m := map[string]string{}
		for i, v := range r {
			m[all[0][i]] = v
		}
		out = append(out, m)
	}
	return out
}

// deed is one event of a file as a plain loop reads it.
type deed struct {
	at                    time.Time
	visitor, visit, name  string
	path, country, device string
}

// totals are the headline of a period.
type totals struct{ visitors, visits, pageviews, events, bounces int64 }

// countDeeds is the headline by plain loops: visits are those of the file, or
// end after half an hour.
func countDeeds(deeds []deed, loc *time.Location) (n totals) {
	type daily struct{ who, day string }
	type visit struct {
		views, others int64
		last          time.Time
	}
	visitors, open := map[daily]bool{}, map[string]*visit{}
	var visits []*visit
	for _, d := range deeds {
		n.events++
		visitors[daily{d.visitor, d.at.In(loc).Format(time.DateOnly)}] = true
		key := d.visit
		if key == "" {
			key = "of " + d.visitor
		}
		v := open[key]
		if v == nil || d.visit == "" && d.at.Sub(v.last) > 30*time.Minute {
			v = &visit{}
			open[key] = v
			visits = append(visits, v)
		}
		v.last = d.at
		if d.name == "" {
			n.pageviews++
			v.views++
		} else {
			v.others++
		}
	}
	for _, v := range visits {
		if v.views == 1 && v.others == 0 {
			n.bounces++
		}
	}
	n.visitors, n.visits = int64(len(visitors)), int64(len(visits))
	return n
}

// filtered keeps the visits that a condition is true of, by their first deed.
func filtered(deeds []deed, keep func(deed) bool) (out []deed) {
	is, asked := map[string]bool{}, map[string]bool{}
	for _, d := range deeds {
		key := d.visitor + " " + d.visit
		if !asked[key] {
			asked[key], is[key] = true, keep(d)
		}
		if is[key] {
			out = append(out, d)
		}
	}
	return out
}

// headline asks the dashboard's way.
func (w *world) headline(t testing.TB, from, to string, f stats.Filter) totals {
	t.Helper()
	q := w.question(t, from, to, f).Totals(stats.Visitors, stats.Visits, stats.Pageviews, stats.Events, stats.BounceRate)
	res, err := stats.New(w.store, func() time.Time { return w.now }).Run(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	n := func(m stats.Metric) int64 { return int64(res.Total(m).N) }
	return totals{n(stats.Visitors), n(stats.Visits), n(stats.Pageviews), n(stats.Events), int64(res.Total(stats.BounceRate).N*float64(n(stats.Visits))/100 + 0.5)}
}

func (w *world) question(t testing.TB, from, to string, f stats.Filter) stats.Query {
	t.Helper()
	a, ok1 := stats.ParseDate(from)
	b, ok2 := stats.ParseDate(to)
	if !ok1 || !ok2 {
		t.Fatal(from, to)
	}
	return stats.Query{Site: w.site, Period: stats.Period{From: a, To: b}, Filter: f}
}

// Whoever moves sees the numbers of the old tool's rows, also when filtered.
func TestHistoryOfEvents(t *testing.T) {
	for _, c := range []struct {
		format, zone, from, to string
		file                   func(testing.TB) string
		deeds                  func(testing.TB) []deed
	}{
		{"goatcounter", "Europe/Berlin", "2023-04-30", "2023-05-16", func(t testing.TB) string { return history(t, "goatcounter2.csv") }, goatDeeds},
		{"umami", "Asia/Seoul", "2024-01-31", "2024-02-12", func(t testing.TB) string { return zipped(t, "umami") }, umamiDeeds},
		{"ga4-bigquery", "UTC", "2024-03-01", "2024-03-09", func(t testing.TB) string { return history(t, "bigquery.ndjson") }, gaDeeds},
	} {
		t.Run(c.format, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, c.zone)
			deeds := c.deeds(t)
			sum := w.take(t, "file", c.file(t))
			if sum.Format != c.format || sum.Stored+sum.Total() != sum.Lines {
				t.Errorf("%s: %d rows, %d stored, %d dropped", sum.Format, sum.Lines, sum.Stored, sum.Total())
			}
			for _, f := range []struct {
				name   string
				filter stats.Filter
				keep   func(deed) bool
			}{
				{"all", stats.Filter{}, func(deed) bool { return true }},
				{"Korea", stats.Is(stats.Country, stats.Eq, "KR"), func(d deed) bool { return d.country == "KR" }},
				{"not on phones", stats.Is(stats.Device, stats.Neq, "mobile"), func(d deed) bool { return d.device != "mobile" }},
			} {
				got, want := w.headline(t, c.from, c.to, f.filter), countDeeds(filtered(deeds, f.keep), w.site.Location)
				if got != want || want.visits == 0 || want.bounces == 0 {
					t.Errorf("%s: %+v, want %+v", f.name, got, want)
				}
			}
			want := map[string]int64{}
			for _, d := range deeds {
				if d.name == "" {
					want[d.path]++
				}
			}
			w.panel(t, c.from, c.to, stats.Path, stats.Pageviews, want)
			again := w.take(t, "file", c.file(t))
			if again.Run.Stored != 0 || again.ID != sum.ID || w.headline(t, c.from, c.to, stats.Filter{}) != countDeeds(deeds, w.site.Location) {
				t.Errorf("the same file again stored %d rows", again.Run.Stored)
			}
			if _, err := w.Undo(t.Context(), w.site.ID, sum.ID); err != nil {
				t.Fatal(err)
			}
			if left := w.headline(t, c.from, c.to, stats.Filter{}); left != (totals{}) {
				t.Errorf("taken back, and there is still %+v", left)
			}
		})
	}
}

// panel holds one list of the dashboard to a plain count.
func (w *world) panel(t testing.TB, from, to string, d stats.Dimension, m stats.Metric, want map[string]int64) {
	t.Helper()
	q := w.question(t, from, to, stats.Filter{})
	q.Dimensions, q.Metrics, q.PageSize = []stats.Dimension{d}, []stats.Metric{m}, 1000
	res, err := stats.New(w.store, func() time.Time { return w.now }).Run(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int64{}
	for _, r := range res.Rows {
		got[r.Keys[0]] = int64(r.Value(m).N)
	}
	for k, n := range want {
		if got[k] != n {
			t.Errorf("%s %q: %d %s, want %d", d, k, got[k], m, n)
		}
		delete(got, k)
	}
	for k, n := range got {
		if n != 0 {
			t.Errorf("%s %q: %d %s, want none", d, k, n, m)
		}
	}
}

func goatDeeds(t testing.TB) (out []deed) {
	for _, r := range cells(t, history(t, "goatcounter2.csv")) {
		at, err := time.Parse(time.RFC3339, r["Date"])
		if err != nil || r["Bot"] != "0" {
			continue
		}
		d := deed{at: at, visitor: r["Session"], country: r["Location"][:min(2, len(r["Location"]))]}
		if d.path, _, _ = strings.Cut(r["2Path"], "?"); r["Event"] == "true" {
			d.name = r["2Path"]
		}
		out = append(out, d)
	}
	return out
}

func umamiDeeds(t testing.TB) (out []deed) {
	for _, r := range cells(t, history(t, "umami/website_event.csv")) {
		at, err := time.Parse(time.DateTime, r["created_at"])
		if err != nil || r["event_type"] == "5" {
			continue
		}
		out = append(out, deed{at: at, visitor: r["session_id"], visit: r["visit_id"], name: r["event_name"], path: r["url_path"], country: r["country"], device: r["device"]})
	}
	return out
}

func gaDeeds(t testing.TB) (out []deed) {
	countries := map[string]string{"South Korea": "KR"}
	for line := range strings.Lines(history(t, "bigquery.ndjson")) {
		var e struct {
			At     string `json:"event_timestamp"`
			Name   string `json:"event_name"`
			Client string `json:"user_pseudo_id"`
			Device struct {
				Category string `json:"category"`
			} `json:"device"`
			Geo struct {
				Country string `json:"country"`
			} `json:"geo"`
			Params []struct {
				Key   string
				Value struct {
					Text string `json:"string_value"`
				}
			} `json:"event_params"`
			Platform string `json:"platform"`
		}
		if json.Unmarshal([]byte(line), &e) != nil || e.Platform != "WEB" {
			continue
		}
		switch e.Name {
		case "session_start", "first_visit", "scroll", "user_engagement":
			continue
		case "page_view":
			e.Name = ""
		}
		var us int64
		for _, c := range e.At {
			us = 10*us + int64(c-'0')
		}
		d := deed{at: time.UnixMicro(us), visitor: e.Client, visit: "one of " + e.Client, name: e.Name, country: countries[e.Geo.Country], device: e.Device.Category}
		for _, p := range e.Params {
			if p.Key == "page_location" {
				d.path, _, _ = strings.Cut(strings.TrimPrefix(p.Value.Text, "https://www.example.com"), "?")
			}
		}
		out = append(out, d)
	}
	return out
}

// GoatCounter's events don't say on which page they were, and nobody makes one
// up.
func TestHistoryWithoutPage(t *testing.T) {
	w := newWorld(t, "UTC")
	w.take(t, "g.csv", history(t, "goatcounter2.csv"))
	if n := w.number(t, "select count(*) from events where name <> 'pageview' and path <> ''"); n != 0 {
		t.Errorf("%d events have a page", n)
	}
	if n := w.number(t, "select count(*) from events where name <> 'pageview'"); n == 0 {
		t.Error("there are no events")
	}
}

// Google's messages of engagement belong to a visit and make none longer.
func TestHistoryOfEngagement(t *testing.T) {
	w := newWorld(t, "UTC")
	w.take(t, "ga.json", history(t, "bigquery.ndjson"))
	if n := w.number(t, "select count(*) from events where name = 'engagement' and (visit_id = 0 or engagement_time is null)"); n != 0 {
		t.Errorf("%d engagements without a visit or a time", n)
	}
	if n := w.number(t, "select count(*) from events where name = 'engagement' and scroll_depth = 90"); n == 0 {
		t.Error("no depth was read")
	}
	alone := `{"event_timestamp":"1709251200000000","event_name":"user_engagement","user_pseudo_id":"9.9","event_params":[{"key":"page_location","value":{"string_value":"https://www.example.com/"}},{"key":"ga_session_id","value":{"int_value":"5"}},{"key":"engagement_time_msec","value":{"int_value":"500"}}]}` + "\n"
	if s := w.take(t, "alone.json", alone); s.Stored != 0 || dropped(s.Counts, transfer.NoVisit) != 1 {
		t.Errorf("an engagement without a visit: %+v", s.Counts)
	}
}

// Counts are taken once: neither a second export of the same days, nor events
// beside them, add to what is there, unless that is asked for.
func TestHistoryOfCountsOnce(t *testing.T) {
	w := newWorld(t, "Asia/Seoul")
	file := zipped(t, "plausible")
	sum := w.take(t, "p.zip", file)
	if sum.Format != "plausible" || sum.Stored+sum.Total() != sum.Lines || sum.First != "2023-05-01" || sum.Last != "2023-06-30" {
		t.Errorf("%+v", sum.Import)
	}
	total := func() int64 { return w.headline(t, "2023-05-01", "2023-12-31", stats.Filter{}).visitors }
	want := w.plausible(t)
	if again := w.take(t, "p.zip", file); again.Run.Stored != 0 || total() != want {
		t.Errorf("the same again: %d stored", again.Run.Stored)
	}
	report := "# ----------------------------------------\n# Free form\n# 20230601-20230731\n# ----------------------------------------\n\nDate,Total users,Sessions,Views\n20230601,5,6,7\n20230715,5,6,7\n"
	if s := w.take(t, "ga.csv", report); s.Stored != 1 || dropped(s.Counts, transfer.CountedDay) != 1 || total() != want+5 {
		t.Errorf("days that another import has: %+v", s.Counts)
	}
	view := func(day string) string {
		return "2Path,Title,Event,UserAgent,Browser,System,Session,Bot,Referrer,Referrer scheme,Screen size,Location,FirstVisit,Date\n/x,,false,,,,,0,,,,,true," + day + "T12:00:00Z\n"
	}
	if s := w.take(t, "g.csv", view("2023-06-02")); s.Stored != 0 || dropped(s.Counts, transfer.CountedDay) != 1 {
		t.Errorf("an event on a counted day: %+v", s.Counts)
	}
	if s := w.take(t, "g2.csv", view("2023-08-02")); s.Stored != 1 {
		t.Errorf("an event on another: %+v", s.Counts)
	}
	late := strings.NewReplacer("20230601-20230731", "20230801-20230831", "20230601", "20230802", "20230715", "20230803").Replace(report)
	if s := w.take(t, "ga2.csv", late); s.Stored != 1 || dropped(s.Counts, transfer.CountedDay) != 1 {
		t.Errorf("counts on a day with events: %+v", s.Counts)
	}
	over := strings.Replace(report, "20230601,5", "20230601,50", 1)
	s := w.take(t, "ga3.csv", over, func(r *transfer.Request) { r.Overlap = true })
	if s.Stored != 2 || total() != want+5+5+55 {
		t.Errorf("with overlap: %+v, %d visitors", s.Counts, total())
	}
	if _, err := w.Undo(t.Context(), w.site.ID, sum.ID); err != nil {
		t.Fatal(err)
	}
	if got := total(); got != 5+5+55 {
		t.Errorf("taken back, and %d visitors are left", got)
	}
}

// plausible holds the dashboard to plain sums of Plausible's tables, and gives
// the visitors.
func (w *world) plausible(t *testing.T) int64 {
	t.Helper()
	table := func(name string) []map[string]string {
		return cells(t, history(t, "plausible/imported_"+name+"_20230501_20230630.csv"))
	}
	var want totals
	for _, r := range table("visitors") {
		if r["date"] < "2023-07-01" { // the two after it can't be: more bounces than visits, less than nothing
			want.visitors += digits(r["visitors"])
			want.visits += digits(r["visits"])
			want.pageviews += digits(r["pageviews"])
			want.bounces += digits(r["bounces"])
		}
	}
	want.events = want.pageviews
	for _, r := range table("custom_events") {
		want.events += digits(r["events"])
	}
	got := w.headline(t, "2023-05-01", "2023-07-31", stats.Filter{})
	if diff := got.bounces - want.bounces; diff < -8 || diff > 8 { // the rate has one decimal
		t.Errorf("%d bounces, want %d", got.bounces, want.bounces)
	}
	if got.bounces = want.bounces; got != want || want.visitors == 0 {
		t.Errorf("%+v, want %+v", got, want)
	}
	for _, p := range []struct {
		table, column, number string
		dimension             stats.Dimension
		metric                stats.Metric
	}{
		{"pages", "page", "pageviews", stats.Path, stats.Pageviews},
		{"entry_pages", "entry_page", "entrances", stats.EntryPage, stats.Visits},
		{"locations", "country", "visitors", stats.Country, stats.Visitors},
		{"sources", "utm_source", "visits", stats.UTMSource, stats.Visits},
	} {
		sums := map[string]int64{}
		for _, r := range table(p.table) {
			sums[r[p.column]] += digits(r[p.number])
		}
		w.panel(t, "2023-05-01", "2023-07-31", p.dimension, p.metric, sums)
	}
	if n := w.headline(t, "2023-05-01", "2023-07-31", stats.Is(stats.Country, stats.Eq, "KR")); n.visitors != 0 {
		t.Errorf("a filter found %d visitors in counts", n.visitors)
	}
	return want.visitors
}

func digits(s string) (n int64) {
	for _, c := range s {
		n = 10*n + int64(c-'0')
	}
	return n
}

// A file that is sorted first can't grow: what was added would be among what is
// stored. It is refused, with how to go on.
func TestHistoryThatGrew(t *testing.T) {
	w := newWorld(t, "UTC")
	text := history(t, "bigquery.ndjson")
	sum := w.take(t, "ga.json", text)
	first, _, _ := strings.Cut(text, "\n")
	_, err := w.tryTake(t, "ga.json", text+strings.Replace(first, "session_start", "page_view", 1)+"\n")
	if err == nil || !strings.Contains(err.Error(), "--undo") {
		t.Fatalf("a file that grew: %v", err)
	}
	is, err := w.ByID(t.Context(), sum.ID)
	if err != nil || is.State != transfer.Done {
		t.Errorf("%+v, %v", is, err)
	}
}
