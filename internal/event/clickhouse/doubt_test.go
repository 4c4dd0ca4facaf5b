package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/event/eventtest"
)

// log is a spool of n events over two months, a drop for each tenth.
func log(n int) []event.Event {
	g := &eventtest.Bulk{Seed: 5, From: time.Date(2026, 1, 31, 23, 0, 0, 0, time.UTC), Gap: 2 * time.Hour / time.Duration(n)}
	return g.Next(n)
}

// batch is the part of a log from one position to another.
func batch(all []event.Event, from, to int64) *event.Batch {
	b := eventtest.Batch("a", from, all[from:to])
	for i := from; i < to; i++ {
		if i%10 == 0 {
			b.Drops = append(b.Drops, event.Drop{Site: 1, Time: all[i].Time / 60_000 * 60_000, Reason: "bot", Count: 1})
		}
		if i%100 == 0 {
			b.Keys = append(b.Keys, event.Key{Site: 1, Time: all[i].Time})
			b.Days = append(b.Days, event.DayCount{Site: 1, Import: 1, Day: i, Dimension: "path"})
		}
	}
	return b
}

func loaded(t *testing.T, s *Store) int64 {
	t.Helper()
	pos, err := s.Loaded(context.Background(), "a")
	if err != nil {
		t.Fatal(err)
	}
	return pos
}

// once checks that all that is stored is the log's beginning, once each.
func once(t *testing.T, s *Store, all []event.Event, upto int64) {
	t.Helper()
	if got := loaded(t, s); got != upto {
		t.Errorf("loaded %d, want %d", got, upto)
	}
	eventtest.Same(t, eventtest.All(t, s, 1), all[:upto])
	for table, each := range map[string]int64{"drops": 10, "keys": 100, "imported_days": 100} {
		if n := eventtest.Number(t, s, "select count(*) from "+table); n != (upto+each-1)/each {
			t.Errorf("%d %s, want %d", n, table, (upto+each-1)/each)
		}
	}
	if n := eventtest.Number(t, s, "select count(*) from events"); n != upto {
		t.Errorf("%d events of all sites, want %d", n, upto)
	}
}

// A process dies at each step of a batch, and another goes on: with the same
// batch, a shorter or a longer one, as the spool is cut then.
func TestDeathAtEachStep(t *testing.T) {
	server := chtest.Shared(t)
	all := log(3000)
	for died := range 7 { // planned, five blocks, before the position
		for _, to := range []int64{2000, 1500, 2700} {
			if os.Getenv("TEST_LONG") == "" && (to != 1500 || died%2 == 0) {
				continue // 7 s a case
			}
			t.Run(fmt.Sprintf("step %d, then to %d", died, to), func(t *testing.T) {
				url := server.Database(t)
				ctx, die := context.WithCancel(t.Context())
				defer die()
				steps := -1 // the first batch is whole
				s := openAt(t, url, func(o *Options) {
					o.step = func(string) {
						if steps >= 0 {
							if steps++; steps > died {
								die()
							}
						}
					}
				})
				eventtest.Append(t, s, batch(all, 0, 1000))
				steps = 0
				if died == 6 {
					steps = -1000
				}
				if err := s.Append(ctx, batch(all, 1000, 2000)); (err == nil) != (died == 6) {
					t.Fatalf("the append that died at step %d: %v", died, err)
				}
				s = openAt(t, url, nil)
				defer s.Close()
				for pos := loaded(t, s); pos < to; pos = loaded(t, s) {
					err := s.Append(t.Context(), batch(all, pos, to))
					if err != nil && !errors.Is(err, ErrOverlap) {
						t.Fatal(err)
					}
				}
				upto := max(to, loaded(t, s))
				once(t, s, all, upto)
				eventtest.Append(t, s, batch(all, upto, 3000))
				once(t, s, all, 3000)
			})
		}
	}
}

// An insert that was sent and held up arrives after another process has given
// its batch up, or has finished it.
func TestLateInsert(t *testing.T) {
	long(t)
	server := chtest.Shared(t)
	all := log(3000)
	for _, to := range []int64{2000, 1500, 2700} {
		t.Run(fmt.Sprint("then to ", to), func(t *testing.T) {
			url := server.Database(t)
			dead := openAt(t, url, func(o *Options) { o.plain = true }) // and tidied each second
			defer dead.Close()
			eventtest.Append(t, dead, batch(all, 0, 1000))
			sp, b := dead.spool("a"), batch(all, 1000, 2000)
			parts := cut(b)
			if err := dead.plan(t.Context(), sp, b, parts); err != nil {
				t.Fatal(err)
			}
			if err := dead.insert(t.Context(), sp, b, parts[1]); err != nil {
				t.Fatal(err)
			}
			s := openAt(t, url, nil)
			defer s.Close()
			eventtest.Append(t, s, batch(all, 1000, to))
			// The server forgets tokens of parts it takes for useless, in its time.
			if _, err := server.Ask("select sleepEachRow(1) from numbers(3) settings max_block_size = 1"); err != nil {
				t.Fatal(err)
			}
			for _, p := range parts {
				if err := dead.insert(t.Context(), sp, b, p); err != nil {
					t.Fatal(err)
				}
			}
			once(t, s, all, to)
			if err := dead.advance(t.Context(), sp); err == nil && to != 2000 {
				t.Error("the position of a batch that was given up was stored")
			}
			once(t, s, all, to)
		})
	}
}

// Two processes that take each other for dead load one spool.
func TestTwoLoaders(t *testing.T) {
	long(t)
	url := chtest.Shared(t).Database(t)
	all := log(3000)
	ends := make(chan *Store, 2)
	for i := range 2 {
		s := openAt(t, url, nil)
		defer s.Close()
		go func() {
			defer func() { ends <- s }()
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for {
				pos, err := s.Loaded(t.Context(), "a")
				if err != nil {
					continue // the other was faster
				}
				if pos == 3000 {
					return
				}
				_ = s.Append(t.Context(), batch(all, pos, min(3000, pos+1+r.Int64N(300)))) // errors are what is tried here
			}
		}()
	}
	s := <-ends
	<-ends
	once(t, s, all, 3000)
}

// The server is killed in mid-batch, again and again, and every time another
// process goes on.
func TestServerKilled(t *testing.T) {
	long(t)
	server := chtest.Start(t)
	all := log(4000)
	r := rand.New(rand.NewPCG(9, 9))
	url := server.Database(t)
	kills := 0
	s := openAt(t, url, nil)
	for pos := int64(0); pos < 4000; {
		kill := r.IntN(8)
		steps := 0
		if kill < 6 {
			_ = s.Close()
			s = openAt(t, url, func(o *Options) {
				o.step = func(string) {
					switch steps++; {
					case steps == kill+1:
						server.Kill(t)
					case steps == kill && r.IntN(2) == 0:
						// While a block is on its way.
						time.AfterFunc(time.Duration(r.IntN(20))*time.Millisecond, func() { server.Kill(t) })
					}
				}
			})
		}
		err := s.Append(t.Context(), batch(all, pos, min(4000, pos+200+r.Int64N(600))))
		if err != nil && !errors.Is(err, ErrOverlap) {
			kills++
		}
		server.Restart(t)
		pos = loaded(t, s)
	}
	once(t, s, all, 4000)
	_ = s.Close()
	if kills < 3 {
		t.Errorf("%d appends were interrupted: this test could not fail", kills)
	}
}

// cutting is a connection that breaks after so many bytes.
type cutting struct {
	net.Conn
	left *atomic.Int64
}

func (c cutting) Write(b []byte) (int, error) {
	if n := c.left.Add(-int64(len(b))); n < 0 {
		sent, _ := c.Conn.Write(b[:max(0, len(b)+int(n))])
		_ = c.Conn.Close()
		return sent, errors.New("the connection was cut")
	}
	return c.Conn.Write(b)
}

func TestConnectionCut(t *testing.T) {
	long(t)
	url := chtest.Shared(t).Database(t)
	all := log(8000)
	r := rand.New(rand.NewPCG(3, 3))
	var left atomic.Int64
	left.Store(1 << 40)
	s := openAt(t, url, func(o *Options) {
		o.dial = func(ctx context.Context, addr string) (net.Conn, error) {
			c, err := new(net.Dialer).DialContext(ctx, "tcp", addr)
			if err != nil {
				return nil, err
			}
			return cutting{c, &left}, nil
		}
	})
	defer s.Close()
	failed := 0
	for pos, round := int64(0), 0; pos < 8000; round++ {
		if round < 20 { // a second each
			left.Store(r.Int64N(150_000))
		}
		if err := s.Append(t.Context(), batch(all, pos, min(8000, pos+500+r.Int64N(1500)))); err != nil && !errors.Is(err, ErrOverlap) {
			failed++
		}
		left.Store(1 << 40)
		pos = loaded(t, s)
	}
	once(t, s, all, 8000)
	if failed < 3 {
		t.Errorf("%d appends were cut: this test could not fail", failed)
	}
}

// The server stops answering in mid-batch, and goes on with what it has when
// the batch was already given up.
func TestServerFrozen(t *testing.T) {
	long(t)
	server := chtest.Start(t)
	url := server.Database(t)
	all := log(3000)
	for frozen := range 4 {
		steps := 0
		s := openAt(t, url, func(o *Options) {
			o.statementTime = 500 * time.Millisecond
			o.step = func(string) {
				if steps++; steps == frozen+1 {
					server.Freeze(t)
				}
			}
		})
		pos := loaded(t, s)
		if err := s.Append(t.Context(), batch(all, pos, pos+400)); err == nil {
			t.Fatalf("an append to a server frozen at step %d succeeded", frozen)
		}
		server.Thaw(t)
		_ = s.Close()
		s = openAt(t, url, nil)
		if pos = loaded(t, s); pos < int64(frozen+1)*700 {
			if err := s.Append(t.Context(), batch(all, pos, pos+300)); err != nil && !errors.Is(err, ErrOverlap) {
				t.Fatal(err)
			}
		}
		once(t, s, all, loaded(t, s))
		_ = s.Close()
	}
}
