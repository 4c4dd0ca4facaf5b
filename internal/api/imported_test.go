package api

import (
	"encoding/json"
	"testing"

	"moonbear/internal/stats"
)

// TestImported: metrics go by the names they were asked by, and no field is
// there where there are no imports.
func TestImported(t *testing.T) {
	q := question{Query: stats.Query{Metrics: []stats.Metric{stats.Visits, stats.BounceRate}}, names: []string{"session_count", "bounce_rate"}}
	for want, in := range map[string]*stats.Imported{
		`{}`: nil,
		`{"imported":{"included":["session_count"],"partly":["bounce_rate"],"left_out":[]}}`:                 {Included: []stats.Metric{stats.Visits}, Partly: []stats.Metric{stats.BounceRate}},
		`{"imported":{"included":[],"partly":[],"left_out":["session_count","bounce_rate"],"why":"filter"}}`: {LeftOut: q.Metrics, Why: stats.WhyFilter},
	} {
		got, err := json.Marshal(q.imported(&stats.Result{Imported: in}))
		if err != nil || string(got) != want {
			t.Errorf("%s, %v, want %s", got, err, want)
		}
	}
}
