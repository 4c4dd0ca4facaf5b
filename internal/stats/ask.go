package stats

import (
	"context"

	"moonbear/internal/event"
)

// ask answers q over from <= t < to, with kept days and imports where there
// are any; bs are the buckets of a series, only the rows wanted, nil for all.
func (s *Stats) ask(ctx context.Context, r *Result, q Query, over Span, bs []bucket, only [][]string) ([]answer, error) {
	p := planFor(q, over.From, over.To, bs)
	p.only = only
	if !p.from.Before(p.to) || q.Shape() == Series && p.runs == nil {
		return empty(q), nil
	}
	var imports *importPlan
	if r.Imported.some() {
		imports = importsIn(over.From, over.To, bs)
	}
	kept, err := s.kept(ctx, q)
	if err != nil {
		return nil, err
	}
	with := func(days []event.Day) ([]answer, error) {
		k := keptIn(q.Site.TimeZone, days, p.from, p.to)
		k.version = kept.Version
		return s.answersOf(ctx, q, p.withDays(k, imports))
	}
	as, err := with(kept.Days)
	if err != nil || len(kept.Days) == 0 {
		return as, err
	}
	// What was kept when the plan was made may not have been when it was read.
	if now, err := s.kept(ctx, q); err != nil || now.Version == kept.Version {
		return as, err
	}
	return with(nil)
}

// kept is what the store keeps for q, nothing where that is of no use to it.
func (s *Stats) kept(ctx context.Context, q Query) (event.Kept, error) {
	keeper, ok := s.store.(event.DayKeeper)
	if !ok || !q.keepable() && !q.keepsBase() {
		return event.Kept{}, nil
	}
	return keeper.Kept(ctx, q.Site.ID, q.Site.TimeZone)
}
