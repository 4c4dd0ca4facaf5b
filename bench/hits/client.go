package hits

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A Tally is what one run of load saw.
type Tally struct {
	Answers   map[int]int // by status
	Failed    int         // connections cut, answers that can't be read
	Took      time.Duration
	Latencies []time.Duration // sorted
}

// OK is how many hits were acknowledged.
func (t *Tally) OK() int { return t.Answers[202] + t.Answers[200] }

// PerSecond is how many were, a second.
func (t *Tally) PerSecond() float64 { return float64(t.OK()) / t.Took.Seconds() }

// Quantile is how long answers took, by share of them: 0.99 of all took no longer.
func (t *Tally) Quantile(q float64) time.Duration {
	if len(t.Latencies) == 0 {
		return 0
	}
	return t.Latencies[min(int(q*float64(len(t.Latencies))), len(t.Latencies)-1)]
}

// Sum is what runs beside each other saw together.
func Sum(all []*Tally) *Tally {
	sum := &Tally{Answers: map[int]int{}}
	for _, t := range all {
		for status, n := range t.Answers {
			sum.Answers[status] += n
		}
		sum.Failed += t.Failed
		sum.Took = max(sum.Took, t.Took)
		sum.Latencies = append(sum.Latencies, t.Latencies...)
	}
	slices.Sort(sum.Latencies)
	return sum
}

// A Load is how a server is to be loaded.
type Load struct {
	Addr     string
	Path     string
	Conns    int
	Duration time.Duration
	// Rate is hits a second over all connections; 0 is as fast as answers come.
	// With a rate, latency counts from the moment a hit was due, not from when
	// the connection got round to it.
	Rate  float64
	Hits  *Hits
	Acked *atomic.Int64 // counts good answers while the load runs; may be nil
}

// Run keeps Conns connections busy, one request in flight on each.
func (l Load) Run() (*Tally, error) {
	all, errs := make([]*Tally, l.Conns), make([]error, l.Conns)
	var wg sync.WaitGroup
	start := time.Now()
	for i := range l.Conns {
		wg.Go(func() { all[i], errs[i] = l.connection(i, start) })
	}
	wg.Wait()
	return Sum(all), cmp.Or(errs...)
}

func (l Load) connection(i int, start time.Time) (*Tally, error) {
	t := &Tally{Answers: map[int]int{}}
	defer func() { t.Took = time.Since(start) }()
	c, err := net.Dial("tcp", l.Addr)
	if err != nil {
		t.Failed++
		return t, err
	}
	defer c.Close()
	r := bufio.NewReaderSize(c, 4096)
	var gap time.Duration
	if l.Rate > 0 {
		gap = time.Duration(float64(l.Conns) / l.Rate * float64(time.Second))
	}
	buf := make([]byte, 0, 2048)
	end := start.Add(l.Duration)
	due := start.Add(gap * time.Duration(i) / time.Duration(l.Conns))
	for n := 0; ; n++ {
		if gap > 0 {
			time.Sleep(time.Until(due))
		} else {
			due = time.Now()
		}
		if due.After(end) {
			return t, nil
		}
		buf = l.Hits.request(buf[:0], l.Path, i, n)
		if _, err := c.Write(buf); err != nil {
			t.Failed++
			return t, err
		}
		status, err := readAnswer(r)
		if err != nil {
			t.Failed++
			return t, err
		}
		t.Answers[status]++
		if l.Acked != nil && status < 300 {
			l.Acked.Add(1)
		}
		t.Latencies = append(t.Latencies, time.Since(due))
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
