package stats_test

import (
	"moonbear/internal/event"
)

// inItsDay says that e is in the first 24 hours of its visit: what is later
// isn't counted of it.
func inItsDay(e *event.Event) bool {
	since := ms(e.Time).Sub(ms(e.VisitStart))
	return since >= 0 && since < oracleTail
}

// visit is what is known of a visit that began in a window.
type oracleVisit struct {
	id, start, first, last int64
	events                 []*event.Event
}

func (o *oracle) visits(w window) []*oracleVisit {
	var vs []*oracleVisit
	at := map[int64]*oracleVisit{}
	for i := range o.events {
		e := &o.events[i]
		if e.Visit == 0 || !counts(e) || !w.has(ms(e.VisitStart)) || !inItsDay(e) {
			continue
		}
		v := at[e.Visit]
		if v == nil {
			v = &oracleVisit{id: e.Visit, start: e.VisitStart, first: e.Time, last: e.Time}
			at[e.Visit] = v
			vs = append(vs, v)
		}
		v.first, v.last = min(v.first, e.Time), max(v.last, e.Time)
		v.events = append(v.events, e)
	}
	return vs
}

func (v *oracleVisit) views() (n int) {
	for _, e := range v.events {
		if e.Name == "pageview" {
			n++
		}
	}
	return n
}

func (v *oracleVisit) bounced() bool {
	for _, e := range v.events {
		if e.Name != "pageview" && e.Interactive {
			return false
		}
	}
	return v.views() == 1
}
