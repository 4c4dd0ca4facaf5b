package transfer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"moonbear/internal/transfer"
)

// killed is what a step panics with: nothing after it runs, as after SIGKILL.
type killed struct{}

// TestKilled kills an import again and again, at its first step, at its second,
// at its third, and goes on with it: in the end everything is there once, the
// same events in the same visits, and every line is counted.
func TestKilled(t *testing.T) {
	const lines = 8000
	text := someLog(5, lines)
	whole := newWorld(t, "UTC")
	want := whole.take(t, "access.log", text)

	var at, step int // the step to die at; the steps so far
	steps := map[string]int{}
	w := newWorld(t, "UTC", transfer.Step(func(name string) {
		if step++; step == at || name == "ended" && steps[name] == 0 {
			steps[name]++
			panic(killed{})
		}
	}))
	deaths := 0
	for ; deaths < 100; deaths++ {
		at, step = 1+deaths%3, 0
		if !dies(t, w, text) {
			break
		}
		w.Importer = w.again() // the next process knows nothing of this one
	}
	if steps["marked"] < 5 || steps["appended"] < 5 || steps["ended"] == 0 || deaths == 100 {
		t.Fatalf("it died %d times, at %v", deaths, steps)
	}
	same(t, fmt.Sprintf("after %d kills", deaths), w.events(t), whole.events(t))
	all, err := w.Imports(t.Context(), w.site.ID)
	if err != nil || len(all) != 1 {
		t.Fatalf("%+v, %v", all, err)
	}
	got := all[0]
	if got.State != transfer.Done || got.Lines != lines || got.Stored != want.Stored || got.Visits != want.Visits || got.Visitors != want.Visitors {
		t.Errorf("%+v\nwant %+v", got, want.Import)
	}
	if g, w := fmt.Sprint(got.Counts), fmt.Sprint(want.Counts); g != w {
		t.Errorf("counted %s\nwant    %s", g, w)
	}
}

// dies imports, and says whether it was killed.
func dies(t *testing.T, w *world, text string) (dead bool) {
	t.Helper()
	defer func() {
		if x := recover(); x != nil {
			if _, ok := x.(killed); !ok {
				panic(x)
			}
			dead = true
		}
	}()
	_, err := w.Import(context.Background(), transfer.Request{
		Site: w.site, File: transfer.File{Name: "access.log", Reader: strings.NewReader(text)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return false
}

// TestKilledAndGrown kills an import, and the file grows before it is imported
// again.
func TestKilledAndGrown(t *testing.T) {
	const lines = 4000
	text := someLog(6, lines)
	half := strings.LastIndexByte(text[:len(text)*2/3], '\n') + 1
	for at := 1; at < 16; at += 4 {
		step := 0
		w := newWorld(t, "UTC", transfer.Step(func(string) {
			if step++; step == at {
				panic(killed{})
			}
		}))
		if !dies(t, w, text[:half]) {
			break
		}
		w.Importer = w.again()
		s := w.take(t, "access.log", text)
		if n := int64(len(w.events(t))); s.Lines != lines || s.Stored != n || n != w.number(t, "select count(distinct (ts, visit_id, path)) from events") {
			t.Errorf("killed at step %d: %d lines, %d stored, %d events", at, s.Lines, s.Stored, n)
		}
	}
}
