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
