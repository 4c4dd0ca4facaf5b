package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"moonbear/internal/event"
	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

const (
	livePeriod  = "30m"
	liveRefresh = 5  // seconds between looks
	liveRows    = 6  // of a list
	liveMoments = 20 // of the newest events
)

// live shows a site's last thirty minutes: GET /sites/{site}/live
func (s *Server) live(w http.ResponseWriter, r *http.Request, v *viewer) error {
	now, err := s.liveNow(r.Context(), v)
	if err != nil {
		return err
	}
	domain := site.DisplayHost(v.Site.Domain)
	p := html.Live{Page: s.page(r, v, fmt.Sprintf(v.Text.Live.Title, domain)), Domain: domain, DashboardURL: sitePath(v.Site), Now: now}
	p.Page.Refresh = liveRefresh
	return s.render(w, r, http.StatusOK, html.LivePage(p))
}

// liveStatus is what changes of it: GET /sites/{site}/live/now
func (s *Server) liveStatus(w http.ResponseWriter, r *http.Request, v *viewer) error {
	now, err := s.liveNow(r.Context(), v)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, html.LiveFragment(now))
}

// liveList is one list of the live view: a question, and where its rows lead.
type liveList struct {
	name string
	tab  tabSpec
	q    stats.Query
}

// liveLists are what is asked about the last thirty minutes, each by itself.
func liveLists(a ask) []liveList {
	by := func(name string, d stats.Dimension, m stats.Metric, only ...stats.Filter) liveList {
		l := liveList{name: name, tab: tabSpec{dimension: d, metric: m}}
		l.q = a.filtered(only).q.By(d, liveRows, m)
		return l
	}
	lists := []liveList{
		by("pages", stats.Path, stats.Visitors, stats.Is(stats.EventName, stats.Eq, event.Pageview)),
		by("sources", stats.Source, stats.Visitors),
		by("countries", stats.Country, stats.Visitors),
		by("devices", stats.Device, stats.Visitors),
		by("events", stats.EventName, stats.Events, stats.Is(stats.EventName, stats.Neq, event.Pageview)),
	}
	if len(a.q.Goals) > 0 {
		lists = append(lists, by("goals", stats.GoalName, stats.Conversions))
	}
	return lists
}

func (s *Server) liveNow(ctx context.Context, v *viewer) (html.LiveNow, error) {
	a, err := s.asked(ctx, v, map[string][]string{"period": {livePeriod}, paramCompare: {noComparison}})
	if err != nil {
		return html.LiveNow{}, err
	}
	lists := liveLists(a)
	var totals, series *stats.Result
	var online int64
	var moments []stats.Moment
	got := make([]*stats.Result, len(lists))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	g.Go(func() (err error) {
		totals, err = s.o.Stats.Run(gctx, a.q.Totals(stats.Visitors, stats.Pageviews))
		return err
	})
	g.Go(func() (err error) { series, err = s.o.Stats.Run(gctx, a.q.Series(stats.Visitors)); return err })
	g.Go(func() (err error) { online, err = s.o.Stats.Online(gctx, a.site.ID); return err })
	g.Go(func() (err error) { moments, err = s.o.Stats.Recent(gctx, a.site.ID, liveMoments); return err })
	for i, l := range lists {
		g.Go(func() (err error) { got[i], err = s.o.Stats.Run(gctx, l.q); return err })
	}
	if err := g.Wait(); err != nil {
		return html.LiveNow{}, err
	}
	t := v.Text
	n := html.LiveNow{
		Text: t, PollURL: sitePath(a.site) + "/live/now", Every: fmt.Sprint(liveRefresh * 1000), Online: t.Exact(float64(online)),
		Visitors: t.Exact(totals.Total(stats.Visitors).N), Pageviews: t.Exact(totals.Total(stats.Pageviews).N),
		Minutes: liveMinutes(t, series), Moments: liveMomentViews(t, moments, s.now()), Empty: len(moments) == 0,
	}
	// Half an hour is no period of the dashboard's menu; an hour is the nearest.
	hour := a.period("1h").with(func(b *ask) { b.q.Compare = stats.PreviousPeriod })
	for i, l := range lists {
		view := html.LiveList{Name: l.name, Title: t.Live.Lists[l.name], Column: t.Metric(string(l.tab.metric)).Name}
		for _, r := range rowViews(t, hour, l.tab, got[i].Rows, stats.Number{}) {
			r.ExcludeURL = ""
			view.Rows = append(view.Rows, r)
		}
		n.Lists = append(n.Lists, view)
	}
	return n, nil
}

// liveMinutes draws a bar for each minute in a box 300 wide and 64 high.
func liveMinutes(t *html.Text, res *stats.Result) html.LiveMinutes {
	const wide, high = 300.0, 64.0
	m := html.LiveMinutes{}
	most, top := 0.0, 4.0 // a lone visitor is no full bar
	for _, p := range res.Points {
		most = max(most, p.Value(stats.Visitors).N)
	}
	top = max(top, most)
	var said []string
	step := wide / float64(max(len(res.Points), 1))
	for i, p := range res.Points {
		n := p.Value(stats.Visitors).N
		said = append(said, t.Exact(n))
		b := html.LiveBar{X: percentText(float64(i)*step + step*0.1), Width: percentText(step * 0.8), Open: i == len(res.Points)-1}
		b.Title = fmt.Sprintf(t.Live.Minute, t.Clock(p.From), t.Exact(n))
		h := high * n / top
		b.Y, b.Height = percentText(high-h), percentText(h)
		m.Bars = append(m.Bars, b)
	}
	m.Title = fmt.Sprintf(t.Live.MinutesTitle, t.Exact(most))
	m.Label = fmt.Sprintf(t.Live.MinutesLabel, strings.Join(said, ", "))
	return m
}

func liveMomentViews(t *html.Text, moments []stats.Moment, now time.Time) []html.LiveMoment {
	var out []html.LiveMoment
	for _, m := range moments {
		v := html.LiveMoment{Path: m.Path, Ago: liveAgo(t, now.Sub(m.Time)), Country: valueWords(t, stats.Country, m.Country), Source: valueWords(t, stats.Source, m.Source)}
		if m.Name != event.Pageview {
			v.Event = eventWords(t, m.Name)
		}
		out = append(out, v)
	}
	return out
}

// liveAgo says how long ago something was.
func liveAgo(t *html.Text, d time.Duration) string {
	switch d = max(d, 0); {
	case d < 5*time.Second:
		return t.Live.JustNow
	case d < time.Minute:
		return fmt.Sprintf(t.Live.SecondsAgo, t.Exact(float64(d/time.Second)))
	}
	return fmt.Sprintf(t.Live.MinutesAgo, t.Exact(float64(d/time.Minute)))
}
