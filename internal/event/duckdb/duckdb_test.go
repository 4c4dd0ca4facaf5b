package duckdb

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
)

// opener opens the same directory for each call with the same t.
func opener(change func(*Options)) func(t *testing.T) event.Store {
	var mu sync.Mutex
	dirs := map[*testing.T]string{}
	return func(t *testing.T) event.Store {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if dirs[t] == "" {
			dirs[t] = t.TempDir()
		}
		return openAt(t, dirs[t], change)
	}
}

func openAt(t testing.TB, dir string, change func(*Options)) *Store {
	t.Helper()
	o := Options{Path: dir, Memory: 512 << 20, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&o)
	}
	s, err := Open(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConformance(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*Options)
	}{
		{"many segments", func(o *Options) { o.minSegment = 1; o.partRows = 300 }},
		{"hot file only", nil},
		{"small memory", func(o *Options) { o.minSegment = 100; o.Memory = 64 << 20; o.Threads = 1 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.name != "many segments" {
				long(t)
			}
			eventtest.Conformance(t, opener(c.change))
		})
	}
}
