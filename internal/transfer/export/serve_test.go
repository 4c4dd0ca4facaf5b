package export

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
	"moonbear/internal/fault"
)

// served is a server of one site's exports, as impatient as a test can wait
// for.
func served(t *testing.T, store event.Store, timeout time.Duration) (*httptest.Server, *Exports) {
	t.Helper()
	x := New(store, slog.New(slog.DiscardHandler))
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := x.Serve(w, r, Request{Site: siteNumber(1), Format: Format(r.URL.Query().Get("format"))}); err != nil {
			status := http.StatusInternalServerError
			if f, ok := fault.From(err); ok {
				status = int(f.Kind)
			}
			http.Error(w, err.Error(), status)
		}
	}))
	srv.Config.ReadTimeout, srv.Config.WriteTimeout = timeout, timeout
	srv.Start()
	t.Cleanup(srv.Close)
	return srv, x
}

func get(t *testing.T, url, encoding string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept-Encoding", encoding)
	res, err := (&http.Transport{DisableCompression: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// slowly hands out a store's events one span after another when told to.
type slowly struct {
	event.Store
	next   chan struct{}
	events []event.Event
	err    error // after the last
}

func (s *slowly) Export(ctx context.Context, _ int64, _, _ time.Time, yield func(*event.Event) error) error {
	for i := range s.events {
		if i%1000 == 0 {
			select {
			case <-s.next:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if err := yield(&s.events[i]); err != nil {
			return err
		}
	}
	return s.err
}

func TestServe(t *testing.T) {
	s := openStore(t)
	events := (&eventtest.Bulk{Seed: 6}).Next(2000)
	fill(t, s, "a", events)
	srv, _ := served(t, s, time.Minute)
	for _, f := range All() {
		for _, encoding := range []string{"identity", "gzip"} {
			res := get(t, srv.URL+"?format="+string(f), encoding)
			body := io.Reader(res.Body)
			zipped := encoding == "gzip" && f != Parquet
			if (res.Header.Get("Content-Encoding") == "gzip") != zipped {
				t.Errorf("%s for who takes %s is %q", f, encoding, res.Header.Get("Content-Encoding"))
			}
			if zipped {
				z, err := gzip.NewReader(body)
				if err != nil {
					t.Fatal(err)
				}
				body = z
			}
			file, err := io.ReadAll(body)
			if err != nil {
				t.Fatal(err)
			}
			if got := readAll(t, f, bytes.NewReader(file), int64(len(file))); len(got) != len(events) {
				t.Errorf("%s: %d events, want %d", f, len(got), len(events))
			}
			if res.Header.Get("Content-Type") != f.ContentType() || res.Header.Get("Content-Disposition") != `attachment; filename="shop.example-events.`+string(f)+`"` {
				t.Errorf("%s: %v", f, res.Header)
			}
		}
	}
}

// TestOutlastsTimeouts reads for longer than the server lets an ordinary
// answer take.
func TestOutlastsTimeouts(t *testing.T) {
	s := &slowly{next: make(chan struct{}), events: (&eventtest.Bulk{Seed: 6}).Next(5000)}
	srv, _ := served(t, s, 100*time.Millisecond)
	go func() {
		for range 5 {
			time.Sleep(60 * time.Millisecond) // what is waited out is a deadline of the system's clock
			s.next <- struct{}{}
		}
	}()
	res := get(t, srv.URL+"?format=ndjson", "identity")
	file, err := io.ReadAll(res.Body)
	if err != nil || bytes.Count(file, []byte("\n")) != 5000 {
		t.Errorf("%d lines, %v", bytes.Count(file, []byte("\n")), err)
	}
}

// TestBrokenOff has the store fail in the middle: no client may take what came
// for a whole file.
func TestBrokenOff(t *testing.T) {
	events := (&eventtest.Bulk{Seed: 6}).Next(rowGroup + 1000)
	for _, f := range All() {
		for _, encoding := range []string{"identity", "gzip"} {
			s := &slowly{next: make(chan struct{}, 100), events: events, err: errors.New("the disk is gone")}
			if f != Parquet { // its first bytes go when a row group is whole
				s.events = events[:10_000]
			} else if encoding == "gzip" {
				continue
			}
			for range 100 {
				s.next <- struct{}{}
			}
			srv, _ := served(t, s, time.Minute)
			res := get(t, srv.URL+"?format="+string(f), encoding)
			if n, err := io.Copy(io.Discard, res.Body); !errors.Is(err, io.ErrUnexpectedEOF) || n == 0 {
				t.Errorf("%s, %s: %d bytes, then %v, want the connection to break off", f, encoding, n, err)
			}
		}
	}
	s := &slowly{err: errors.New("the disk is gone")}
	srv, _ := served(t, s, time.Minute)
	res := get(t, srv.URL+"?format=csv", "gzip")
	if text, _ := io.ReadAll(res.Body); res.StatusCode != 500 || !strings.Contains(string(text), "disk") || res.Header.Get("Content-Disposition") != "" || res.Header.Get("Content-Encoding") != "" {
		t.Errorf("an error before the first byte: %d %v %q", res.StatusCode, res.Header, text)
	}
}

// TestPlaces refuses a third download of a site, and gives the places back to
// whoever comes after one that was given up.
func TestPlaces(t *testing.T) {
	s := &slowly{next: make(chan struct{}), events: (&eventtest.Bulk{Seed: 6}).Next(1000)}
	srv, x := served(t, s, time.Minute)
	ctx, cancel := context.WithCancel(t.Context())
	var gone sync.WaitGroup
	for range perSite {
		gone.Go(func() {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+"?format=csv", nil)
			if err != nil {
				t.Error(err)
				return
			}
			if res, err := http.DefaultClient.Do(req); err == nil {
				res.Body.Close()
			}
		})
	}
	running := func() int {
		x.mu.Lock()
		defer x.mu.Unlock()
		return x.running[1]
	}
	until(t, func() bool { return running() == perSite })
	if res := get(t, srv.URL+"?format=csv", ""); res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("one more is answered %d", res.StatusCode)
	}
	if end, err := x.begin(2); err != nil {
		t.Errorf("another site: %v", err)
	} else {
		end()
	}
	cancel()
	gone.Wait()
	until(t, func() bool { return running() == 0 })
}

func until(t *testing.T, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it never came")
		}
	}
}
