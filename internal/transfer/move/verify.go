package move

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// mostDifferences are told by name.
const mostDifferences = 20

// proveEvents compares everything. Months that differ after a run that was
// broken off (what was copied then has changed since) are copied again, once.
func (m *mover) proveEvents(ctx context.Context) error {
	wrong, err := m.compare(ctx)
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		m.o.Log.WarnContext(ctx, "what an earlier run copied has changed since: it is copied again", "months", len(wrong))
		m.report.Repaired = len(wrong)
		for _, c := range wrong {
			if err := m.forget(ctx, c); err != nil {
				return err
			}
		}
		if err := m.copyEvents(ctx); err != nil {
			return err
		}
		if wrong, err = m.compare(ctx); err != nil {
			return err
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%w: %s", ErrDifferent, strings.Join(m.report.Differences, "; "))
	}
	if err := m.ask(ctx); err != nil {
		return err
	}
	if len(m.report.Differences) > 0 {
		return fmt.Errorf("%w: %s", ErrDifferent, strings.Join(m.report.Differences, "; "))
	}
	return nil
}

// compare lists the cells that aren't equal.
func (m *mover) compare(ctx context.Context) (wrong []Cell, err error) {
	from, err := count(ctx, m.o.From.Events)
	if err != nil {
		return nil, err
	}
	to, err := count(ctx, m.o.To.Events)
	if err != nil {
		return nil, err
	}
	all := m.compared(cells(from, to))
	m.report.Events, m.report.Cells, m.report.Differences = 0, len(all), nil
	var done, total int64
	for _, c := range all {
		total += from[c].all()
	}
	for _, c := range all {
		m.o.Tell(Progress{Phase: Verifying, Done: done, Total: total, Unit: "rows"})
		var a, b sums
		g, both := errgroup.WithContext(ctx)
		g.Go(func() (err error) { a, err = sumOf(both, m.o.From.Events, c.Site, c.from(), m.until(c)); return err })
		g.Go(func() (err error) { b, err = sumOf(both, m.o.To.Events, c.Site, c.from(), m.until(c)); return err })
		if err := g.Wait(); err != nil {
			return nil, fmt.Errorf("compare %s: %w", c, err)
		}
		done += from[c].all()
		m.report.Events += a.Events.Rows
		if a != b {
			wrong = append(wrong, c)
			m.differ(c.String() + ": " + differ(a, b))
		}
	}
	return wrong, nil
}

// compared are the cells of which something is compared.
func (m *mover) compared(all []Cell) []Cell {
	return slices.DeleteFunc(all, func(c Cell) bool { return !m.until(c).After(c.from()) })
}

// until is where the comparison of a cell ends.
func (m *mover) until(c Cell) time.Time {
	if m.o.Before.IsZero() || c.to().Before(m.o.Before) {
		return c.to()
	}
	return m.o.Before
}

func (m *mover) differ(what string) {
	if len(m.report.Differences) < mostDifferences {
		m.report.Differences = append(m.report.Differences, what)
	}
}

// differ says how.
func differ(a, b sums) string {
	var said []string
	for _, t := range []struct {
		name string
		a, b Sum
	}{{"events", a.Events, b.Events}, {"drops", a.Drops, b.Drops}, {"imported days", a.Days, b.Days}} {
		switch {
		case t.a.Rows != t.b.Rows:
			said = append(said, fmt.Sprintf("%d %s here and %d there", t.a.Rows, t.name, t.b.Rows))
		case t.a != t.b:
			said = append(said, fmt.Sprintf("%d %s on both sides, but not the same", t.a.Rows, t.name))
		}
	}
	return strings.Join(said, ", ")
}

const (
	// askedSites are asked everything; the others only their totals.
	askedSites = 50
	// askedBefore is how many days before the end of a comparison questions end:
	// a day ends up to 14 hours later elsewhere, and a visit a day after that.
	askedBefore = 2
)

// ask has both sides answer the same questions about each site.
func (m *mover) ask(ctx context.Context) error {
	now := m.o.Now()
	clock := func() time.Time { return now }
	here, there := stats.New(m.o.From.Events, clock), stats.New(m.o.To.Events, clock)
	span, err := m.period(ctx)
	if err != nil || span == (stats.Period{}) {
		return err
	}
	for i, s := range m.bySize(ctx) {
		m.o.Tell(Progress{Phase: Asking, Done: int64(i), Total: int64(len(m.o.Sites)), Unit: "sites"})
		for _, q := range questions(s, span, i < askedSites) {
			if err := m.askBoth(ctx, here, there, q); err != nil {
				return err
			}
		}
	}
	return nil
}

// bySize are the sites, the one with the most events first.
func (m *mover) bySize(ctx context.Context) []*site.Site {
	size := map[int64]int64{}
	if all, err := count(ctx, m.o.From.Events); err == nil {
		for c, r := range all {
			size[c.Site] += r.all()
		}
	}
	sites := slices.Clone(m.o.Sites)
	slices.SortStableFunc(sites, func(a, b *site.Site) int { return cmp.Compare(size[b.ID], size[a.ID]) })
	return sites
}

// period is all there is, or the last ten years of it, which is as far as a
// question may go; the zero Period if there is nothing to ask about.
func (m *mover) period(ctx context.Context) (stats.Period, error) {
	all, err := count(ctx, m.o.From.Events)
	if err != nil {
		return stats.Period{}, err
	}
	list := m.compared(cells(all))
	switch {
	case len(list) == 0 && m.o.Before.IsZero():
		return stats.Period{Name: "12m"}, nil
	case len(list) == 0:
		return stats.Period{}, nil
	}
	last := Cell{Month: list[len(list)-1].Month}
	first := Cell{Month: max(list[0].Month, last.Month-119)}
	until := last.to().AddDate(0, 0, -1)
	if limit := m.o.Before.AddDate(0, 0, -askedBefore); !m.o.Before.IsZero() && limit.Before(until) {
		until = limit
		if until.Before(first.from()) {
			return stats.Period{}, nil
		}
	}
	return stats.Period{From: dateOf(first.from()), To: dateOf(until)}, nil
}

func dateOf(t time.Time) stats.Date {
	d, _ := stats.ParseDate(t.Format(time.DateOnly))
	return d
}

// questions are a page's, more or less.
func questions(s *site.Site, p stats.Period, everything bool) []stats.Query {
	q := stats.Query{Site: s, Period: p}
	all := []stats.Query{q.Totals(stats.Visitors, stats.Visits, stats.Pageviews, stats.Events, stats.ViewsPerVisit, stats.BounceRate, stats.VisitDuration, stats.Revenue)}
	if !everything {
		return all
	}
	month := q
	month.Interval = stats.Month
	all = append(all, month.Series(stats.Visitors, stats.Visits, stats.Pageviews, stats.BounceRate))
	for _, d := range []stats.Dimension{stats.Path, stats.EntryPage, stats.Source, stats.Channel, stats.Country, stats.Browser, stats.Device, stats.EventName} {
		all = append(all, q.By(d, 50, stats.Visitors, stats.Events))
	}
	return all
}

func (m *mover) askBoth(ctx context.Context, here, there *stats.Stats, q stats.Query) error {
	a, err := here.Run(ctx, q)
	if err != nil {
		return fmt.Errorf("ask the source about site %d: %w", q.Site.ID, err)
	}
	b, err := there.Run(ctx, q)
	if err != nil {
		return fmt.Errorf("ask the target about site %d: %w", q.Site.ID, err)
	}
	m.report.Answers++
	if x, y := answer(a), answer(b); !bytes.Equal(x, y) {
		m.differ(fmt.Sprintf("site %d answers differently by %v %v", q.Site.ID, q.Dimensions, q.Metrics))
	}
	return nil
}

func answer(r *stats.Result) []byte {
	b, err := json.Marshal([]any{r.Totals, r.Points, r.Rows, r.Count})
	if err != nil {
		return []byte(err.Error())
	}
	return b
}

// Verify compares two pairs. Differences are in the report; err is only that
// it could not be compared.
func Verify(ctx context.Context, o Options) (*Report, error) {
	m := newMover(o)
	if o.To.Events != nil {
		if _, err := m.compare(ctx); err != nil {
			return nil, err
		}
		if err := m.ask(ctx); err != nil {
			return nil, err
		}
	}
	if o.To.Database != nil {
		if err := m.compareControl(ctx, o.From.Database.Bun(), o.To.Database.Bun()); err != nil {
			return nil, err
		}
	}
	m.report.Took = m.o.Now().Sub(m.began)
	return &m.report, nil
}
