package web

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// ImportedDays are days of which an import has counts and no events.
type ImportedDays struct {
	Source   string // the tool they are from: "Plausible"
	From, To string // first and last of the site's local dates, "2006-01-02"
}

// imported finds the days of a site's imports that an answer is about, or that
// it is compared with.
// Without them the page still says what is left out, but not of when.
func (s *Server) imported(ctx context.Context, a ask, res *stats.Result) []ImportedDays {
	if res.Imported == nil || s.o.Imports == nil {
		return nil
	}
	all, err := s.o.Imports(ctx, a.site.ID)
	if err != nil {
		if ctx.Err() == nil {
			s.log.WarnContext(ctx, "the dashboard doesn't say which days are imported", "error", err)
		}
		return nil
	}
	touches := func(d ImportedDays, s stats.Span) bool {
		return d.To >= s.From.Format(time.DateOnly) && d.From <= s.To.Add(-time.Millisecond).Format(time.DateOnly)
	}
	return slices.DeleteFunc(all, func(d ImportedDays) bool {
		return !touches(d, res.Span) && (res.Previous.From.IsZero() || !touches(d, res.Previous))
	})
}

// importedNote says what of imported days is in the headline; "" where there
// are none.
func importedNote(t *html.Text, days []ImportedDays, res *stats.Result, now time.Time) string {
	in := res.Imported
	if in == nil {
		return ""
	}
	who := importedWords(t, days, now)
	switch in.Why {
	case stats.WhyFilter:
		return fmt.Sprintf(t.Import.Filter, who)
	case stats.WhyDimensions:
		return fmt.Sprintf(t.Import.Dimensions, who)
	case stats.WhyInterval:
		return fmt.Sprintf(t.Import.Interval, who)
	case stats.WhyZone:
		return fmt.Sprintf(t.Import.Zone, who)
	}
	var untold []string
	for _, v := range res.Totals {
		if slices.Contains(in.LeftOut, v.Metric) || slices.Contains(in.Partly, v.Metric) {
			untold = append(untold, t.Metric(string(v.Metric)).Name)
		}
	}
	var said []string
	if len(in.Included)+len(in.Partly) > 0 {
		said = append(said, fmt.Sprintf(t.Import.Included, who))
		who = t.Import.Any
	}
	if len(untold) > 0 {
		said = append(said, fmt.Sprintf(t.Import.Untold, who, strings.Join(untold, ", ")))
	}
	return strings.Join(said, " ")
}

// importedInChart says that imported days aren't in the chart, where that has
// a reason of its own.
func importedInChart(t *html.Text, days []ImportedDays, totals, series *stats.Result, now time.Time) string {
	if series.Imported == nil || totals.Imported == nil || series.Imported.Why == totals.Imported.Why {
		return ""
	}
	return importedNote(t, days, series, now)
}

// importedInList says that a list is without some of the imported days. Why
// nothing of them can be in any number is said once, above.
func importedInList(t *html.Text, res *stats.Result, m stats.Metric) string {
	in := res.Imported
	switch {
	case in == nil || in.Why == stats.WhyFilter || in.Why == stats.WhyZone:
		return ""
	case slices.Contains(in.LeftOut, m):
		return fmt.Sprintf(t.Import.NotInList, t.Import.Any)
	case slices.Contains(in.Partly, m):
		return fmt.Sprintf(t.Import.PartlyInList, t.Import.Any)
	}
	return ""
}

// importedWords names the days and their tools.
func importedWords(t *html.Text, days []ImportedDays, now time.Time) string {
	var words []string
	for _, d := range days {
		from, err1 := time.ParseInLocation(time.DateOnly, d.From, now.Location())
		last, err2 := time.ParseInLocation(time.DateOnly, d.To, now.Location())
		if err1 != nil || err2 != nil {
			continue
		}
		words = append(words, t.Span(from, last.AddDate(0, 0, 1), now)+", "+d.Source)
	}
	if len(words) == 0 {
		return t.Import.Any
	}
	return fmt.Sprintf(t.Import.Days, strings.Join(words, "; "))
}
