package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A tally is what one run of load saw.
type tally struct {
	answers   map[int]int // by status
	failed    int         // connections cut, answers that can't be read
	took      time.Duration
	latencies []time.Duration // sorted
}

func (t *tally) ok() int { return t.answers[202] + t.answers[200] }

func (t *tally) perSecond() float64 { return float64(t.ok()) / t.took.Seconds() }

func (t *tally) quantile(q float64) time.Duration {
	if len(t.latencies) == 0 {
		return 0
	}
	return t.latencies[min(int(q*float64(len(t.latencies))), len(t.latencies)-1)]
}

// A load is how a server is to be loaded.
type load struct {
	addr     string
	path     string
	conns    int
	duration time.Duration
	// rate is hits a second over all connections; 0 is as fast as answers come.
	// With a rate, latency counts from the moment a hit was due, not from when
	// the connection got round to it.
	rate  float64
	hits  *hits
	acked *atomic.Int64 // counts good answers while the load runs; may be nil
}

// run keeps conns connections busy, one request in flight on each.
func (l load) run() (*tally, error) {
	var (
		mu    sync.Mutex
		total = &tally{answers: map[int]int{}}
		first error
		wg    sync.WaitGroup
	)
	start := time.Now()
	for i := range l.conns {
		wg.Go(func() {
			t, err := l.connection(i, start)
			mu.Lock()
			defer mu.Unlock()
			for s, n := range t.answers {
				total.answers[s] += n
			}
			total.failed += t.failed
			total.latencies = append(total.latencies, t.latencies...)
			if err != nil && first == nil {
				first = err
			}
		})
	}
	wg.Wait()
	total.took = time.Since(start)
	slices.Sort(total.latencies)
	return total, first
}

func (l load) connection(i int, start time.Time) (*tally, error) {
	t := &tally{answers: map[int]int{}}
	c, err := net.Dial("tcp", l.addr)
	if err != nil {
		t.failed++
		return t, err
	}
	defer c.Close()
	r := bufio.NewReaderSize(c, 4096)
	var gap time.Duration
	if l.rate > 0 {
		gap = time.Duration(float64(l.conns) / l.rate * float64(time.Second))
	}
	buf := make([]byte, 0, 2048)
	end := start.Add(l.duration)
	due := start.Add(gap * time.Duration(i) / time.Duration(l.conns))
	for n := 0; ; n++ {
		if gap > 0 {
			time.Sleep(time.Until(due))
		} else {
			due = time.Now()
		}
		if due.After(end) {
			return t, nil
		}
		buf = l.hits.request(buf[:0], l.path, i, n)
		if _, err := c.Write(buf); err != nil {
			t.failed++
			return t, err
		}
		status, err := readAnswer(r)
		if err != nil {
			t.failed++
			return t, err
		}
		t.answers[status]++
		if l.acked != nil && status < 300 {
			l.acked.Add(1)
		}
		t.latencies = append(t.latencies, time.Since(due))
		if gap > 0 {
			due = due.Add(gap)
		}
	}
}

// readAnswer reads one HTTP/1.1 answer and gives its status. It knows just
// what these servers send, so that the generator's own cost stays small.
func readAnswer(r *bufio.Reader) (status int, err error) {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, fmt.Errorf("not an answer: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length := 0
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		k, v, _ := bytes.Cut(line, []byte(": "))
		if bytes.EqualFold(k, []byte("Transfer-Encoding")) {
			return 0, errors.New("a chunked answer, which this client doesn't read")
		}
		if bytes.EqualFold(k, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(v)); err != nil {
				return 0, err
			}
		}
	}
	_, err = r.Discard(length)
	return status, err
}
