package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// beside collects while the biggest site's heaviest questions are asked over
// and over by eight clients, and while a small site's dashboard is looked at.
func beside(ctx context.Context, s *server) (*table, error) {
	t := &table{}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	if err := s.signIn(ctx); err != nil {
		return nil, err
	}
	for _, rate := range []int{200, 2000} {
		for _, clients := range []int{0, 8} {
			if err := besideOnce(ctx, s, t, rate, clients); err != nil {
				return t, err
			}
		}
	}
	_, most, err := s.resident()
	t.tell("memory at most", "%s", mib(most))
	return t, err
}

func besideOnce(ctx context.Context, s *server, t *table, rate, clients int) error {
	const lasts = 20 * time.Second
	name := fmt.Sprintf("%d hits/s", rate)
	if clients > 0 {
		name += fmt.Sprintf(", %d clients asking heavy questions", clients)
	}
	stopHits := s.hitting(ctx, 5, rate)
	stopAsking := s.asking(ctx, clients, heavy(s.sites[0]))
	small := &tally{answers: map[int]int{}}
	var lag float64
	panel := question{"", "/v1/stats/breakdown", map[string]any{"site_id": s.sites[3], "period": "7d", "group_by": "path", "aggregate": []string{"visitors"}}}
	var failed error
	for began := time.Now(); time.Since(began) < lasts && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		asked := time.Now()
		if err := s.api(ctx, http.MethodPost, panel.path, panel.ask, nil); err != nil {
			failed = err
		}
		small.note(http.StatusOK, time.Since(asked))
		lag = max(lag, s.metric("moonbear_load_lag_seconds"))
	}
	answered, err := stopAsking()
	hits := stopHits()
	t.add(name+": acknowledging", hits.spread(), "every one", hits.acknowledged() == len(hits.latencies))
	t.tell(name+": a small site's list of pages", "%s", small.spread())
	t.tell(name+": the store was behind at most", "%.1f s", lag)
	if clients > 0 {
		t.tell(name+": answered", "%d in %s", answered, ms(lasts))
	}
	if err == nil {
		err = failed
	}
	return err
}
