package api

import (
	"testing"
	"time"

	"moonbear/internal/fault"
	"moonbear/internal/site"
)

// FuzzQuestion: whatever a body holds is refused with a fault, or is a
// question that can be validated.
func FuzzQuestion(f *testing.F) {
	for _, s := range []string{
		`{"site_id":"x","aggregate":["visitors","page_load_p75"],"period":"7d","compare":true}`,
		`{"site_id":"x","aggregate":["visits"],"from":"2026-11-01","to":"2026-11-22","timezone":"Asia/Kathmandu","time_bucket":"day"}`,
		`{"site_id":"x","aggregate":"visits","group_by":["path","prop:k"],"order_by":["-visits","path"],"page":2,"page_size":50}`,
		`{"site_id":"x","aggregate":["visits"],"filter":[{"dimension":"path","operator":"in","value":["/",7]},{"or":[{"not":{"dimension":"source","operator":"is_set"}}]}]}`,
		`{"filter":[[[[[[]]]]]],"compare":null}`,
	} {
		f.Add([]byte(s))
	}
	st := &site.Site{ID: 1, Location: time.UTC, Currency: "EUR"}
	now := time.Date(2026, 11, 22, 15, 4, 5, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, known := range [][]string{aggregationFields, timeseriesFields, breakdownFields} {
			b, err := parseBody(text, known)
			if err != nil {
				mustFault(t, text, err)
				continue
			}
			q, err := readQuestion(b, known)
			if err != nil {
				mustFault(t, text, err)
				continue
			}
			q.Site = st
			if err := q.Validate(now, apiNames); err != nil {
				mustFault(t, text, err)
				continue
			}
			if len(q.Metrics) == 0 || len(q.names) != len(q.Metrics) {
				t.Fatalf("%q: %d metrics under %d names", text, len(q.Metrics), len(q.names))
			}
		}
	})
}

func mustFault(t *testing.T, text []byte, err error) {
	t.Helper()
	if f, ok := fault.From(err); !ok || f.Message == "" {
		t.Fatalf("%q: %v is no fault", text, err)
	}
}

// FuzzGoal: whatever a body says of a goal is refused with a fault, or is a
// goal whose value is in range, and null is the same as a field left out.
func FuzzGoal(f *testing.F) {
	for _, s := range []string{
		`{"name":"x","path":"/thanks","value":12.345}`,
		`{"name":"x","event":"e","properties":[{"key":"a","operator":"gt","value":1e3},{"key":"b","operator":"is_set","value":null}]}`,
		`{"value":1e-400,"properties":[[]],"name":null}`,
		`{"value":0e999999999,"event":"\u0000"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		b, err := parseBody(text, goalFields)
		if err != nil {
			mustFault(t, text, err)
			return
		}
		was := site.Goal{PublicID: "g", Name: "was", Rule: site.Rule{Path: "/was"}, Value: 7}
		g, err := readGoal(b, was)
		if err != nil {
			mustFault(t, text, err)
			return
		}
		if g.Value < 0 || g.Value > site.MaxGoalValue {
			t.Fatalf("%q: a value of %d", text, g.Value)
		}
		if !b.has("value") && g.Value != 7 || !b.has("name") && g.Name != "was" {
			t.Fatalf("%q changed what it doesn't name: %+v", text, g)
		}
	})
}

// FuzzParameters: a query is refused with a fault or is a page of a list.
func FuzzParameters(f *testing.F) {
	f.Add("search=shop&page=2&page_size=50")
	f.Add("page=%zz;&page=1")
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := readSiteQuery(raw)
		if err != nil {
			mustFault(t, []byte(raw), err)
		} else if q.Page < 1 || q.Page > maxPage || q.PageSize < minPageSize || q.PageSize > maxPageSize {
			t.Fatalf("%q: %+v", raw, q)
		}
	})
}
