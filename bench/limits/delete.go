package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// deletion destroys the biggest site, half of all events, while the others
// collect and are looked at.
func deletion(ctx context.Context, s *server) (*table, error) {
	const most = time.Second
	t := &table{}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	// The hot file is as full as it gets before the night.
	stop := s.hitting(ctx, 0, 3000)
	time.Sleep(40 * time.Second)
	full := stop()
	if err := s.signIn(ctx); err != nil {
		return nil, err
	}
	size := bytesIn(s.dir)
	before, err := holding(s.dir, canary)
	if err != nil || before == 0 {
		return nil, fmt.Errorf("%d files hold the canary before, %w: nothing could be shown", before, err)
	}
	if err := s.api(ctx, http.MethodDelete, "/v1/sites/"+s.sites[0], nil, nil); err != nil {
		return nil, err
	}
	if n, err := s.control(ctx, "update sites set deleted_at = ? where deleted_at is not null", time.Now().AddDate(0, 0, -4).UTC()); err != nil || n != 1 {
		return nil, fmt.Errorf("age the deletion: %d rows, %w", n, err)
	}
	stop = s.hitting(ctx, 1, 200)
	pages := s.looking(ctx, s.sites[2])
	took, err := s.doJob(ctx, "destroy deleted sites", 15*time.Minute)
	if err != nil {
		return t, err
	}
	time.Sleep(time.Second)
	seen, failed := pages()
	hits := stop()
	t.tell("destroyed", "half of %d events in %s", s.events+int64(full.acknowledged()), ms(took))
	t.add("acknowledging meanwhile, 200 hits/s", hits.spread(), "every one, in at most 1 s",
		hits.acknowledged() == len(hits.latencies) && hits.quantile(1) <= most)
	t.add("another site's panel meanwhile", seen.spread(), "in at most 1 s", seen.quantile(1) <= most)
	after := bytesIn(s.dir)
	t.add("on disk", mib(size)+" before, "+mib(after)+" after", "60 % or less", after*10 <= size*6)
	counted, err := s.pageviews(ctx, s.sites[1], hits.acknowledged())
	if err != nil {
		return t, err
	}
	t.add("hits acknowledged meanwhile", fmt.Sprintf("%d, counted %d", hits.acknowledged(), counted), "the same", hits.acknowledged() == counted)
	if err := s.end(); err != nil {
		return t, err
	}
	n, err := holding(s.dir, canary)
	t.add("files that hold the site's canary", fmt.Sprintf("%d before, %d after", before, n), "none", n == 0)
	return t, errors.Join(err, failed)
}

// looking asks for a site's panel over and over until stop is called.
func (s *server) looking(ctx context.Context, site string) (stop func() (*tally, error)) {
	ctx, cancel := context.WithCancel(ctx)
	t := &tally{answers: map[int]int{}}
	var failed error
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			_, err := s.page(ctx, "/sites/"+site+"/panels/pages?period=7d")
			if ctx.Err() != nil {
				return
			}
			if err != nil {
				failed = err
			}
			t.note(http.StatusOK, time.Since(began))
			time.Sleep(20 * time.Millisecond)
		}
	})
	return func() (*tally, error) { cancel(); done.Wait(); return t, failed }
}

// pageviews waits until as many were counted since the start of the campaign
// as were sent, and gives up when no more come. Hits sent are told from the
// data's own by their path.
func (s *server) pageviews(ctx context.Context, site string, want int) (int, error) {
	ask := map[string]any{"site_id": site, "period": "24h", "aggregate": []string{"pageviews"},
		"filter": []any{map[string]any{"dimension": "path", "operator": "starts_with", "value": "/journal/page-"}}}
	var a struct {
		Data map[string]struct{ Value float64 }
	}
	for began := time.Now(); ; time.Sleep(time.Second) {
		if err := s.api(ctx, http.MethodPost, "/v1/stats/aggregation", ask, &a); err != nil {
			return 0, err
		}
		n := int(a.Data["pageviews"].Value)
		if n >= want || time.Since(began) > 30*time.Second {
			return n, nil
		}
	}
}

func bytesIn(dir string) (n int64) {
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if i, err := d.Info(); err == nil {
				n += i.Size()
			}
		}
		return nil // a file that went meanwhile is none
	})
	return n
}

// holding counts the files below dir that hold a text.
func holding(dir, text string) (n int, err error) {
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		buf, kept := make([]byte, 4<<20), 0
		for {
			read, err := f.Read(buf[kept:])
			if bytes.Contains(buf[:kept+read], []byte(text)) {
				n++
				return nil
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			end := kept + read
			kept = copy(buf, buf[max(0, end-len(text)+1):end])
		}
	})
	return n, err
}
