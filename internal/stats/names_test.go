package stats

import (
	"maps"
	"slices"
	"testing"
)

// Lists that are shown to people have everything there is.
func TestNamesAreWhole(t *testing.T) {
	if got, want := slices.Sorted(slices.Values(Operators())), slices.Sorted(maps.Keys(ops)); !slices.Equal(got, want) {
		t.Errorf("operators %v, the table has %v", got, want)
	}
	for _, p := range PeriodNames() {
		for _, i := range (Period{Name: p}).Intervals() {
			if !slices.Contains(IntervalNames(), string(i)) {
				t.Errorf("the interval %s of %s is not listed", i, p)
			}
		}
	}
	for _, a := range Aliases() {
		if m, ok := MetricNamed(a); !ok || string(m) == a {
			t.Errorf("%s is no alias", a)
		}
	}
}
