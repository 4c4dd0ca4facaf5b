package chaos

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"moonbear/internal/event/clickhouse"
)

// load sends hits at a constant rate and remembers what became of each.
type load struct {
	t    *testing.T
	url  string
	site string

	began, mended time.Time // the last break

	mu      sync.Mutex
	n       int
	acked   map[string]bool
	unsure  map[string]bool // their connection was cut: stored or not
	refused map[int]int     // by status: errors that no cut explains
}

func newLoad(t *testing.T, url, site string) *load {
	return &load{t: t, url: url, site: site, acked: map[string]bool{}, unsure: map[string]bool{}, refused: map[int]int{}}
}

const (
	perSecond = 200
	senders   = 16
	clients   = 97
)

// during sends hits while f runs, and for a second before and after.
func (l *load) during(f func()) {
	l.t.Helper()
	ctx, stop := context.WithCancel(l.t.Context())
	ids := make(chan int)
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for id := range ids {
				l.send(id)
			}
		})
	}
	go func() {
		defer close(ids)
		tick := time.NewTicker(time.Second / perSecond)
		defer tick.Stop()
		for {
			l.mu.Lock()
			l.n++
			n := l.n
			l.mu.Unlock()
			ids <- n
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	time.Sleep(time.Second)
	l.began = time.Now()
	f()
	l.mended = time.Now()
	time.Sleep(time.Second)
	stop()
	wg.Wait()
}

func path(id int) string { return fmt.Sprintf("/hit/%d", id) }

func (l *load) send(id int) {
	body := fmt.Sprintf(`{"pid":%q,"event":"pageview","url":"https://chaos.example%s"}`, l.site, path(id))
	req, err := http.NewRequest(http.MethodPost, l.url+"/event", strings.NewReader(body))
	if err != nil {
		l.t.Error(err)
		return
	}
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", id%clients+1))
	req.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0")
	res, err := http.DefaultClient.Do(req)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.unsure[path(id)] = true
		return
	}
	res.Body.Close()
	switch {
	case res.StatusCode == http.StatusAccepted:
		l.acked[path(id)] = true
	case res.Header.Get(cutHeader) != "":
		l.unsure[path(id)] = true
	default:
		l.refused[res.StatusCode]++
	}
}

// verdict is what came of a break, or of all so far.
type verdict struct {
	sent, acked, cut, errors int
	stored                   int // of those acknowledged, once
	broken                   time.Duration
	level                    time.Duration // from the end of the break until they were
}

func (v verdict) since(w verdict) verdict {
	return verdict{v.sent - w.sent, v.acked - w.acked, v.cut - w.cut, v.errors - w.errors, v.stored - w.stored, v.broken, v.level}
}

// settled waits until everything acknowledged is stored, and holds what is
// stored against what is known.
func (l *load) settled(name string, store *clickhouse.Store) verdict {
	l.t.Helper()
	v := verdict{sent: l.n, acked: len(l.acked), cut: len(l.unsure), broken: l.mended.Sub(l.began)}
	var stored map[string]int
	var missing int
	var failed error
	// A hand-over is looked for about once a minute.
	const patience = 4 * time.Minute
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		if stored, failed = storedHits(store); failed == nil {
			if missing = l.missing(stored); missing == 0 {
				break
			}
		}
		if time.Now().After(end) {
			l.t.Errorf("%s: %v later %d acknowledged hits are not stored (%v)", name, patience, missing, failed)
			break
		}
	}
	v.level = time.Since(l.mended)
	for p, times := range stored {
		switch {
		case times != 1:
			l.t.Errorf("%s: %s is stored %d times", name, p, times)
		case l.acked[p]:
			v.stored++
		case !l.unsure[p]:
			l.t.Errorf("%s: %s is stored and was refused, or never sent", name, p)
		}
	}
	for status, n := range l.refused {
		l.t.Errorf("%s: %d hits were answered %d", name, n, status)
		if status >= 500 {
			v.errors += n
		}
	}
	return v
}

// missing is how many acknowledged hits aren't stored.
func (l *load) missing(stored map[string]int) (n int) {
	for p := range l.acked {
		if stored[p] == 0 {
			n++
		}
	}
	return n
}

func storedHits(store *clickhouse.Store) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	rows, err := store.Select(ctx, "select path, count(*) from events group by path")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]int{}
	for rows.Next() {
		var p string
		var n uint64
		if err := rows.Scan(&p, &n); err != nil {
			return nil, err
		}
		all[p] = int(n)
	}
	return all, rows.Err()
}
