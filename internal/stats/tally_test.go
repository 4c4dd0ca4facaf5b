package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"moonbear/internal/event"
	"moonbear/internal/event/duckdb"
)

// The cell of a value is the same in Go and in the store, rises with the value,
// and lies on one side of each limit.
func TestCells(t *testing.T) {
	store, err := duckdb.Open(t.Context(), duckdb.Options{Path: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	values := []int64{0, 1, 2, 3, 4, 5, 24, 25, 26, 1 << 20, math.MaxInt32 - 1, math.MaxInt32}
	for _, v := range vitals {
		for _, limit := range []int64{v.stored(v.Good), v.stored(v.Poor)} {
			values = append(values, limit-1, limit, limit+1)
		}
	}
	for n := int64(6); n < 100_000; n += 1 + n/50 {
		values = append(values, n, n*n, n*n-1)
	}
	values = slices.DeleteFunc(values, func(v int64) bool { return v > math.MaxInt32 })
	slices.Sort(values)
	for _, measure := range event.MeasureColumns {
		list := strings.Trim(strings.ReplaceAll(fmt.Sprint(values), " ", ", "), "[]")
		rows, err := store.Select(t.Context(), "select value, "+cellSQL()+" from (select '"+measure+"' as measure, unnest(["+list+"]) as value) order by value")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		n, last := 0, int64(-1)
		for ; rows.Next(); n++ {
			var value, cell int64
			if err := rows.Scan(&value, &cell); err != nil {
				t.Fatal(err)
			}
			if got := cellOf(measure, value); got != cell {
				t.Errorf("%s %d is in cell %d, in the store in %d", measure, value, got, cell)
			}
			if cell < last {
				t.Errorf("%s %d is in cell %d, one before in %d", measure, value, cell, last)
			}
			last = cell
			if v, ok := VitalNamed(measure); ok {
				want := cellGood
				if value > v.stored(v.Good) {
					want = cellBetween
				}
				if value > v.stored(v.Poor) {
					want = cellPoor
				}
				if cell%4 != want {
					t.Errorf("%s %d is in cell %d, which is rated %d, want %d", measure, value, cell, cell%4, want)
				}
			}
		}
		if err := rows.Err(); err != nil || n != len(values) {
			t.Fatalf("%d rows of %d, %v", n, len(values), err)
		}
	}
}

// A percentile found by cells is the one found by sorting.
func TestTally(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 8))
	for range 3000 {
		measure := event.MeasureColumns[r.IntN(len(event.MeasureColumns))]
		ts := tallies{}
		of := ts.of(0, measure)
		var all []int64
		for range 1 + r.IntN(60) {
			v, n := int64(r.IntN(1+r.IntN(6000))), 1+r.IntN(1+r.IntN(40))
			of.inCell(cellOf(measure, v), int64(n))
			of.values[v] += int64(n)
			for range n {
				all = append(all, v)
			}
		}
		slices.Sort(all)
		wanted := ts.wanted(percents)
		for v := range of.values { // as the store gives only those
			if !wanted[measuredCell{measure, cellOf(measure, v)}] {
				delete(of.values, v)
			}
		}
		for _, percent := range percents {
			of.find(measure, percent)
			if want := all[(percent*len(all)+99)/100-1]; of.at[percent] != want {
				t.Fatalf("p%d of %v is %d, want %d", percent, all, of.at[percent], want)
			}
		}
		if int(of.n) != len(all) {
			t.Fatalf("%d counted of %d", of.n, len(all))
		}
	}
}

// A day at an end of what is known is as busy as one in the middle.
func TestAround(t *testing.T) {
	const a = 1000
	steady := slices.Repeat([]int64{a}, 40)
	for _, day := range []int{0, 1, 15, 20, 39} {
		if n := around(steady, day); n != month*a {
			t.Errorf("around day %d of forty equal ones: %d, want %d", day, n, month*a)
		}
	}
	steady[20] = 0 // a quiet Sunday
	if n := around(steady, 20); n != (month-1)*a {
		t.Errorf("around a quiet day: %d, want %d", n, (month-1)*a)
	}
	if n := around([]int64{7}, 0); n != month*7 {
		t.Errorf("around a site's first day: %d, want %d", n, month*7)
	}
}
