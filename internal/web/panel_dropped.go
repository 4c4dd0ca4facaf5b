package web

import (
	"context"

	"github.com/a-h/templ"

	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// droppedPanel is what was not counted, and why.
func droppedPanel() panel {
	return panel{name: "dropped", wide: true, always: true,
		show: func(ctx context.Context, b *board, f html.Frame, _ string) (templ.Component, error) {
			drops, err := b.s.o.Stats.Drops(ctx, b.a.q)
			if err != nil {
				return nil, err
			}
			f.Column = b.t.DroppedCount
			if drops.Count > 0 {
				f.Total = b.t.Exact(float64(drops.Count))
			}
			return html.DroppedPanel(f, droppedView(b.t, b.a, drops)), nil
		}}
}

// shownDetails is how many examples of a reason are listed.
const shownDetails = 4

func droppedView(t *html.Text, a ask, d *stats.Drops) html.Dropped {
	view := html.Dropped{}
	for _, r := range d.Reasons {
		words := t.Reason(r.Reason)
		row := html.DroppedRow{
			Reason: words.Name, About: words.About, Count: t.RowValue(float64(r.Count)), Exact: t.Exact(float64(r.Count)),
			Width: percentText(100 * float64(r.Count) / float64(max(d.Reasons[0].Count, 1))),
		}
		for _, e := range r.Details {
			if e.Detail == "" || len(row.Details) >= shownDetails {
				continue
			}
			detail := html.DroppedDetail{Label: e.Detail, Count: t.RowValue(float64(e.Count))}
			if r.Reason == dropHostname {
				detail.Label = site.DisplayHost(e.Detail)
				if !a.site.Allows(e.Detail) {
					detail.Hostname, detail.AllowURL, detail.Return = e.Detail, sitePath(a.site)+"/hostnames", a.url("")
				}
			}
			row.Details = append(row.Details, detail)
		}
		view.Rows = append(view.Rows, row)
	}
	return view
}
