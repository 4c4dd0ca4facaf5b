package collect

import (
	"bytes"
	"context"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// Nothing that tells a person may reach a disk or a log: canaries in the
// address, the user agent, the queries and the tokens are looked for in every
// file there is, in the log and in the metrics, also when things go wrong.
func TestNothingPersonalIsKept(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, dir, proxied)
	const ip = "198.51.100.123"
	agent := chrome + " Canary/77"
	more := `,"referrer":"https://news.example/path?canary=ref#canary-frag","user_language":"ko","utm_campaign":"seen"`
	url := "https://me:canary-pass@example.com/seen?q=canary-query&utm_term=seen&gclid=canary-click#canary-frag"
	headers := []string{"User-Agent", agent, "X-Forwarded-For", ip, "Cookie", "c=canary-cookie", "Authorization", "Bearer " + goodToken}
	send := func(path, body string) {
		r := request(path, body, headers...)
		r.RemoteAddr = "127.0.0.1:9"
		w.send(r)
	}
	overrides := `,"override_ip":"203.0.113.99","override_user_agent":"` + iphone + ` Canary/88"`
	send("/event", pv(url, more))
	send("/event", pv(url, more+overrides))
	send("/event", pv(url, `,"event":"engagement","engagement_time":5`))
	send("/api/event", `{"n":"pageview","u":"`+url+`","d":"example.com","r":"https://news.example/?canary=ref"}`)
	send("/v1/events", list(`{"url":"`+url+`","visitor_id":"canary-visitor"}`))
	send("/event", pv(url, `,"referrer":"https://semalt.com/?canary=spam"`))
	send("/event", `{"pid":"`+shopID+`","url":"`+url+`"}`)
	send("/event", pv("canary", more)) // a fault
	w.clock.add(25 * time.Hour)
	breakDir(t, dir)
	send("/event", pv(url, more)) // an error, which is logged
	if w.logs.Len() == 0 {
		t.Fatal("the error was not logged: the test looks at nothing")
	}
	if b := w.stored(); len(b.Events) != 5 || len(b.Drops) != 2 {
		t.Fatalf("%d events, drops %v", len(b.Events), b.Drops)
	}
	w.stop()

	raw := netip.MustParseAddr(ip).As4()
	canaries := [][]byte{[]byte("canary"), []byte("Canary"), []byte(ip), raw[:], []byte("203.0.113.99"), []byte("AppleWebKit"), []byte(goodToken)}
	look := func(where string, b []byte) {
		for _, c := range canaries {
			if bytes.Contains(b, c) {
				t.Errorf("%s holds %q", where, c)
			}
		}
	}
	found := false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		found = found || bytes.Contains(b, []byte("/seen"))
		look(path, b)
		return err
	})
	if err != nil || !found {
		t.Fatalf("no file has the path that must be there: the test looks in the wrong place (%v)", err)
	}
	look("the log", w.logs.Bytes())
	families, err := w.prom.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		look("the metrics", []byte(f.String()))
	}
}

// total sums a metric, of one label's value or of all.
func total(t *testing.T, w *world, name, value string) (sum float64) {
	t.Helper()
	families, err := w.prom.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			if value == "" || m.GetLabel()[0].GetValue() == value {
				sum += m.GetCounter().GetValue()
				if f.GetType() == dto.MetricType_HISTOGRAM {
					sum += float64(m.GetHistogram().GetSampleCount())
				}
			}
		}
	}
	return sum
}

func TestMetrics(t *testing.T) {
	w := newWorld(t, "")
	w.hit("/event", pv("https://example.com/", ""))
	w.hit("/api/event", `{"n":"a","u":"https://example.com/","d":"example.com"}`)
	w.hit("/event", pv("https://example.com/", ""), "User-Agent", yeti)
	w.hit("/v1/events", list(`{"url":"https://example.com/"}`, `{"url":"https://example.com/","visitor_id":"b","override_user_agent":"`+yeti+`"}`), auth...)
	w.send(request("/event", "{"))
	w.send(request("/event", `{"pid":"nobody"}`))
	for _, tc := range []struct {
		name, value string
		want        float64
	}{
		{"moonbear_hits_total", "stored", 3}, {"moonbear_hits_total", "dropped", 2}, {"moonbear_hits_total", "400", 1}, {"moonbear_hits_total", "404", 1},
		{"moonbear_hits_dropped_total", "bot", 2}, {"moonbear_hits_dropped_total", "", 2},
		{"moonbear_collect_request_seconds", "event", 4}, {"moonbear_collect_request_seconds", "api_event", 1}, {"moonbear_collect_request_seconds", "v1_events", 1},
	} {
		if got := total(t, w, tc.name, tc.value); got != tc.want {
			t.Errorf("%s %s is %v, want %v", tc.name, tc.value, got, tc.want)
		}
	}
}

// log is a spool in memory, for tests in a bubble.
type log struct{ records [][]byte }

func (l *log) Append(ctx context.Context, record []byte) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	l.records = append(l.records, bytes.Clone(record))
	return nil
}

// Drop counts are written each second, and the last ones when the server stops.
func TestRun(t *testing.T) {
	w := newWorld(t, "")
	w.stop() // its goroutines are outside of the bubble
	synctest.Test(t, func(t *testing.T) {
		l := &log{}
		w.Collector.spool = l
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- w.Run(ctx) }()
		drop := func() { w.drops.add(1, w.clock.now().UnixMilli(), "bot", "Yeti") }
		drop()
		drop()
		time.Sleep(1100 * time.Millisecond)
		synctest.Wait()
		if len(l.records) != 1 {
			t.Fatalf("%d records after a second", len(l.records))
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if len(l.records) != 1 {
			t.Errorf("%d records, and nothing was dropped", len(l.records))
		}
		drop()
		cancel()
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if len(l.records) != 2 {
			t.Fatalf("%d records after the end; the last counts are lost", len(l.records))
		}
	})
}

// Made-up host names cost a bounded number of counts, and none is lost.
func TestDropKindsAreBounded(t *testing.T) {
	d := newDrops()
	for i := range 3 * maxDropKinds {
		d.add(1, 0, "hostname", string(rune(i))+".example")
	}
	if n := len(d.counts); n > maxDropKinds+1 {
		t.Errorf("%d kinds", n)
	}
	var sum int64
	for _, n := range d.counts {
		sum += n
	}
	if sum != 3*maxDropKinds {
		t.Errorf("%d of %d drops are counted", sum, 3*maxDropKinds)
	}
}
