package stats_test

import (
	"context"
	"testing"
	"time"

	"moonbear/internal/event/duckdb"
	"moonbear/internal/event/eventtest"
	"moonbear/internal/stats"
)

// BenchmarkFirstScreen answers what a dashboard shows first, over 400,000
// events of one site in 30 days: headline with comparison, chart, pages,
// sources.
func BenchmarkFirstScreen(b *testing.B) {
	ctx := context.Background()
	store, err := duckdb.Open(ctx, duckdb.Options{Path: b.TempDir(), Memory: 512 << 20, Threads: 2})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = store.Close() })
	const events, atOnce = 400_000, 50_000
	bulk := eventtest.Bulk{Seed: 1, Weights: map[int64]int{1: 1}, From: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), Gap: 30 * 24 * time.Hour / events}
	for from := int64(0); from < events; from += atOnce {
		if err := store.Append(ctx, eventtest.Batch("spool", from, bulk.Next(atOnce))); err != nil {
			b.Fatal(err)
		}
	}
	s := stats.New(store, func() time.Time { return time.Date(2026, 3, 30, 23, 0, 0, 0, time.UTC) })
	base := stats.Query{Site: siteIn(b, "Asia/Seoul"), Period: stats.Period{Name: "4w"}, Compare: stats.PreviousPeriod}
	headline := base.Totals(stats.Visitors, stats.Visits, stats.Pageviews, stats.ViewsPerVisit, stats.BounceRate, stats.VisitDuration)
	plain := base
	plain.Compare = stats.NoComparison
	panels := map[string][]stats.Query{
		"headline": {headline},
		"chart":    {base.Series(stats.Visitors)},
		"pages":    {plain.By(stats.Path, 10, stats.Visitors, stats.Pageviews, stats.BounceRate)},
		"sources":  {plain.By(stats.Source, 10, stats.Visitors, stats.BounceRate)},
		"events":   {plain.Totals(stats.Visitors, stats.Pageviews)},
		"visits":   {plain.Totals(stats.Visits)},
	}
	for _, name := range []string{"headline", "chart", "pages", "sources"} {
		panels["screen"] = append(panels["screen"], panels[name]...)
	}
	for _, name := range []string{"events", "visits", "headline", "chart", "pages", "sources", "screen"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.RunAll(ctx, panels[name]...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
