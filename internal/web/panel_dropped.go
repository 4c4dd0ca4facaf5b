package web

import (
	"context"
	"fmt"
	"time"

	"github.com/a-h/templ"

	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// droppedPanel is what was not counted, and why.
func droppedPanel() panel {
	return panel{name: "dropped", wide: true, always: true,
		table: func(ctx context.Context, b *board, _ string) (*table, error) { return b.droppedTable(ctx) },
		show: func(ctx context.Context, b *board, f html.Frame, _ string) (templ.Component, error) {
			d, err := b.s.droppedOf(ctx, b.a)
			if err != nil {
				return nil, err
			}
			f.Column = b.t.DroppedCount
			if d.drops.Count > 0 {
				f.Total = b.t.Exact(float64(d.drops.Count)) + " · " + fmt.Sprintf(b.t.Count.Share, b.t.Percent(number(d.share())))
			}
			back := ""
			if b.edits {
				back = b.a.url("")
			}
			return html.DroppedPanel(f, droppedView(b.t, b.a, d, shownDetails, back, b.s.now().In(d.drops.Span.From.Location()))), nil
		}}
}

// droppedAnswers are what a page of refused hits asks.
type droppedAnswers struct {
	drops   *stats.Drops
	series  *stats.DropSeries
	counted stats.Number // events of the same period, whatever the filters
}

func (s *Server) droppedOf(ctx context.Context, a ask) (d droppedAnswers, err error) {
	q := a.q
	q.Filter, q.Compare = stats.Filter{}, stats.NoComparison
	if d.drops, err = s.o.Stats.Drops(ctx, q); err != nil || d.drops.Count == 0 {
		return d, err
	}
	if d.series, err = s.o.Stats.DropSeries(ctx, q); err != nil {
		return d, err
	}
	res, err := s.o.Stats.Run(ctx, q.Totals(stats.Events))
	if err != nil {
		return d, err
	}
	d.counted = res.Total(stats.Events).Number
	return d, nil
}

// share is how much of all hits was refused: of those that became an event,
// and those that were refused.
func (d droppedAnswers) share() stats.Number {
	n := float64(d.drops.Count)
	return stats.Share(stats.Number{N: n, OK: true}, stats.Number{N: n + d.counted.N, OK: true})
}

// shownDetails is how many examples of a reason the panel lists, and
// pageDetails the page.
const (
	shownDetails = 4
	pageDetails  = 10
)

// droppedView writes the answers; back is where the allowing of a
// hostname comes back to, "" for those who may not.
func droppedView(t *html.Text, a ask, d droppedAnswers, details int, back string, now time.Time) html.Dropped {
	view := html.Dropped{URL: a.url("/dropped")}
	if d.drops.Count == 0 {
		return view
	}
	if len(a.leaves()) > 0 {
		view.Note = t.Count.Note
	}
	view.Chart = droppedChart(t, a, d.series, now)
	for _, r := range d.drops.Reasons {
		row := droppedRow(t, r.Reason, r.Count, d.drops.Count)
		for _, e := range r.Details {
			if e.Detail != "" && len(row.Details) < details {
				row.Details = append(row.Details, droppedDetail(t, a, r.Reason, e, back, now))
			}
		}
		view.Rows = append(view.Rows, row)
	}
	return view
}

func droppedRow(t *html.Text, reason string, count, all int64) html.DroppedRow {
	words := t.Reason(reason)
	n := stats.Number{N: float64(count), OK: true}
	return html.DroppedRow{
		Key: reason, Reason: words.Name, About: words.About, Remedy: t.Remedy(reason), DetailName: t.Count.Details[reason],
		Count: t.RowValue(n.N), Exact: t.Exact(n.N), Share: t.Percent(number(stats.Share(n, stats.Number{N: float64(all), OK: true}))),
	}
}

func droppedDetail(t *html.Text, a ask, reason string, e stats.DropDetail, back string, now time.Time) html.DroppedDetail {
	d := html.DroppedDetail{Label: e.Detail, Count: t.RowValue(float64(e.Count)), Last: t.Day(e.Last, now) + ", " + t.Clock(e.Last)}
	switch {
	case e.Detail == "":
		d.Label = t.Count.None
	case reason == dropHostname:
		d.Label = site.DisplayHost(e.Detail)
		if back != "" && !a.site.Allows(e.Detail) {
			d.Hostname, d.AllowURL, d.Return = e.Detail, sitePath(a.site)+"/hostnames", back
		}
	}
	return d
}

// droppedChart stacks each bucket's reasons, the one with most of all at the
// bottom; the highest bar fills the box.
func droppedChart(t *html.Text, a ask, s *stats.DropSeries, now time.Time) html.DroppedChart {
	const wide, high = 1000.0, 100.0
	q := a.q.Series()
	c := html.DroppedChart{Title: t.Count.ChartTitle, Columns: []string{t.Time, t.Count.Total}}
	most := int64(1)
	res := &stats.Result{Query: q, Span: s.Span}
	for _, p := range s.Points {
		most = max(most, p.Count)
		res.Points = append(res.Points, stats.Point{From: p.From, To: p.To})
	}
	for _, r := range s.Reasons {
		c.Columns = append(c.Columns, t.Reason(r).Name)
	}
	c.Most = t.Exact(float64(most))
	step := wide / float64(max(len(s.Points), 1))
	for i, p := range s.Points {
		label := bucketWords(t, q.Interval, p.From, p.To, now)
		bar := html.DroppedBar{Title: fmt.Sprintf(t.Count.BarOf, label, t.Exact(float64(p.Count))), Open: p.Partial && !p.Future}
		row := html.DroppedPoint{Label: label, Unfinished: bar.Open, Cells: []string{t.Exact(float64(p.Count))}}
		y := high
		for r, n := range p.Counts {
			row.Cells = append(row.Cells, t.Exact(float64(n)))
			if n == 0 {
				continue
			}
			h := high * float64(n) / float64(most)
			y -= h
			bar.Parts = append(bar.Parts, html.DroppedPart{Key: s.Reasons[r], X: percentText((float64(i) + 0.1) * step), Width: percentText(0.8 * step), Y: percentText(y), Height: percentText(h)})
		}
		if !p.Future {
			c.Rows = append(c.Rows, row)
		}
		c.Bars = append(c.Bars, bar)
	}
	c.Ticks = barTicks(t, res)
	return c
}

// barTicks label the middles of bars, at most seven times.
func barTicks(t *html.Text, res *stats.Result) []html.Tick {
	n := len(res.Points)
	every := max((n+6)/7, 1)
	var out []html.Tick
	for i := 0; i < n; i += every {
		k := html.Tick{At: percentText(100 * (float64(i) + 0.5) / float64(n)), Label: tickWords(t, res, i), End: "middle"}
		if i == 0 && n > 7 {
			k.At, k.End = "0", "start"
		}
		out = append(out, k)
	}
	return out
}

// droppedTable is every detail of every reason, for a file.
func (b *board) droppedTable(ctx context.Context) (*table, error) {
	drops, err := b.s.o.Stats.Drops(ctx, b.a.q)
	if err != nil {
		return nil, err
	}
	t := &table{span: drops.Span, header: []string{"reason", "detail", "hits", "last"}}
	for _, r := range drops.Reasons {
		details, err := b.s.everyDetail(ctx, b.a, r.Reason)
		if err != nil {
			return nil, err
		}
		for _, e := range details {
			t.rows = append(t.rows, []string{r.Reason, harmless(e.Detail), fmt.Sprint(e.Count), e.Last.Format(time.RFC3339)})
		}
	}
	return t, nil
}
