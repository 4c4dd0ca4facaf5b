package eventtest

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"moonbear/internal/event"
)

// Append stores a batch and fails the test if that is refused.
func Append(t testing.TB, s event.Store, b *event.Batch) {
	t.Helper()
	if err := s.Append(context.Background(), b); err != nil {
		t.Fatalf("append %s %d to %d: %v", b.Spool, b.From, b.To, err)
	}
}

// Number is the one number a query selects.
func Number(t testing.TB, s event.Store, query string, args ...any) int64 {
	t.Helper()
	rows, err := s.Select(context.Background(), query, args...)
	if err != nil {
		t.Fatalf("select %s: %v", query, err)
	}
	defer rows.Close()
	var n int64
	if !rows.Next() {
		t.Fatalf("select %s: no row (%v)", query, rows.Err())
	}
	if err := rows.Scan(&n); err != nil {
		t.Fatalf("select %s: %v", query, err)
	}
	return n
}

// All exports everything of a site.
func All(t testing.TB, s event.Store, site int64) []event.Event {
	t.Helper()
	return Between(t, s, site, time.Time{}, time.Time{})
}

// Between exports a site's events of a period.
func Between(t testing.TB, s event.Store, site int64, from, to time.Time) []event.Event {
	t.Helper()
	var all []event.Event
	err := s.Export(context.Background(), site, from, to, func(e *event.Event) error {
		c := *e
		c.Props = slices.Clone(e.Props)
		all = append(all, c)
		return nil
	})
	if err != nil {
		t.Fatalf("export site %d: %v", site, err)
	}
	return all
}

// Same compares events as multisets and names the first that differs.
func Same(t testing.TB, got, want []event.Event) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d events, want %d", len(got), len(want))
		return
	}
	got, want = sorted(got), sorted(want)
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("event %d is\n%+v, want\n%+v", i, got[i], want[i])
			return
		}
	}
}

// sorted is a copy in an order that depends on what identifies an event only,
// with no properties as nil.
func sorted(events []event.Event) []event.Event {
	es := slices.Clone(events)
	for i := range es {
		if len(es[i].Props) == 0 {
			es[i].Props = nil
		}
	}
	slices.SortStableFunc(es, compare)
	return es
}

func compare(a, b event.Event) int {
	less := func(x, y int64) int {
		switch {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return 0
	}
	for _, c := range []int{
		less(a.Site, b.Site), less(a.Time, b.Time), less(a.Visit, b.Visit),
		less(a.Visitor, b.Visitor), bytes.Compare([]byte(a.Name), []byte(b.Name)), bytes.Compare([]byte(a.Path), []byte(b.Path)), less(a.Import, b.Import),
	} {
		if c != 0 {
			return c
		}
	}
	for i := range a.Measures {
		if c := less(int64(a.Measures[i]), int64(b.Measures[i])); c != 0 {
			return c
		}
	}
	return 0
}

// filesHolding lists the files below a directory that contain a text.
func filesHolding(t testing.TB, dir, text string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && !d.Type().IsRegular() {
			return nil // a server removes files when it likes
		}
		if err != nil {
			return err
		}
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		if bytes.Contains(b, []byte(text)) {
			found = append(found, filepath.Base(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
