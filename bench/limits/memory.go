package main

import (
	"context"
	"net/http"
	"time"
)

// memory weighs the server at rest, in each heavy question by itself, and at
// rest again.
func memory(ctx context.Context, s *server) (*table, error) {
	const (
		idle  = 200 << 20
		above = 250 << 20 // EVENTS_MEMORY
	)
	t := &table{}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	if err := s.signIn(ctx); err != nil {
		return nil, err
	}
	weigh := func(name string, bound int64) error {
		now, most, err := s.resident()
		if err != nil {
			return err
		}
		n := most
		if bound == idle {
			n = now
		}
		t.add(name, mib(n), "at most "+mib(bound), n <= bound)
		return s.forgetMost()
	}
	time.Sleep(10 * time.Second)
	if err := weigh("started ten seconds ago, at rest", idle); err != nil {
		return t, err
	}
	for _, q := range heavy(s.sites[0]) {
		began := time.Now()
		if err := s.api(ctx, http.MethodPost, q.path, q.ask, nil); err != nil {
			return t, err
		}
		took := time.Since(began)
		if err := weigh(q.name+" ("+ms(took)+")", eventsMemory+above); err != nil {
			return t, err
		}
	}
	took, err := s.page(ctx, "/sites/"+s.sites[0]+"?period=12m")
	if err != nil {
		return t, err
	}
	if err := weigh("whole dashboard, 12 months ("+ms(took)+")", eventsMemory+above); err != nil {
		return t, err
	}
	stop := s.asking(ctx, 8, heavy(s.sites[0]))
	time.Sleep(20 * time.Second)
	if _, err := stop(); err != nil {
		return t, err
	}
	if err := weigh("eight clients ask all of these", eventsMemory+above); err != nil {
		return t, err
	}
	time.Sleep(30 * time.Second)
	return t, weigh("at rest again, half a minute later", idle)
}
