package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// walFull is when a write-ahead log is nearly due for its checkpoint, at 2,000 hits/s.
const walFull = 7_800_000

// startUp measures how soon a started server acknowledges a hit: after a stop,
// and after SIGKILL with a full write-ahead log.
func startUp(ctx context.Context, s *server) (*table, error) {
	const most = time.Second
	t := &table{}
	soon := func(name string) error {
		began := time.Now()
		if err := s.start(ctx); err != nil {
			return err
		}
		took := time.Since(began)
		t.add(name+": a hit is acknowledged", ms(took)+", "+ms(s.cpu())+" of CPU", "at most "+ms(most), took <= most)
		if err := s.signIn(ctx); err != nil {
			return err
		}
		if err := s.until(ctx, time.Minute, func() bool {
			_, err := s.page(ctx, "/sites/"+s.sites[3]+"?period=7d")
			return err == nil
		}); err != nil {
			return err
		}
		t.tell(name+": a dashboard is answered", "%s", ms(time.Since(began)))
		return nil
	}
	for range 2 {
		if err := soon("after a stop"); err != nil {
			return t, err
		}
		if err := s.end(); err != nil {
			return t, err
		}
	}
	for range 3 {
		if err := s.start(ctx); err != nil {
			return t, err
		}
		stop := s.hitting(ctx, 1, 2000)
		err := s.until(ctx, time.Minute, func() bool { return walBytes(s.dir) > walFull })
		full := walBytes(s.dir)
		if killed := s.kill(); killed != nil {
			return t, killed
		}
		hits := stop()
		if err != nil {
			return t, fmt.Errorf("fill the log, which has %d bytes: %w; answers: %v", full, err, hits.answers)
		}
		if err := soon(fmt.Sprintf("after SIGKILL, with a log of %d MB", full/1e6)); err != nil {
			return t, err
		}
		if err := s.end(); err != nil {
			return t, err
		}
	}
	return t, nil
}

func walBytes(dir string) int64 {
	files, _ := filepath.Glob(filepath.Join(dir, "events.duckdb", "hot-*.wal"))
	var n int64
	for _, f := range files {
		if i, err := os.Stat(f); err == nil && strings.HasSuffix(f, ".wal") {
			n += i.Size()
		}
	}
	return n
}
