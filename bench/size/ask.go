package main

import (
	"context"
	"errors"
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

	"moonbear/bench/figures"
	"moonbear/bench/process"
)

const (
	coldRuns = 3
	resting  = 30 * time.Second
)

// filters are asked for information: what they cost is not in the issue.
var filters = []struct{ name, query string }{
	{"country", "&f=eq,country,KR"},
	{"path", "&f=eq,path,/shop"},
}

// question is one request of a browser.
type question struct{ name, path string }

// measuring is the measurement of one size.
type measuring struct {
	*figures.Size
	o options
	d *dataset
}

// ask starts the server on the dataset, again and again, and measures. Of a
// ClickHouse only what answers take is wanted.
func (m *measuring) ask(ctx context.Context) error {
	if m.d.engine == nil {
		for range coldRuns {
			if err := m.cold(ctx); err != nil {
				return err
			}
		}
	}
	s, err := start(ctx, m.o, m.d)
	if err != nil {
		return err
	}
	defer func() { s.kill() }()
	if err := m.idle(s); err != nil {
		return err
	}
	if err := check(s, m.d); err != nil {
		return fmt.Errorf("what the dashboard says is wrong: %w", err)
	}
	if err := m.warm(s); err != nil {
		return err
	}
	if m.d.engine != nil {
		return m.most(s)
	}
	if err := m.heavy(s); err != nil {
		return err
	}
	return m.killed(ctx, s)
}

// cold asks a server that has just been started for one dashboard, its files
// out of the page cache.
func (m *measuring) cold(ctx context.Context) error {
	if err := forget(m.d.dir); err != nil {
		return err
	}
	s, err := start(ctx, m.o, m.d)
	if err != nil {
		return err
	}
	m.Ready = max(m.Ready, s.Ready.Seconds())
	_, took, err := s.get("/sites/" + m.d.big().ID + "?" + m.d.period())
	if err != nil {
		return err
	}
	m.Cold = append(m.Cold, figures.Milliseconds(took))
	say("ready after %.2f s, the dashboard cold after %.0f ms", s.Ready.Seconds(), figures.Milliseconds(took))
	return s.stop()
}

// idle is what the server has when it is up and nobody asks.
func (m *measuring) idle(s *server) (err error) {
	time.Sleep(5 * time.Second)
	m.Idle, err = s.memory("VmRSS")
	return err
}

// warm asks each question over and over: of the biggest site, of the smallest,
// and with filters.
func (m *measuring) warm(s *server) (err error) {
	stop := s.Watch(m.o.profile, filepath.Base(m.d.dir), 20)
	big, small := m.d.big(), m.d.small()
	if m.Big, err = m.repeat(s, big.ID, m.d.period(), m.o.repeat); err != nil {
		return err
	}
	if err := stop(); err != nil {
		return err
	}
	say("the biggest site: dashboard p95 %.0f ms, slowest panel p95 %.0f ms (%s)", m.Big[figures.Dashboard].P95, m.Big.Worst().P95, m.Big.Worst().Name)
	if small != big {
		if m.Small, err = m.repeat(s, small.ID, m.d.period(), m.o.repeat); err != nil {
			return err
		}
		say("the smallest (%d events): dashboard p95 %.0f ms, slowest panel p95 %.0f ms (%s)", small.Stored, m.Small[figures.Dashboard].P95, m.Small.Worst().P95, m.Small.Worst().Name)
	}
	m.Filtered = map[string]figures.Asked{}
	for _, x := range filters {
		if !m.o.filters {
			break
		}
		if m.Filtered[x.name], err = m.repeat(s, big.ID, m.d.period()+x.query, max(2, m.o.repeat/5)); err != nil {
			return err
		}
	}
	return nil
}

// repeat asks every question of a site n times, in rounds, after one round that
// warms up and finds them. One that finds no answer is not asked again.
func (m *measuring) repeat(s *server, id, query string, n int) (figures.Asked, error) {
	questions, err := discover(s, id, query)
	if err != nil {
		return nil, err
	}
	a := figures.Asked{}
	all := map[string]*times{}
	for _, q := range questions {
		all[q.name] = &times{}
	}
	for range n {
		for _, q := range questions {
			t := all[q.name]
			if t.unanswered > 0 {
				continue
			}
			if err := m.once(s, q, t); err != nil {
				return nil, err
			}
			a[q.name] = t.summary(q.name)
		}
	}
	return a, nil
}

// times are what one question took, each time it was asked.
type times struct {
	took        []time.Duration
	cpu, engine time.Duration // of all together
	unanswered  int
}

func (t *times) summary(name string) figures.Took {
	f := figures.Summarize(name, t.took, t.cpu, t.engine)
	f.Unanswered = t.unanswered
	return f
}

// once asks a question once more.
func (m *measuring) once(s *server, q question, t *times) error {
	used := func() (server, engine time.Duration, err error) {
		if server, err = s.cpu(); err != nil {
			return 0, 0, err
		}
		engine, err = m.d.engine.cpu()
		return server, engine, err
	}
	server, engine, err := used()
	if err != nil {
		return err
	}
	_, took, err := s.get(q.path)
	if errors.Is(err, errUnanswered) {
		say("%v", err)
		t.unanswered++
	} else if err != nil {
		return err
	}
	serverAfter, engineAfter, err := used()
	if err != nil {
		return err
	}
	t.took = append(t.took, took)
	t.cpu += serverAfter - server
	t.engine += engineAfter - engine
	return nil
}

// most is the most memory that answering took, of the server and of the event
// store beside it.
func (m *measuring) most(s *server) (err error) {
	if m.Peak, err = s.memory("VmHWM"); err != nil {
		return err
	}
	if m.Engine.Peak, err = m.d.engine.atMost(); err != nil {
		return err
	}
	say("resident %d MiB idle, %d MiB at most, %d MiB of ClickHouse", m.Idle>>20, m.Peak>>20, m.Engine.Peak>>20)
	return s.stop()
}

var (
	fragmentLink = regexp.MustCompile(`data-fragment="([^"]+)"`)
	panelBox     = regexp.MustCompile(`data-test="panel-([a-z]+)"`)
)

// discover finds what a dashboard's page can ask for: each panel, and what one
// press on one of its tabs brings.
func discover(s *server, id, query string) ([]question, error) {
	base := "/sites/" + id
	qs := []question{{figures.Dashboard, base + "?" + query}}
	page, _, err := s.get(qs[0].path)
	if err != nil && !errors.Is(err, errUnanswered) {
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
			if err != nil && !errors.Is(err, errUnanswered) {
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
func (m *measuring) heavy(s *server) error {
	if err := process.ResetPeak(s.PID()); err != nil {
		return err
	}
	big := "/sites/" + m.d.big().ID
	worst := []string{
		big + "?period=12m", big + "?period=24m", big + "?" + m.d.period() + "&f=contains,path,o",
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
	m.Unanswered = unanswered.Load()
	var err error
	if m.Peak, err = s.memory("VmHWM"); err != nil {
		return err
	}
	time.Sleep(resting)
	m.Rested, err = s.memory("VmRSS")
	say("resident %d MiB idle, %d MiB at most in the heaviest questions, %d MiB %v after", m.Idle>>20, m.Peak>>20, m.Rested>>20, resting)
	return err
}

// killed is how soon a server takes hits again, and answers questions, that was
// killed while hits came in.
func (m *measuring) killed(ctx context.Context, s *server) error {
	d := m.d
	if d.busy() == nil {
		return nil
	}
	if err := hit(s, d.busy(), 3*time.Second); err != nil {
		return err
	}
	s.kill()
	again, err := start(ctx, m.o, d)
	if err != nil {
		return err
	}
	begun := time.Now().Add(-again.Ready)
	m.ReadyKilled = again.Ready.Seconds()
	if _, _, err = again.get("/sites/" + d.busy().ID + "?" + d.period()); err != nil {
		return err
	}
	m.PageKilled = time.Since(begun).Seconds()
	say("after SIGKILL: ready after %.2f s, a dashboard after %.2f s", m.ReadyKilled, m.PageKilled)
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
				req, err := http.NewRequest(http.MethodPost, s.Base+"/event", strings.NewReader(body))
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
