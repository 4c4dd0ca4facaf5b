package clickhouse

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"moonbear/internal/event"
	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/event/eventtest"
)

// opener opens the same database for each call with the same t.
func opener(server *chtest.Server, change func(*Options)) func(t *testing.T) event.Store {
	var mu sync.Mutex
	urls := map[*testing.T]string{}
	return func(t *testing.T) event.Store {
		t.Helper()
		mu.Lock()
		defer mu.Unlock()
		if urls[t] == "" {
			urls[t] = server.Database(t)
		}
		s := openAt(t, urls[t], change)
		if dir := server.Directory(); dir != "" {
			return onDisk{s, dir}
		}
		return s
	}
}

// onDisk knows where its server's files are.
type onDisk struct {
	*Store
	dir string
}

func (s onDisk) Directory() string { return s.dir }

func openAt(t testing.TB, url string, change func(*Options)) *Store {
	t.Helper()
	o := Options{URL: url, Log: slog.New(slog.NewTextHandler(t.Output(), nil))}
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
	// Text is found in files only where it isn't packed.
	eventtest.Conformance(t, opener(chtest.Start(t), func(o *Options) { o.plain = true }))
}
