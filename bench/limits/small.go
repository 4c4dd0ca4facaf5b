package main

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"time"
)

const smallMemory = 512 << 20

// small is a server on the smallest machine, 512 MiB and one core, that does
// everything it ever has to while 200 hits a second come.
func small(ctx context.Context, s *server) (*table, error) {
	t := &table{}
	g, err := newGroup(smallMemory)
	if err != nil {
		t.add("a cgroup of 512 MiB and one core", "can't be made here: "+err.Error(), "one", false)
		return t, nil
	}
	defer g.remove()
	s.group, s.env = g, []string{"EVENTS_MEMORY="}
	if runtime.NumCPU() > 1 {
		s.env = append(s.env, "GOMAXPROCS=") // as Go finds it
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	defer s.end() //nolint:errcheck // the group can't go before its process
	if err := s.signIn(ctx); err != nil {
		return nil, err
	}
	stop := s.hitting(ctx, 1, 200)
	for _, step := range s.smallSteps() {
		took, err := step.do(ctx)
		if err != nil {
			stop()
			t.add(step.name, err.Error(), "finishes", false)
			break
		}
		t.add(step.name, ms(took), "finishes", true)
	}
	hits := stop()
	t.add("200 hits/s meanwhile", fmt.Sprintf("%d of %d acknowledged, %s", hits.acknowledged(), len(hits.latencies), hits.spread()), "every one", hits.acknowledged() == len(hits.latencies))
	counted, err := s.pageviews(ctx, s.sites[1], hits.acknowledged())
	if err != nil {
		return t, err
	}
	t.add("acknowledged and counted", fmt.Sprintf("%d, %d", hits.acknowledged(), counted), "the same", counted == hits.acknowledged())
	now, most, err := s.resident()
	t.tell("resident at the end, and at most", "%s, %s", mib(now), mib(most))
	_, killed := g.most()
	t.add("ended by the kernel for want of memory", fmt.Sprint(killed), "none", killed == 0)
	return t, err
}

type step struct {
	name string
	do   func(context.Context) (time.Duration, error)
}

func (s *server) smallSteps() []step {
	page := func(path string) func(context.Context) (time.Duration, error) {
		return func(ctx context.Context) (time.Duration, error) { return s.page(ctx, path) }
	}
	big := "/sites/" + s.sites[0]
	steps := []step{
		{"the biggest site's whole dashboard, 30 days, first time", page(big + "?period=4w")},
		{"and again", page(big + "?period=4w")},
		{"a small site's", page("/sites/" + s.sites[3] + "?period=4w")},
		{"the biggest site's, 12 months", page(big + "?period=12m")},
	}
	for _, q := range heavy(s.sites[0]) {
		steps = append(steps, step{q.name, func(ctx context.Context) (time.Duration, error) {
			began := time.Now()
			err := s.api(ctx, http.MethodPost, q.path, q.ask, nil)
			return time.Since(began), err
		}})
	}
	return append(steps,
		step{"compaction", func(ctx context.Context) (time.Duration, error) {
			return s.doJob(ctx, "compact events", 20*time.Minute)
		}},
		step{"the dashboard after it", page(big + "?period=4w")},
		step{fmt.Sprintf("an import of %d lines of a log", importLines), func(ctx context.Context) (time.Duration, error) {
			return s.importing(ctx, 2)
		}},
		step{"the dashboard after that", page(big + "?period=4w")},
	)
}
