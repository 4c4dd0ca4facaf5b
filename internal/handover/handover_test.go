package handover_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/blob"
	"moonbear/internal/event"
	"moonbear/internal/handover"
)

// TestGiveAndAdopt: what a replica had not loaded another loads, over every kind
// of storage and store, and nothing of it is left.
func TestGiveAndAdopt(t *testing.T) {
	for _, tt := range []struct {
		name   string
		store  func(*testing.T) event.Store
		bucket func(*testing.T) blob.Bucket
	}{
		{"DuckDB, directory", duck, files},
		{"DuckDB, S3", duck, s3},
		{"ClickHouse, directory", house, files},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newServiceOn(t, tt.store(t), tt.bucket(t))
			gone := s.start("")
			gone.collects(150)
			gone.loads(3)
			if at := gone.position(); at == 0 || at == gone.spool.Durable() {
				t.Fatalf("%d of %d bytes are loaded: nothing is tried here", at, gone.spool.Durable())
			}
			h := gone.mustGive()
			if h.From != gone.position() || h.To != gone.spool.Durable() || len(h.Segments) < 3 || h.Records() < 90 || h.Records() > 150 {
				t.Errorf("%+v", h)
			}
			gone.end()

			other := s.start("")
			other.collects(10)
			reg := prometheus.NewRegistry()
			a := other.adopter(func(o *handover.Options) { o.Metrics = reg })
			if err := a.Look(t.Context()); err != nil {
				t.Fatal(err)
			}
			other.loadsAll()
			s.once()
			s.empty()
			if len(a.Waiting()) > 0 || a.Behind() != 0 {
				t.Errorf("%v wait", a.Waiting())
			}
			for name, want := range map[string]int64{"records": h.Records(), "bytes": h.Bytes(), "segments": int64(len(h.Segments))} {
				if n := gathered(t, reg, "moonbear_handover_adopted_"+name+"_total"); n != float64(want) {
					t.Errorf("%v %s were adopted, want %d", n, name, want)
				}
			}
			if !strings.Contains(s.log.String(), "adopted: what another process handed over is in the event store") {
				t.Error("nothing is said of it")
			}
			// The volume may be started on again: it has what is stored already.
			back := s.start(gone.dir)
			back.collects(10)
			back.loadsAll()
			s.once()
		})
	}
}

// TestNothingToGive: a spool that is loaded hands over nothing.
func TestNothingToGive(t *testing.T) {
	s := newService(t)
	r := s.start("")
	for range 2 {
		if h := r.mustGive(); len(h.Segments) > 0 {
			t.Errorf("%+v", h)
		}
		s.empty()
		r.collects(30)
		r.loadsAll()
	}
}

// TestKilledWhileGiving kills an upload before each of its objects: what is
// there is adopted by nobody, and another upload goes on with it.
func TestKilledWhileGiving(t *testing.T) {
	s := newService(t)
	other := s.start("")
	deaths := 0
	for ; ; deaths++ {
		gone := s.start("")
		gone.collects(100)
		gone.loads(1)
		n := 0
		s.bucket.before = func(op, _ string) error {
			if op == "put" {
				if n++; n > deaths {
					panic(killed{})
				}
			}
			return nil
		}
		dead := dies(func() { _, _ = gone.gives() })
		s.bucket.before = nil
		if !dead {
			break
		}
		other.adopts()
		if stored := len(s.counts()); stored >= s.appended || len(s.objects()) != deaths {
			t.Fatalf("killed before object %d: %d events of %d are stored, there are %q", deaths+1, stored, s.appended, s.objects())
		}
		gone.end()
		gone = s.start(gone.dir) // or another, which mounts its volume
		before := s.bucket.puts
		h := gone.mustGive()
		if put := s.bucket.puts - before; put > len(h.Segments)+2-min(deaths, len(h.Segments)) {
			t.Errorf("%d objects were put after %d of %d were there", put, deaths, len(h.Segments)+2)
		}
		gone.end()
		other.adopts()
		s.once()
		s.empty()
	}
	if deaths < 5 {
		t.Errorf("it was killed %d times only", deaths)
	}
}

// TestNeverFinished: half a hand-over goes once its volume has loaded the rest.
func TestNeverFinished(t *testing.T) {
	s := newService(t)
	other, gone := s.start(""), s.start("")
	gone.collects(100)
	s.bucket.before = func(op, name string) error {
		if op == "put" && strings.HasSuffix(name, ".json") {
			panic(killed{})
		}
		return nil
	}
	if !dies(func() { _, _ = gone.gives() }) {
		t.Fatal("it wasn't killed")
	}
	s.bucket.before = nil
	gone.loads(2)
	other.adopts()
	if len(s.objects()) == 0 {
		t.Error("what was never finished is gone, and the store hasn't all of it")
	}
	gone.loadsAll()
	other.adopts()
	s.once()
	s.empty()
}

// TestKilledWhileAdopting kills adopters around each batch, and at each object
// they delete: another takes over when the lease has ended, not before.
func TestKilledWhileAdopting(t *testing.T) {
	if os.Getenv("TEST_LONG") == "" {
		t.Skip("long: TEST_LONG=1 runs it, as make test does")
	}
	s := newServiceOn(t, duck(t), files(t)) // by itself: it looks at the clock
	deaths, waits := 0, 0
	for _, where := range []string{"before an append", "after an append", "at an object"} {
		for at := 1; ; at++ {
			gone := s.start("")
			gone.collects(60)
			gone.mustGive()
			gone.end()

			victim := s.start("")
			n := 0
			var died time.Time
			die := func() error {
				if n++; n == at {
					died = time.Now()
					victim.leases.die()
					panic(killed{})
				}
				return nil
			}
			switch where {
			case "before an append":
				s.store.hook(func(int) error { return die() }, nil)
			case "after an append":
				s.store.hook(nil, func(int) error { return die() })
			default:
				s.bucket.before = func(op, _ string) error { return die() }
			}
			dead := dies(victim.adopts)
			s.store.hook(nil, nil)
			s.bucket.before = nil
			victim.end()
			if !dead {
				break
			}
			deaths++
			held := len(s.counts()) < s.appended
			other := s.start("")
			if where != "at an object" {
				before := len(s.counts())
				other.adopts()
				// It was renewed up to a third of its time before.
				if inTime := time.Since(died) < lease/2; inTime && held {
					waits++
					if len(s.counts()) != before {
						t.Fatalf("killed %s %d: another adopted before the lease ended", where, at)
					}
				}
			}
			for begun := time.Now(); len(s.objects()) > 0; time.Sleep(20 * time.Millisecond) {
				other.adopts()
				if time.Since(begun) > 20*time.Second {
					t.Fatalf("killed %s %d: nobody takes over, there are %q", where, at, s.objects())
				}
			}
			s.once()
			other.end()
		}
	}
	if deaths < 10 || waits < 2 {
		t.Errorf("only %d were killed, and %d looks were in time", deaths, waits)
	}
}

// everybody has every lease: as when clocks differ, or a process slept.
type everybody struct{}

func (everybody) Take(context.Context, string, time.Duration) (bool, error) { return true, nil }
func (everybody) Release(context.Context, string) error                     { return nil }

// TestTwoAdopters: two who believe that they are alone, and the replica itself,
// which is back on its volume.
func TestTwoAdopters(t *testing.T) {
	for name, open := range map[string]func(*testing.T) event.Store{"DuckDB": duck, "ClickHouse": house} {
		t.Run(name, func(t *testing.T) {
			s := newServiceOn(t, open(t), files(t))
			gone := s.start("")
			gone.collects(400)
			gone.mustGive()
			gone.end()
			back := s.start(gone.dir)
			loading, stop := context.WithCancel(t.Context())
			var all sync.WaitGroup
			all.Go(func() { _ = back.loader.RunUntil(context.Background(), loading) })
			for range 2 {
				r := s.start("")
				all.Go(func() {
					a := r.adopter(func(o *handover.Options) { o.Leases = everybody{} })
					for begun := time.Now(); time.Since(begun) < 30*time.Second; {
						_ = a.Look(context.Background()) // each may meet the other's traces
						if list, err := s.bucket.List(context.Background(), ""); err == nil && len(list) == 0 {
							return
						}
					}
					t.Error("it isn't adopted after 30 seconds")
				})
			}
			for begun := time.Now(); len(s.objects()) > 0 && time.Since(begun) < 30*time.Second; time.Sleep(10 * time.Millisecond) {
			}
			stop()
			all.Wait()
			s.once()
			if strings.Contains(s.log.String(), "refused") {
				t.Error("something was refused")
			}
		})
	}
}

// TestOneAtATime: of many who look at the same time one adopts each spool.
func TestOneAtATime(t *testing.T) {
	s := newService(t)
	for range 5 {
		gone := s.start("")
		gone.collects(50)
		gone.mustGive()
		gone.end()
	}
	var all sync.WaitGroup
	for range 4 {
		r := s.start("")
		all.Go(func() {
			if err := r.adopter().Look(context.Background()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s.once()
	s.empty()
	if n := strings.Count(s.log.String(), "adopted: what another"); n != 5 {
		t.Errorf("5 hand-overs were adopted %d times", n)
	}
}

// TestCorrupt: an object that isn't what was handed over is refused, loudly, and
// kept; once it is mended it is counted.
func TestCorrupt(t *testing.T) {
	change := func(s *service, name string, f func([]byte) []byte) {
		s.t.Helper()
		r, err := s.bucket.Bucket.Get(context.Background(), name)
		if err != nil {
			s.t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err == nil {
			b = f(b)
			err = s.bucket.Bucket.Put(context.Background(), name, bytes.NewReader(b), int64(len(b)))
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	for name, corrupt := range map[string]func(s *service, segment, marker string){
		"a bit is turned": func(s *service, segment, _ string) {
			change(s, segment, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
		},
		"cut off": func(s *service, segment, _ string) {
			change(s, segment, func(b []byte) []byte { return b[:len(b)-1] })
		},
		"too long": func(s *service, segment, _ string) {
			change(s, segment, func(b []byte) []byte { return append(b, 0) })
		},
		"missing": func(s *service, segment, _ string) {
			if err := s.bucket.Bucket.Delete(context.Background(), segment); err != nil {
				s.t.Fatal(err)
			}
		},
		"its marker is damaged": func(s *service, _, marker string) {
			change(s, marker, func(b []byte) []byte { return b[:len(b)/2] })
		},
		"its marker is another's": func(s *service, _, marker string) {
			change(s, marker, func(b []byte) []byte { return bytes.Replace(b, []byte(`"spool":"`), []byte(`"spool":"f`), 1) })
		},
		"of a newer version": func(s *service, _, marker string) {
			change(s, marker, func(b []byte) []byte {
				return bytes.Replace(b, []byte(`"version":1`), []byte(`"version":2`), 1)
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t)
			gone := s.start("")
			gone.collects(200)
			h := gone.mustGive()
			whole := s.objects()
			segment := h.Segments[len(h.Segments)/2]
			prefix := "spool/" + h.Name() + "/"
			corrupt(s, prefix+segment.File, prefix+"complete.json")
			there := s.objects()

			other := s.start("")
			reg := prometheus.NewRegistry()
			a := other.adopter(func(o *handover.Options) { o.Metrics = reg })
			for range 3 {
				if err := a.Look(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			if got := s.objects(); !slices.Equal(got, there) {
				t.Errorf("of %q are left %q", there, got)
			}
			if n := strings.Count(s.log.String(), "level=ERROR"); n != 1 || !strings.Contains(s.log.String(), "refused and kept") {
				t.Errorf("it is said %d times:\n%s", n, s.log)
			}
			if r := a.Refused(); len(r) != 1 || r[h.Name()] == nil || len(a.Waiting()) != 0 || a.Behind() != 0 {
				t.Errorf("refused: %v, waiting: %v", r, a.Waiting())
			}
			if n := gathered(t, reg, "moonbear_handover_refused"); n != 1 {
				t.Errorf("the metric says %v", n)
			}
			at, err := s.store.Loaded(t.Context(), h.Spool)
			if err != nil || at > segment.From {
				t.Errorf("it is loaded up to %d, beyond what is good (%d): %v", at, segment.From, err)
			}

			// As docs/growing.md says: what is bad is deleted, and its volume hands over again.
			for _, o := range []string{prefix + segment.File, prefix + "complete.json"} {
				if err := s.bucket.Bucket.Delete(t.Context(), o); err != nil {
					t.Fatal(err)
				}
			}
			gone.mustGive()
			if got := s.objects(); !slices.Equal(got, whole) {
				t.Errorf("there are %q, want %q", got, whole)
			}
			third := s.start("")
			third.adopts()
			s.once()
			s.empty()
			if err := a.Look(t.Context()); err != nil || len(a.Refused()) != 0 {
				t.Errorf("still refused: %v, %v", a.Refused(), err)
			}
		})
	}
}

// TestMendedByHand: where neither object nor volume is whole, what can be read of
// the objects is handed over again, as docs/growing.md says.
func TestMendedByHand(t *testing.T) {
	s := newService(t)
	gone := s.start("")
	gone.collects(100)
	h := gone.mustGive()
	gone.end()
	if len(h.Segments) < 4 {
		t.Fatalf("%d segments", len(h.Segments))
	}
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "spool"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i, object := range s.objects() { // segments come first
		r, err := s.bucket.Get(t.Context(), object)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		switch i {
		case 1: // a bit is turned in one
			b[len(b)/2] ^= 1
		case 2: // and another is cut off
			b = b[:len(b)/2]
		}
		if err := s.bucket.Bucket.Put(t.Context(), object, bytes.NewReader(b), int64(len(b))); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "spool", filepath.Base(object)), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	a := s.start("").adopter()
	if err := a.Look(t.Context()); err != nil || len(a.Refused()) != 1 {
		t.Fatalf("refused: %v, %v", a.Refused(), err)
	}
	mended := s.start(dir)
	again := mended.mustGive()
	lost := h.Records() - again.Records()
	if lost < 2 || lost > 20 || again.Name() != h.Name() {
		t.Errorf("%d records of %d are lost", lost, h.Records())
	}
	mended.end()
	if err := a.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.empty()
	if n := int64(len(s.counts())); n != again.Records() {
		t.Errorf("%d events are counted of %d that can be read", n, again.Records())
	}
}

// TestLaterOneHasIt: a hand-over that is refused is of no use any more when a
// later one of the same spool has it all.
func TestLaterOneHasIt(t *testing.T) {
	s := newService(t)
	gone := s.start("")
	gone.collects(100)
	h := gone.mustGive()
	if err := s.bucket.Bucket.Delete(t.Context(), "spool/"+h.Name()+"/"+h.Segments[0].File); err != nil {
		t.Fatal(err)
	}
	gone.end()
	gone = s.start(gone.dir)
	gone.collects(50)
	gone.mustGive()
	gone.end()
	other := s.start("")
	a := other.adopter()
	for range 3 {
		if err := a.Look(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	s.once()
	s.empty()
}

// TestDamagedVolume: what the disk had lost before is handed over as it is; the
// rest is counted, and the damage is set aside where it is adopted.
func TestDamagedVolume(t *testing.T) {
	s := newService(t)
	gone := s.start("")
	gone.collects(100)
	segments, err := filepath.Glob(filepath.Join(gone.dir, "spool", "*.seg"))
	if err != nil || len(segments) < 3 {
		t.Fatal(segments, err)
	}
	f, err := os.OpenFile(segments[1], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("damage"), 1000); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	h := gone.mustGive()
	if h.Records() != 99 {
		t.Errorf("%d of 100 records are whole, one is damaged", h.Records())
	}
	gone.end()
	other := s.start("")
	other.adopts()
	s.empty()
	if n := len(s.counts()); n != 99 {
		t.Errorf("%d events are counted", n)
	}
	aside, err := filepath.Glob(filepath.Join(other.dir, "spool", "bad", h.Spool+"-*.bin"))
	if err != nil || len(aside) != 1 {
		t.Errorf("set aside are %v, %v", aside, err)
	}
	if !strings.Contains(s.log.String(), "acknowledged hits are lost") {
		t.Error("nothing is said of it")
	}
}

// TestBackOnItsVolume: a replica that is back loads what it handed over from its
// own disk; nobody else does meanwhile, and then it is deleted.
func TestBackOnItsVolume(t *testing.T) {
	s := newService(t)
	gone := s.start("")
	gone.collects(100)
	gone.mustGive()
	gone.end()
	back, other := s.start(gone.dir), s.start("")
	back.collects(20)
	var got []string
	s.bucket.before = func(op, name string) error {
		if op == "get" && strings.HasSuffix(name, ".seg") {
			got = append(got, name)
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	a := back.adopter(func(o *handover.Options) { o.Every = 100 * time.Millisecond })
	if err := a.Look(ctx); err != nil {
		t.Fatal(err)
	}
	other.adopts()
	if len(got) > 0 || len(s.counts()) > 0 {
		t.Errorf("%q were read, %d events are stored", got, len(s.counts()))
	}
	if w := a.Waiting(); len(w) != 1 {
		t.Errorf("%v wait", w)
	}
	back.loadsAll()
	done := make(chan error)
	go func() { done <- a.Run(ctx) }()
	for begun := time.Now(); len(s.objects()) > 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 20*time.Second {
			t.Fatalf("left are %q", s.objects())
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if len(got) > 0 {
		t.Errorf("%q were read", got)
	}
	s.once()
}

// TestLetsGo: a replica that leaves gives back the lease that kept others from
// what is on its disk, too.
func TestLetsGo(t *testing.T) {
	s := newService(t)
	gone := s.start("")
	gone.collects(100)
	gone.mustGive()
	gone.end()
	back, other := s.start(gone.dir), s.start("")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a := back.adopter(func(o *handover.Options) { o.Every = time.Hour })
	if err := a.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	other.adopts()
	if len(s.counts()) > 0 {
		t.Error("another adopted what is on this one's disk")
	}
	if err := a.Run(ctx); err != nil {
		t.Fatal(err)
	}
	back.end()
	other.adopts()
	s.once()
	s.empty()
}

// TestStoreAway: while the store is away nobody holds a lease, and what waits is
// known.
func TestStoreAway(t *testing.T) {
	s := newService(t)
	gone := s.start("")
	gone.collects(100)
	gone.mustGive()
	gone.end()
	s.store.isAway(errors.New("the store is away"))
	r := s.start("")
	reg := prometheus.NewRegistry()
	a := r.adopter(func(o *handover.Options) { o.Metrics = reg })
	if err := a.Look(t.Context()); err == nil || !strings.Contains(err.Error(), "is away") {
		t.Errorf("got %v", err)
	}
	if w := a.Waiting(); len(w) != 1 || w[0].Records() != 100 || a.Behind() <= 0 || gathered(t, reg, "moonbear_handover_waiting_records") != 100 {
		t.Errorf("%v wait", w)
	}
	var held int
	if err := s.db.Bun().NewRaw("select count(*) from leases").Scan(t.Context(), &held); err != nil || held != 0 {
		t.Errorf("%d leases are held, %v", held, err)
	}
	s.store.isAway(nil)
	if err := a.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.once()
	s.empty()
	if err := s.db.Bun().NewRaw("select count(*) from leases").Scan(t.Context(), &held); err != nil || held != 0 {
		t.Errorf("%d leases are held, %v", held, err)
	}
}

// TestLooksOnly: a process that adopts nothing knows what waits.
func TestLooksOnly(t *testing.T) {
	s := newService(t)
	gone := s.start("")
	gone.collects(100)
	gone.mustGive()
	r := s.start("")
	a := r.adopter(func(o *handover.Options) { o.LooksOnly = true })
	if err := a.Look(t.Context()); err != nil || len(a.Waiting()) != 1 || len(s.counts()) != 0 {
		t.Errorf("%v wait, %d are stored, %v", a.Waiting(), len(s.counts()), err)
	}
	held := s.start("").adopter(func(o *handover.Options) { o.Hold = func() (func(), bool) { return nil, false } })
	if err := held.Look(t.Context()); err != nil || len(s.counts()) != 0 {
		t.Errorf("the store was written to although it stands still: %d, %v", len(s.counts()), err)
	}
}

// TestStorageAway: a bucket that fails for a while is tried again; for longer
// than there is patience it is said.
func TestStorageAway(t *testing.T) {
	s := newService(t)
	r := s.start("")
	r.collects(50)
	ill := errors.New("the bucket is ill")
	fails := 3
	s.bucket.before = func(op, _ string) error {
		if op == "put" && fails > 0 {
			fails--
			return ill
		}
		return nil
	}
	give := func(patience time.Duration) error {
		_, err := handover.Give(t.Context(), handover.Giving{Bucket: s.bucket, Spool: r.spool, Patience: patience, Log: s.logger()})
		return err
	}
	if err := give(0); !errors.Is(err, ill) {
		t.Errorf("without patience: %v", err)
	}
	if err := give(20 * time.Second); err != nil {
		t.Errorf("with patience: %v", err)
	}
	fails = 1 << 30
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := handover.Give(ctx, handover.Giving{Bucket: s.bucket, Spool: r.spool, Patience: time.Hour, Log: s.logger()}); !errors.Is(err, ill) {
		t.Errorf("broken off: %v", err)
	}
}

// TestAnyOrder does everything there is in a random order, with a kill now and
// then, and each event is stored once in the end.
func TestAnyOrder(t *testing.T) {
	seeds := uint64(2)
	if os.Getenv("TEST_LONG") != "" {
		seeds = 20
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { anyOrder(t, seed) })
	}
}

func anyOrder(t *testing.T, seed uint64) {
	s, r := newService(t), randomly(seed)
	running := []*replica{s.start(""), s.start(""), s.start("")}
	var volumes []string // of replicas that are gone
	maybeKilled := func(f func()) (dead bool) {
		if r.IntN(3) > 0 {
			f()
			return false
		}
		at := r.IntN(8)
		die := func() {
			if at--; at < 0 {
				panic(killed{})
			}
		}
		s.bucket.before = func(string, string) error { die(); return nil }
		step := func(int) error { die(); return nil }
		s.store.hook(step, step)
		defer func() { s.bucket.before = nil; s.store.hook(nil, nil) }()
		return dies(f)
	}
	for range 60 {
		i := r.IntN(len(running))
		p := running[i]
		switch r.IntN(8) {
		case 0, 1, 2:
			p.collects(r.IntN(40))
		case 3:
			p.loads(1 + r.IntN(3))
		case 4: // it leaves, and its volume may be used again
			whole := !maybeKilled(func() { p.mustGive() })
			p.end()
			running[i] = s.start("")
			if !whole || r.IntN(2) == 0 {
				volumes = append(volumes, p.dir)
			}
		case 5, 6:
			if maybeKilled(p.adopts) {
				p.end()
				running[i] = s.start(p.dir)
			}
		case 7:
			if len(volumes) > 0 {
				p.mustGive()
				p.end()
				v := r.IntN(len(volumes))
				running[i] = s.start(volumes[v])
				volumes = slices.Delete(volumes, v, v+1)
			}
		}
	}
	for _, v := range volumes { // as a job does that mounts them
		p := s.start(v)
		p.mustGive()
		p.end()
	}
	for _, p := range running {
		p.loadsAll()
	}
	for begun := time.Now(); len(s.objects()) > 0; time.Sleep(20 * time.Millisecond) {
		for _, p := range running {
			p.adopts()
		}
		if time.Since(begun) > 30*time.Second {
			t.Fatalf("left are %q\n%s", s.objects(), s.log)
		}
	}
	s.once()
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("the log has an error:\n%s", s.log)
	}
}

// FuzzMarker: whatever stands in a marker, a hand-over is read as its name says
// or not at all.
func FuzzMarker(f *testing.F) {
	good, err := json.Marshal(handover.HandOver{
		Version: 1, Spool: "ab", From: 5, To: 20,
		Segments: []handover.Segment{
			{File: "00000000000000000000.seg", From: 0, To: 10, Size: 74, SHA256: strings.Repeat("0a", 32)},
			{File: "00000000000000000010.seg", From: 10, To: 20, Size: 74, SHA256: strings.Repeat("0a", 32)},
		},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"to":10`), []byte(`"to":15`), 1))
	f.Add([]byte(`{"version":1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := handover.Parse("ab/00000000000000000020", b)
		if err != nil {
			return
		}
		if h.Name() != "ab/00000000000000000020" || h.From >= h.To || h.Bytes() <= 0 {
			t.Errorf("%+v", h)
		}
		for i, s := range h.Segments {
			if s.File != fmt.Sprintf("%020d.seg", s.From) || s.From >= s.To || i > 0 && s.From < h.Segments[i-1].To {
				t.Errorf("%+v", s)
			}
		}
	})
}
