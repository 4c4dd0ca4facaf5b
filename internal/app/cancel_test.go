package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
)

// TestLeftPageEndsItsQuery: who hangs up needs no answer, so that the query
// behind it ends, gives its place back and leaves nothing behind; one that
// waited for a place is forgotten.
func TestLeftPageEndsItsQuery(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	made, err := Setup(t.Context(), cfg, SetupRequest{Email: "owner@shop.test", Password: "a long enough password", Domain: "shop.test"})
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.web.Handler())
	t.Cleanup(func() {
		web.Close()
		if err := s.close(); err != nil {
			t.Error(err)
		}
	})
	site, ok := s.control.sites.Directory().Lookup(made.SiteID)
	if !ok {
		t.Fatal("the site isn't known")
	}
	fillWithLongPaths(t, s, site.ID)
	var percentiles []string
	for _, m := range []string{"dns", "connect", "ttfb", "download", "render", "page_load", "lcp", "inp", "fcp"} {
		percentiles = append(percentiles, fmt.Sprintf(`"%s_p50","%s_p75","%s_p95"`, m, m, m))
	}
	heavy := fmt.Sprintf(`{"site_id":%q,"period":"24h","aggregate":["visitors","visits",%s],"group_by":["path","country"]}`, made.SiteID, strings.Join(percentiles, ","))

	before := runtime.NumGoroutine()
	ctx, hangUp := context.WithCancel(t.Context())
	const clients = 8
	ended := make(chan error, clients)
	for range clients {
		go func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, web.URL+"/v1/stats/breakdown", strings.NewReader(heavy))
			if err != nil {
				ended <- err
				return
			}
			req.Header.Set("Authorization", "Bearer "+made.Token)
			res, err := http.DefaultClient.Do(req)
			if err == nil {
				b, _ := io.ReadAll(res.Body)
				err = fmt.Errorf("answered %d %s", res.StatusCode, b)
				res.Body.Close()
			}
			ended <- err
		}()
	}
	until(t, "questions run and others wait", func() bool {
		return s.gauge(t, "moonbear_store_queries_running") >= 2 && s.gauge(t, "moonbear_store_queries_waiting") >= 1
	})
	hangUp()
	for range clients {
		if err := <-ended; !strings.Contains(err.Error(), "context canceled") {
			t.Errorf("a client that hung up: %v", err)
		}
	}
	until(t, "no query runs or waits", func() bool {
		return s.gauge(t, "moonbear_store_queries_running")+s.gauge(t, "moonbear_store_queries_waiting") == 0
	})
	// Had those that ran been answered, or those that waited begun, it would be less.
	if n := s.gauge(t, "moonbear_store_queries_left_total"); n != clients {
		t.Errorf("%.0f queries were left, want %d", n, clients)
	}
	// Their places are free: a question is answered.
	if got := s.pageviewsOf(t, made, web.URL); got != longPaths {
		t.Errorf("%s pageviews, want %s", got, longPaths)
	}
	http.DefaultClient.CloseIdleConnections()
	until(t, "no goroutine is left", func() bool {
		http.DefaultClient.CloseIdleConnections()
		return runtime.NumGoroutine() <= before
	})
}

// longPaths is how many events fillWithLongPaths makes.
const longPaths = "25000"

func fillWithLongPaths(t *testing.T, s *server, site int64) {
	t.Helper()
	b := event.Batch{Spool: "long", To: 1}
	measures := [event.MeasureCount]event.Measure{}
	for i := range 25_000 {
		for m := range measures {
			measures[m] = event.Measured(int64(i * (m + 7) % 9001))
		}
		at := time.Now().Add(-time.Duration(i) * 100 * time.Millisecond).UnixMilli()
		path := fmt.Sprintf("/%d/%s", i, strings.Repeat("a-text-that-is-long-", 12))
		b.Events = append(b.Events, event.Event{Site: site, Time: at, Name: event.Pageview, Visitor: int64(i + 1), Visit: int64(2*i + 1), Path: path,
			Measures: measures, Entry: event.Entry{VisitStart: at, EntryPath: path}})
	}
	if err := s.store.Append(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
}

func (s *server) pageviewsOf(t *testing.T, made SetupResult, url string) string {
	t.Helper()
	r := &running{t: t, url: url}
	return fmt.Sprintf("%.0f", r.metric(made, "pageviews"))
}

// gauge reads one of the server's figures.
func (s *server) gauge(t *testing.T, name string) float64 {
	t.Helper()
	all, err := s.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range all {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	t.Fatalf("there is no %s", name)
	return 0
}
