package main

import (
	"context"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	dashboard = "dashboard" // the whole page
	coldRuns  = 3
	resting   = 30 * time.Second
)

// filters are asked for information: what they cost is not in the issue.
var filters = []struct{ name, query string }{
	{"country", "&f=eq,country,KR"},
	{"path", "&f=eq,path,/shop"},
}

// question is one request of a browser.
type question struct{ name, path string }

// ask starts the server on a dataset, again and again, and measures.
func (f *figures) ask(ctx context.Context, o options, d *dataset) error {
	for range coldRuns {
		if err := f.cold(ctx, o, d); err != nil {
			return err
		}
	}
	s, err := start(ctx, o, d)
	if err != nil {
		return err
	}
	defer func() { s.kill() }()
	if err := f.idle(s); err != nil {
		return err
	}
	if err := check(s, d); err != nil {
		return fmt.Errorf("what the dashboard says is wrong: %w", err)
	}
	if err := f.warm(s, o, d); err != nil {
		return err
	}
	if err := f.heavy(s, d); err != nil {
		return err
	}
	return f.killed(ctx, o, d, s)
}

// cold asks a server that has just been started for one dashboard, its files
// out of the page cache.
func (f *figures) cold(ctx context.Context, o options, d *dataset) error {
	if err := forget(d.dir); err != nil {
		return err
	}
	s, err := start(ctx, o, d)
	if err != nil {
		return err
	}
	f.Ready = max(f.Ready, s.ready.Seconds())
	_, took, err := s.get("/sites/" + d.big().ID + "?" + d.period())
	if err != nil {
		return err
	}
	f.Cold = append(f.Cold, ms(took))
	say("ready after %.2f s, the dashboard cold after %.0f ms", s.ready.Seconds(), ms(took))
	return s.stop()
}

// idle is what the server has when it is up and nobody asks.
func (f *figures) idle(s *server) (err error) {
	time.Sleep(5 * time.Second)
	f.Idle, err = s.memory("VmRSS")
	return err
}

// warm asks each question over and over: of the biggest site, of the smallest,
// and with filters.
func (f *figures) warm(s *server, o options, d *dataset) error {
	stop := s.watch(o.profile, filepath.Base(d.dir), 20)
	var err error
	if f.Big, err = repeat(s, d.big().ID, d.period(), o.repeat); err != nil {
		return err
	}
	if err := stop(); err != nil {
		return err
	}
	say("the biggest site: dashboard p95 %.0f ms, slowest panel p95 %.0f ms (%s)", f.Big[dashboard].P95, f.Big.worst().P95, f.Big.worst().Name)
	if len(d.Sites) > 1 {
		if f.Small, err = repeat(s, d.small().ID, d.period(), o.repeat); err != nil {
			return err
		}
		say("the smallest (%d events): dashboard p95 %.0f ms, slowest panel p95 %.0f ms (%s)", d.small().Stored, f.Small[dashboard].P95, f.Small.worst().P95, f.Small.worst().Name)
	}
	f.Filtered = map[string]asked{}
	for _, x := range filters {
		// Not promised: what finds no answer is said, and the rest goes on.
		got, err := repeat(s, d.big().ID, d.period()+x.query, max(2, o.repeat/5))
		if err != nil {
			say("filtered by %s: %v", x.name, err)
			continue
		}
		f.Filtered[x.name] = got
	}
	return nil
}

// repeat asks every question of a site n times, in rounds, after one round that
// warms up and finds them.
func repeat(s *server, id, query string, n int) (asked, error) {
	questions, err := discover(s, id, query)
	if err != nil {
		return nil, err
	}
	took, cpu := map[string][]time.Duration{}, map[string]time.Duration{}
	for range n {
		for _, q := range questions {
			before, err := s.cpu()
			if err != nil {
				return nil, err
			}
			_, t, err := s.get(q.path)
			if err != nil {
				return nil, err
			}
			after, err := s.cpu()
			if err != nil {
				return nil, err
			}
			took[q.name] = append(took[q.name], t)
			cpu[q.name] += after - before
		}
	}
	a := asked{}
	for name, t := range took {
		a[name] = summarize(name, t, cpu[name])
	}
	return a, nil
}

var (
	fragmentLink = regexp.MustCompile(`data-fragment="([^"]+)"`)
	panelBox     = regexp.MustCompile(`data-test="panel-([a-z]+)"`)
)

// discover finds what a dashboard's page can ask for: each panel, and what one
// press on one of its tabs brings.
func discover(s *server, id, query string) ([]question, error) {
	base := "/sites/" + id
	qs := []question{{dashboard, base + "?" + query}}
	page, _, err := s.get(qs[0].path)
	if err != nil {
		return nil, err
	}
	for _, m := range panelBox.FindAllStringSubmatch(page, -1) {
		qs = append(qs, question{m[1], base + "/panels/" + m[1] + "?" + query})
	}
	asked, err := url.ParseQuery(query)
	if err != nil {
		return nil, err
	}
	texts := []string{page}
	for i := 1; len(texts) > 0; texts = texts[1:] {
		for _, m := range fragmentLink.FindAllStringSubmatch(texts[0], -1) {
			q, ok := fragment(html.UnescapeString(m[1]), asked)
			if ok && !slices.ContainsFunc(qs, func(have question) bool { return have.name == q.name }) {
				qs = append(qs, q)
			}
		}
		for ; i < len(qs); i++ {
			text, _, err := s.get(qs[i].path)
			if err != nil {
				return nil, err
			}
			texts = append(texts, text)
		}
	}
	return qs, nil
}

// fragment is the question behind a tab's link, where it differs from the
// page's in one thing.
func fragment(link string, page url.Values) (question, bool) {
	u, err := url.Parse(link)
	if err != nil {
		return question{}, false
	}
	name, extra := u.Path[strings.LastIndexByte(u.Path, '/')+1:], 0
	for k, v := range u.Query() {
		if !slices.Equal(page[k], v) {
			extra++
			name += " " + strings.Join(v, ",")
		}
	}
	return question{name, link}, extra <= 1
}

// heavy asks the worst that a person can, several at once, for what memory
// that takes; then it lets the server rest.
func (f *figures) heavy(s *server, d *dataset) error {
	if err := s.resetPeak(); err != nil {
		return err
	}
	big := "/sites/" + d.big().ID
	worst := []string{
		big + "?period=12m", big + "?period=24m", big + "?" + d.period() + "&f=contains,path,o",
		big + "/panels/performance?period=12m&percentile=95", big + "/all/path?period=12m", "/sites",
	}
	var unanswered atomic.Int64
	var g errgroup.Group
	g.SetLimit(4)
	for range 2 {
		for _, path := range worst {
			g.Go(func() error {
				if _, _, err := s.get(path); err != nil {
					say("in the heaviest questions: %v", err)
					unanswered.Add(1)
				}
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	f.Unanswered = unanswered.Load()
	var err error
	if f.Peak, err = s.memory("VmHWM"); err != nil {
		return err
	}
	time.Sleep(resting)
	f.Rested, err = s.memory("VmRSS")
	say("resident %d MiB idle, %d MiB at most in the heaviest questions, %d MiB %v after", f.Idle>>20, f.Peak>>20, f.Rested>>20, resting)
	return err
}

// killed is how soon a server takes hits again, and answers questions, that was
// killed while hits came in.
func (f *figures) killed(ctx context.Context, o options, d *dataset, s *server) error {
	if d.busy() == nil {
		return nil
	}
	if err := hit(s, d.busy(), 3*time.Second); err != nil {
		return err
	}
	s.kill()
	again, err := start(ctx, o, d)
	if err != nil {
		return err
	}
	begun := time.Now().Add(-again.ready)
	f.ReadyKilled = again.ready.Seconds()
	if _, _, err = again.get("/sites/" + d.busy().ID + "?" + d.period()); err != nil {
		return err
	}
	f.PageKilled = time.Since(begun).Seconds()
	say("after SIGKILL: ready after %.2f s, a dashboard after %.2f s", f.ReadyKilled, f.PageKilled)
	return again.stop()
}

// hit sends hits to a site for a while.
func hit(s *server, st *site, d time.Duration) error {
	var g errgroup.Group
	end := time.Now().Add(d)
	for i := range 8 {
		g.Go(func() error {
			for n := 0; time.Now().Before(end); n++ {
				body := fmt.Sprintf(`{"pid":%q,"event":"pageview","url":"https://%s/page-%d"}`, st.ID, st.Domain, n%50)
				req, err := http.NewRequest(http.MethodPost, s.base+"/event", strings.NewReader(body))
				if err != nil {
					return err
				}
				req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0")
				req.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.%d.%d", i, n%250+1))
				res, err := http.DefaultClient.Do(req)
				if err != nil {
					return err
				}
				res.Body.Close()
				if res.StatusCode != http.StatusAccepted {
					return fmt.Errorf("a hit was answered %s", res.Status)
				}
			}
			return nil
		})
	}
	return g.Wait()
}
