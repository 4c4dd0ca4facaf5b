package collect

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"moonbear/internal/kv"
	"moonbear/internal/kv/redis"
	"moonbear/internal/kv/redistest"
	"moonbear/internal/salt"
)

// A salt that was made while the replicas could not agree gives way to the
// shared one: the visitor becomes another one, his visit goes on.
func TestVisitGoesOnUnderASharedSalt(t *testing.T) {
	ctx := t.Context()
	var salts *salt.Salts
	others := map[string][]byte{}
	cut := true
	w := newWorld(t, "", func(o *Options) { salts = o.Salts })
	err := salts.Share(ctx, salt.Sharing{Agree: func(_ context.Context, name string, value []byte, _ time.Duration) ([]byte, error) {
		switch {
		case cut:
			return nil, errors.New("away")
		case others[name] == nil && value != nil:
			theirs := append([]byte{}, value...)
			theirs[len(theirs)-1]++
			others[name] = theirs
		}
		return others[name], nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	view := func() {
		t.Helper()
		w.hit("/event", `{"pid":"`+siteID+`","url":"https://example.com/"}`)
	}
	view()
	cut = false
	if err := salts.Sync(ctx); err != nil {
		t.Fatal(err)
	}
	w.clock.add(20 * time.Minute)
	view()
	w.hit("/event", `{"pid":"`+siteID+`","event":"engagement","url":"https://example.com/"}`)
	w.clock.add(20 * time.Minute)
	view()
	events := w.stored().Events
	if len(events) != 4 {
		t.Fatalf("%d events", len(events))
	}
	for _, e := range events {
		if e.Visit != events[0].Visit {
			t.Error("the visit was split")
		}
	}
	if events[0].Visitor == events[1].Visitor || events[1].Visitor != events[3].Visitor {
		t.Error("the visitor isn't the shared salt's")
	}
}

// Two replicas over one Redis: a visit, a batch and a limit are one, wherever
// they come in; and nothing in Redis, nor a name of it, says who it was.
func TestTwoReplicas(t *testing.T) {
	s := redistest.Start(t)
	var replicas []*world
	for range 2 {
		r, err := redis.Open(t.Context(), s.URL, redis.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = r.Close() })
		replicas = append(replicas, newWorld(t, "", func(o *Options) {
			o.Visits, o.Keys, o.Limits = r.Visits(kv.NewMemory(1000)), r.Keys(kv.NewMemoryKeys()), r.Limits()
			o.RatePerMinute = 4
			if err := o.Salts.Share(t.Context(), salt.Sharing{Agree: r.Agree}); err != nil {
				t.Fatal(err)
			}
		}))
	}
	a, b := replicas[0], replicas[1]
	page := `{"pid":"` + siteID + `","url":"https://example.com/"}`
	a.hit("/event", page)
	b.hit("/event", page)
	a.hit("/event", page)
	b.hit("/event", page)
	for _, w := range replicas {
		if status, _ := w.send(request("/event", page)); status != 429 {
			t.Errorf("the fifth hit of a client who has four a minute: %d", status)
		}
	}
	batch := `[{"site_id":"` + siteID + `","event":"signup","url":"https://example.com/"}]`
	for _, w := range replicas {
		w.hit("/v1/events", batch, "Authorization", "Bearer "+goodToken, "Idempotency-Key", "one")
	}
	events := append(a.stored().Events, b.stored().Events...)
	if len(events) != 5 {
		t.Fatalf("%d events are stored, want 4 views and one of the batch", len(events))
	}
	for _, e := range events {
		if e.Name == "pageview" && (e.Visit != events[0].Visit || e.Visitor != events[0].Visitor) {
			t.Error("the replicas made two visits or visitors of one")
		}
	}
	for _, dump := range s.Dump() {
		for _, personal := range []string{client, "Mozilla", "Chrome/", goodToken} {
			if strings.Contains(dump, personal) {
				t.Errorf("%q is in Redis: %q", personal, dump)
			}
		}
	}
	if len(s.Dump()) < 6 {
		t.Errorf("only %q is in Redis", s.Dump())
	}
}
