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
)

// during sends hits while f runs, and for a moment before and after.
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
	f()
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
	client := id % 97
	req.Header.Set("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", client+1))
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

// verdict is what came of a break.
type verdict struct {
	name                       string
	sent, acked, cut, recovery int // recovery: seconds until the last was stored
}

// settled waits until everything acknowledged is stored, and holds what is
// stored against what is known.
func (l *load) settled(name string, store *clickhouse.Store) verdict {
	l.t.Helper()
	begun := time.Now()
	var stored map[string]int
	until(l.t, 3*time.Minute, "everything acknowledged is stored after: "+name, func() bool {
		got, err := storedHits(store)
		if err != nil {
			return false
		}
		stored = got
		for p := range l.acked {
			if stored[p] == 0 {
				return false
			}
		}
		return true
	})
	v := verdict{name: name, sent: l.n, acked: len(l.acked), cut: len(l.unsure), recovery: int(time.Since(begun).Seconds())}
	for p, times := range stored {
		switch {
		case times != 1:
			l.t.Errorf("%s: %s is stored %d times", name, p, times)
		case !l.acked[p] && !l.unsure[p]:
			l.t.Errorf("%s: %s is stored and was refused, or never sent", name, p)
		}
	}
	for status, n := range l.refused {
		l.t.Errorf("%s: %d hits were answered %d", name, n, status)
	}
	clear(l.refused)
	l.t.Logf("%-45s %6d sent so far, %6d acknowledged and stored once, %d cut, level after %d s", v.name, v.sent, v.acked, v.cut, v.recovery)
	return v
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
