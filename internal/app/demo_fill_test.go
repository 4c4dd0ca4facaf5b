package app

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/event/duckdb"
)

// counted is what a stopped server's store has: events by site, and how many
// different ones, read by a query of the test's own.
func counted(t *testing.T, cfg Config) (sites []int, first, last time.Time) {
	t.Helper()
	store, err := duckdb.Open(t.Context(), duckdb.Options{Path: cfg.eventsPath(), Memory: 128 << 20})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	rows, err := store.Select(t.Context(), "select site_id, count(*), min(ts), max(ts) from events group by 1 order by 1")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var site, n int
		var a, b time.Time
		if err := rows.Scan(&site, &n, &a, &b); err != nil {
			t.Fatal(err)
		}
		sites = append(sites, n)
		if first.IsZero() || a.Before(first) {
			first = a
		}
		if b.After(last) {
			last = b
		}
	}
	return sites, first, last
}

// TestDemoFills fills a directory, is stopped in the middle, goes on, adds
// nothing a third time, and is then served.
func TestDemoFills(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	request := DemoRequest{Events: 60_000, Days: 10, Sites: 3, Share: 0.5, Until: "2026-11-20"}
	ctx, stop := context.WithCancel(t.Context())
	stopped := &stopAfter{bytes: 1, stop: stop}
	if err := (&demoFill{cfg: cfg, out: stopped, lineEvery: time.Nanosecond}).run(ctx, request); err == nil || !strings.Contains(err.Error(), "the same command goes on from here") {
		t.Fatalf("stopped in the middle: %v, and printed %q", err, stopped.String())
	}
	sites, _, _ := counted(t, cfg)
	if len(sites) == 0 || sites[0] == 0 || sum(sites) >= 60_000 {
		t.Fatalf("stopped in the middle, the store has %v", sites)
	}
	before := sum(sites)

	var out bytes.Buffer
	request.Until = "" // what was asked for before
	if err := Demo(t.Context(), cfg, request, &out); err != nil {
		t.Fatal(err)
	}
	sites, first, last := counted(t, cfg)
	if want := []int{30_000, 20_000, 10_000}; fmt.Sprint(sites) != fmt.Sprint(want) {
		t.Errorf("the sites have %v events, want %v", sites, want)
	}
	if first.Before(time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)) || !last.Before(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("events from %v to %v", first, last)
	}
	for _, says := range []string{digits(int64(before)) + " of 60,000 events are here already", "Compacting", "60,000 events of 3 sites in 10 days, 2026-11-10 to 2026-11-19",
		digits(int64(60_000-before)) + " added in", "bytes an event", "/login/link/", "moonbear serve --demo"} {
		if !strings.Contains(out.String(), says) {
			t.Errorf("it does not say %q:\n%s", says, &out)
		}
	}

	out.Reset()
	if err := Demo(t.Context(), cfg, request, &out); err != nil || !strings.Contains(out.String(), "nothing was added") {
		t.Errorf("a third time: %v\n%s", err, &out)
	}
	if again, _, _ := counted(t, cfg); fmt.Sprint(again) != fmt.Sprint(sites) {
		t.Errorf("a third time there are %v events, before %v", again, sites)
	}
	other := request
	other.Events++
	if err := Demo(t.Context(), cfg, other, &out); err == nil || !strings.Contains(err.Error(), "--events 60000 --days 10 --sites 3 --share 0.5 --until 2026-11-20") {
		t.Errorf("another command was answered: %v", err)
	}
	opensDashboard(t, start(t, cfg, ServeOptions{}), out.String())
	if err := Demo(t.Context(), cfg, request, &out); err == nil || !strings.Contains(err.Error(), "Stop it, run this again") {
		t.Errorf("beside a server it answers %v", err)
	}
}

// TestDemoFillsClickHouse fills the event store that EVENTS_URL names, once, and
// none that somebody uses.
func TestDemoFillsClickHouse(t *testing.T) {
	engine := chtest.Shared(t)
	at := engine.Database(t)
	cfg := testConfig(t, t.TempDir(), "EVENTS_URL=clickhouse+"+at)
	request := DemoRequest{Events: 60_000, Days: 10, Sites: 3, Share: 0.5, Until: "2026-11-05"} // two months: two inserts a batch
	count := func() string {
		t.Helper()
		got, err := engine.Ask("select site_id, count(), uniqExact(visit_id, ts, name, path) > 0.9 * count() from " + at[strings.LastIndexByte(at, '/')+1:] + ".events group by 1 order by 1")
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	ctx, stop := context.WithCancel(t.Context())
	if err := (&demoFill{cfg: cfg, out: &stopAfter{bytes: 1, stop: stop}, lineEvery: time.Nanosecond}).run(ctx, request); err == nil || !strings.Contains(err.Error(), "the same command goes on from here") {
		t.Fatalf("stopped in the middle: %v", err)
	}
	if got := count(); got == "" || strings.Contains(got, "10000") {
		t.Fatalf("stopped in the middle, the store has %q", got)
	}
	var out bytes.Buffer
	if err := Demo(t.Context(), cfg, request, &out); err != nil {
		t.Fatal(err)
	}
	const want = "1\t30000\t1\n2\t20000\t1\n3\t10000\t1"
	if got := count(); got != want {
		t.Errorf("the store has %q, want %q", got, want)
	}
	for _, says := range []string{"of 60,000 events are here already", " events/s.\n", "60,000 events of 3 sites in 10 days", "/login/link/"} {
		if !strings.Contains(out.String(), says) {
			t.Errorf("it does not say %q:\n%s", says, &out)
		}
	}
	for _, says := range []string{"Compacting", "on disk"} {
		if strings.Contains(out.String(), says) {
			t.Errorf("of a store that is elsewhere it says %q:\n%s", says, &out)
		}
	}
	out.Reset()
	if err := Demo(t.Context(), cfg, request, &out); err != nil || !strings.Contains(out.String(), "nothing was added") || count() != want {
		t.Errorf("again: %v, and the store has %q\n%s", err, count(), &out)
	}
	other := testConfig(t, t.TempDir(), "EVENTS_URL=clickhouse+"+at)
	if err := Demo(t.Context(), other, request, &syncBuffer{}); err == nil || !strings.Contains(err.Error(), "has events already") || count() != want {
		t.Errorf("into a store that is in use: %v, and it has %q", err, count())
	}
	if _, err := os.Stat(other.DataDir + "/" + demoPlanFile); err == nil {
		t.Error("a refused filling left its plan behind")
	}
	opensDashboard(t, start(t, cfg, ServeOptions{}), out.String())
}

// stopAfter is a terminal whose reader stops the program when something is on
// it.
type stopAfter struct {
	syncBuffer
	bytes int
	stop  func()
}

func (s *stopAfter) Write(p []byte) (int, error) {
	n, err := s.syncBuffer.Write(p)
	if len(s.String()) >= s.bytes {
		s.stop()
	}
	return n, err
}

func sum(list []int) (n int) {
	for _, x := range list {
		n += x
	}
	return n
}

// opensDashboard follows the link that was printed.
func opensDashboard(t *testing.T, r *running, out string) {
	t.Helper()
	link := regexp.MustCompile(`/login/link/\S+`).FindString(out)
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar}
	res, err := c.Get(r.url + link)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Request.URL.Path, "/sites/") {
		t.Errorf("the link %q leads to %s, %d", link, res.Request.URL.Path, res.StatusCode)
	}
}

// TestDemoGoesOn serves what was filled: the traffic goes on from its end.
func TestDemoGoesOn(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	if err := Demo(t.Context(), cfg, DemoRequest{Events: 4000, Days: 2, Sites: 2, Share: 0.5, Until: yesterday}, &syncBuffer{}); err != nil {
		t.Fatal(err)
	}
	var out syncBuffer
	r := start(t, cfg, ServeOptions{Demo: true, Out: &out})
	until(t, "the demo is filled", func() bool { return strings.Contains(out.String(), " events in ") })
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	sites, first, last := counted(t, cfg)
	if len(sites) != 2 || sites[0] < 2500 || sites[1] < 2500 || time.Since(last) > time.Hour || time.Since(first) > 5*24*time.Hour {
		t.Errorf("after a day or more the sites have %v events, from %v to %v", sites, first, last)
	}
}

// TestDemoRefuses: what belongs to somebody is not filled, and what makes no
// sense is named.
func TestDemoRefuses(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	good := DemoRequest{Events: 100, Days: 3, Sites: 1, Share: 0.5}
	for _, c := range []struct {
		change func(*DemoRequest)
		says   string
	}{
		{func(r *DemoRequest) { r.Events = 0 }, "--events is 0: want 1 to 10,000,000,000"},
		{func(r *DemoRequest) { r.Days = 4000 }, "--days"},
		{func(r *DemoRequest) { r.Sites = -1 }, "--sites"},
		{func(r *DemoRequest) { r.Share = 1 }, "--share"},
		{func(r *DemoRequest) { r.Until = "tomorrow" }, "write it like 2026-11-22"},
		{func(r *DemoRequest) { r.Until = "2999-01-01" }, "not here yet"},
	} {
		bad := good
		c.change(&bad)
		if err := Demo(t.Context(), cfg, bad, &syncBuffer{}); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", bad, err, c.says)
		}
	}
	if _, err := Setup(t.Context(), cfg, SetupRequest{Email: "owner@shop.test", Password: "a long enough password", Domain: "shop.test"}); err != nil {
		t.Fatal(err)
	}
	if err := Demo(t.Context(), cfg, good, &syncBuffer{}); err == nil || !strings.Contains(err.Error(), "belongs to somebody") {
		t.Errorf("somebody's server was answered: %v", err)
	}
	if _, err := os.Stat(cfg.DataDir + "/" + demoPlanFile); err == nil {
		t.Error("a refused filling left its plan behind")
	}
}

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	p := newProgress(&out, "events", 500, 10_000_000)
	p.now = func() time.Time { return now }
	p.start, p.shown = now, now
	at := func(after time.Duration, done int64) string {
		out.Reset()
		now = now.Add(after)
		p.at(done)
		return out.String()
	}
	for _, c := range []struct {
		after time.Duration
		done  int64
		want  string
	}{
		{5 * time.Second, 500_500, ""},
		{5 * time.Second, 1_000_500, " 10 %  1,000,500 of 10,000,000 events, 100,000/s, 1m30s left\n"},
		{90 * time.Second, 10_000_000, "100 %  10,000,000 of 10,000,000 events, 99,995/s\n"},
	} {
		if got := at(c.after, c.done); got != c.want {
			t.Errorf("%d done: %q, want %q", c.done, got, c.want)
		}
	}
	p.terminal, p.every = true, barEvery
	if got := at(time.Second, 5_000_000); !strings.HasPrefix(got, "\r[###############...............]  50 %") || strings.Contains(got, "\n") {
		t.Errorf("the bar is %q", got)
	}
	out.Reset()
	p.clear()
	if b := out.String(); strings.TrimSpace(b) != "" || !strings.HasSuffix(b, "\r") {
		t.Errorf("cleared by %q", b)
	}
}
