package apidoc

import (
	"slices"
	"strings"
	"testing"

	"moonbear/internal/stats"
)

// Every name that can be asked has words, and no words are left of one that
// can't be.
func TestWords(t *testing.T) {
	metrics, measures := map[stats.Metric]bool{}, map[string]bool{}
	for _, m := range stats.Metrics() {
		if measure, _ := measured(m.Name); measure != "" {
			measures[measure] = true
		} else {
			metrics[m.Name] = true
		}
	}
	same(t, "metric", metricWords, metrics)
	same(t, "measure", measureWords, measures)
	same(t, "dimension", dimensionWords, set(stats.Dimensions()))
	same(t, "operator", operatorWords, set(stats.Operators()))
	same(t, "period", periodWords, set(stats.PeriodNames()))
}

func set[K comparable](keys []K) map[K]bool {
	m := map[K]bool{}
	for _, k := range keys {
		m[k] = true
	}
	return m
}

func same[K ~string](t *testing.T, what string, words map[K]string, there map[K]bool) {
	t.Helper()
	for k := range there {
		if words[k] == "" {
			t.Errorf("the %s %s has no words", what, k)
		}
	}
	for k := range words {
		if !there[k] {
			t.Errorf("there are words for the %s %s, which there isn't", what, k)
		}
	}
}

// What a stranger needs is there for every operation.
func TestReferenceIsWhole(t *testing.T) {
	ids := map[string]bool{}
	for _, g := range Reference() {
		if g.Name == "" || g.Description == "" || len(g.Operations) == 0 {
			t.Errorf("the group %q says too little", g.Name)
		}
		for _, o := range g.Operations {
			if o.ID == "" || ids[o.ID] || o.Summary == "" || o.Description == "" || o.Status == 0 || len(o.Faults) == 0 || len(o.Examples) == 0 {
				t.Errorf("%s %s says too little, or its ID %q is another's", o.Method, o.Path, o.ID)
			}
			ids[o.ID] = true
			for _, part := range strings.Split(o.Path, "/") {
				if name, ok := strings.CutPrefix(part, "{"); ok && !slices.ContainsFunc(o.Parameters, func(f Field) bool {
					return f.Name == strings.TrimSuffix(name, "}") && f.In == "path" && f.Required
				}) {
					t.Errorf("%s: %s is no parameter", o.ID, part)
				}
			}
			for _, e := range o.Examples {
				if e.Answer == "" && o.answer.isSet() && o.ID != "getDocument" {
					t.Errorf("%s: %q has no recorded answer: go test ./internal/app -run Examples -args -update", o.ID, e.Title)
				}
			}
			for _, f := range slices.Concat(o.Parameters, o.Body) {
				if f.Name == "" || f.Type == "" || f.Description == "" {
					t.Errorf("%s: the field %+v says too little", o.ID, f)
				}
			}
		}
	}
}
