package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

const agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"

// tally is what those who sent hits saw.
type tally struct {
	mu        sync.Mutex
	answers   map[int]int // by status; 0 is none
	latencies []time.Duration
}

func (t *tally) note(status int, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.answers[status]++
	t.latencies = append(t.latencies, took)
}

func (t *tally) acknowledged() int { return t.answers[http.StatusAccepted] }

func (t *tally) quantile(q float64) time.Duration {
	slices.Sort(t.latencies)
	if len(t.latencies) == 0 {
		return 0
	}
	return t.latencies[min(int(q*float64(len(t.latencies))), len(t.latencies)-1)]
}

// spread is the latencies in words.
func (t *tally) spread() string {
	return fmt.Sprintf("p50 %s, p99 %s, worst %s", ms(t.quantile(0.5)), ms(t.quantile(0.99)), ms(t.quantile(1)))
}

// hitting sends hits of the n-th site, rate a second, until stop is called. Latency
// counts from the moment a hit was due.
func (s *server) hitting(ctx context.Context, n, rate int) (stop func() *tally) {
	t := &tally{answers: map[int]int{}}
	ctx, cancel := context.WithCancel(ctx)
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	client := &http.Client{Transport: transport, Timeout: time.Minute}
	var senders sync.WaitGroup
	began, connections := time.Now(), min(64, rate)
	for c := range connections {
		senders.Go(func() {
			for i := c; ; i += connections {
				due := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
				select {
				case <-time.After(time.Until(due)):
				case <-ctx.Done():
					return
				}
				t.note(s.hit(client, n, i), time.Since(due))
			}
		})
	}
	return func() *tally {
		cancel()
		senders.Wait()
		transport.CloseIdleConnections()
		return t
	}
}

// hit sends the i-th one; it is not given up, so that it is known whether it
// was acknowledged.
func (s *server) hit(client *http.Client, n, i int) int {
	page := fmt.Sprintf("page-%d", i*i%97)
	if n == 0 && i%1000 == 0 {
		page = canary
	}
	body := fmt.Appendf(nil, `{"pid":%q,"event":"pageview","url":"https://%s/journal/%s","referrer":"https://www.google.com/","screen_width":%d,"user_language":"ko-KR","timezone":"Asia/Seoul","ttfb":%d,"page_load":%d}`,
		s.sites[n], domainOf(n), page, 400+i*37%1600, i*13%400, 500+i*71%2500)
	req, err := http.NewRequest(http.MethodPost, "http://"+s.addr+"/event", bytes.NewReader(body))
	if err != nil {
		return 0
	}
	req.Header.Set("User-Agent", agent)
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("81.%d.%d.%d", i/50_000%250, i/200%250, i%200+1))
	res, err := client.Do(req)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// question is one of the API's.
type question struct {
	name, path string
	ask        map[string]any
}

// heavy are questions that read all there is of the biggest site.
func heavy(site string) []question {
	return []question{
		{"percentiles by page, 12 months", "/v1/stats/breakdown", map[string]any{"site_id": site, "period": "12m", "group_by": "path",
			"aggregate": []string{"visitors", "page_load_p50", "page_load_p75", "page_load_p95", "ttfb_p75"}}},
		{"visitors by page and country, 24 months", "/v1/stats/breakdown", map[string]any{"site_id": site, "period": "24m",
			"group_by": []string{"path", "country"}, "aggregate": []string{"visitors", "visits", "bounce_rate"}}},
		{"percentiles by browser, compared, 12 months", "/v1/stats/breakdown", map[string]any{"site_id": site, "period": "12m", "group_by": "browser",
			"compare": "previous", "aggregate": []string{"visitors", "visit_duration", "page_load_p75", "page_load_p95"}}},
		{"every headline by month, 24 months", "/v1/stats/timeseries", map[string]any{"site_id": site, "period": "24m", "time_bucket": "month",
			"aggregate": []string{"visitors", "visits", "pageviews", "bounce_rate", "page_load_p95"}}},
	}
}

// asking asks questions in turn from several clients until stop is called;
// every client then says how often it was answered, and what went wrong.
func (s *server) asking(ctx context.Context, clients int, questions []question) (stop func() (answered int, err error)) {
	ctx, cancel := context.WithCancel(ctx)
	var mu sync.Mutex
	var n int
	var first error
	var all sync.WaitGroup
	for c := range clients {
		all.Go(func() {
			for i := c; ctx.Err() == nil; i++ {
				q := questions[i%len(questions)]
				err := s.api(ctx, http.MethodPost, q.path, q.ask, nil)
				mu.Lock()
				if err == nil {
					n++
				} else if ctx.Err() == nil && first == nil {
					first = fmt.Errorf("%s: %w", q.name, err)
				}
				mu.Unlock()
			}
		})
	}
	return func() (int, error) {
		cancel()
		all.Wait()
		return n, first
	}
}
