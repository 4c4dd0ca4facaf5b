package stats

import (
	"context"
	"database/sql"
	"fmt"
)

// maxPropertyKeys bounds how many keys are listed: a site that puts an order's
// number into a key has one a visitor.
const maxPropertyKeys = 100

// PropertyKey is a property that events carry.
type PropertyKey struct {
	Key    string
	Events int64 // how many have a value for it
}

// PropertyKeys lists the properties of the events that q's filter keeps in its
// period, those on most events first, then by name; at most 100.
func (s *Stats) PropertyKeys(ctx context.Context, q Query) ([]PropertyKey, error) {
	now := s.now()
	q = q.Totals(Events)
	if err := q.Validate(now, urlNames); err != nil {
		return nil, err
	}
	span, _, err := q.Spans(now)
	if err != nil {
		return nil, err
	}
	if !span.From.Before(span.To) {
		return nil, nil
	}
	var keys []PropertyKey
	b := &builder{dialect: s.store.Dialect(), plan: planFor(q, span.From, span.To, nil)}
	err = s.each(ctx, q.Site.ID, b.propertyKeys(), func(rows *sql.Rows) error {
		var k PropertyKey
		if err := rows.Scan(&k.Key, &k.Events); err != nil {
			return err
		}
		keys = append(keys, k)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("select property keys: %w", err)
	}
	return keys, nil
}

// propertyKeys asks for the keys of the plan's events. Those without any
// property are left out before they are taken apart.
func (b *builder) propertyKeys() statement {
	s := b.plan.parts[0]
	with := b.withLookUps(s)
	where := append(b.within("ts", b.plan.from, b.plan.to), counted, b.say().hasAny)
	pairs := sel([]string{b.say().pairs}, b.joined(s, "events"), b.filtered(where, s.every), nil)
	text := sel([]string{"key", "count(*) as n"}, "(\n"+pairs+"\n)", []string{"value <> ''"}, []string{"key"})
	return b.statement(with + text + "\norder by n desc, key\nlimit " + b.arg(int64(maxPropertyKeys)))
}
