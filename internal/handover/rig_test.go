package handover_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/blob"
	"moonbear/internal/blob/s3test"
	"moonbear/internal/db"
	"moonbear/internal/db/dbtest"
	"moonbear/internal/event"
	"moonbear/internal/event/clickhouse"
	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/event/duckdb"
	"moonbear/internal/handover"
	"moonbear/internal/job"
	"moonbear/internal/load"
	"moonbear/internal/spool"
)

// service is what replicas share.
type service struct {
	t      *testing.T
	bucket *bucket
	store  *store
	db     *db.DB
	log    *syncBuffer

	appended int // events, each of its own name
}

// newService is one on an embedded store and a directory, beside other tests'.
func newService(t *testing.T) *service {
	t.Helper()
	t.Parallel()
	return newServiceOn(t, duck(t), files(t))
}

func newServiceOn(t *testing.T, events event.Store, b blob.Bucket) *service {
	return &service{t: t, bucket: &bucket{Bucket: b}, store: &store{Store: events}, db: dbtest.New(t), log: &syncBuffer{}}
}

func duck(t *testing.T) event.Store {
	t.Helper()
	s, err := duckdb.Open(t.Context(), duckdb.Options{Path: filepath.Join(t.TempDir(), "events.duckdb"), Memory: 256 << 20})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func house(t *testing.T) event.Store {
	t.Helper()
	s, err := clickhouse.Open(t.Context(), clickhouse.Options{URL: chtest.Shared(t).Database(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func files(t *testing.T) blob.Bucket {
	t.Helper()
	b, err := blob.Open("file://"+t.TempDir(), blob.Keys{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func s3(t *testing.T) blob.Bucket {
	t.Helper()
	b, err := blob.Open(s3test.Start(t).URL("moonbear"), blob.Keys{ID: s3test.KeyID, Secret: s3test.Secret})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (s *service) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// replica is a process, with a volume that may outlive it.
type replica struct {
	s      *service
	dir    string
	spool  *spool.Spool
	loader *load.Loader
	end    func()
	leases *leases
}

// start starts a replica on a volume; "" is a new one. Nothing is loaded by itself.
func (s *service) start(dir string) *replica {
	s.t.Helper()
	if dir == "" {
		dir = s.t.TempDir()
	}
	sp, err := spool.Open(spool.Options{Dir: filepath.Join(dir, "spool"), SegmentBytes: 4 << 10, Log: s.logger()})
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() { ran <- sp.Run(ctx) }()
	r := &replica{s: s, dir: dir, spool: sp, leases: &leases{Leases: job.NewLeases(s.db, dir)}}
	r.loader = load.New(load.Options{Spool: sp, Store: s.store, Rows: 20, Log: s.logger()})
	r.end = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-ran, sp.Close()); err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(r.end)
	return r
}

// collects appends n events.
func (r *replica) collects(n int) {
	r.s.t.Helper()
	for range n {
		r.s.appended++
		record := event.AppendEvent(nil, &event.Event{Site: 1, Time: time.Now().UnixMilli(), Name: fmt.Sprintf("e%06d", r.s.appended), Path: strings.Repeat("x", 100)})
		if err := r.spool.Append(context.Background(), record); err != nil {
			r.s.t.Fatal(err)
		}
	}
}

// loads loads n batches of its own spool, or what there is.
func (r *replica) loads(n int) {
	r.s.t.Helper()
	end := r.spool.Durable()
	if r.position() == end {
		return
	}
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	r.s.store.hook(nil, func(int) error {
		if n--; n <= 0 || r.position() == end {
			leave()
		}
		return nil
	})
	defer r.s.store.hook(nil, nil)
	if err := r.loader.RunUntil(context.Background(), ctx); err != nil {
		r.s.t.Fatal(err)
	}
}

func (r *replica) loadsAll() {
	r.s.t.Helper()
	for r.position() < r.spool.Durable() {
		r.loads(1)
	}
}

func (r *replica) position() int64 {
	r.s.t.Helper()
	at, err := r.s.store.Loaded(context.Background(), r.spool.ID())
	if err != nil {
		r.s.t.Fatal(err)
	}
	return at
}

// gives stops the replica and hands over what it knows isn't loaded.
func (r *replica) gives() (handover.HandOver, error) {
	return handover.Give(context.Background(), handover.Giving{
		Bucket: r.s.bucket, Spool: r.spool, From: r.loader.Position(), By: "test", Log: r.s.logger(),
	})
}

func (r *replica) mustGive() handover.HandOver {
	r.s.t.Helper()
	h, err := r.gives()
	if err != nil {
		r.s.t.Fatal(err)
	}
	return h
}

const lease = 300 * time.Millisecond

func (r *replica) adopter(more ...func(*handover.Options)) *handover.Adopter {
	o := handover.Options{Bucket: r.s.bucket, Spool: r.spool, Loader: r.loader, Store: r.s.store, Leases: r.leases, Every: lease / 3, Lease: lease, Log: r.s.logger()}
	for _, m := range more {
		m(&o)
	}
	return handover.New(o)
}

// adopts looks once.
func (r *replica) adopts() {
	r.s.t.Helper()
	if err := r.adopter().Look(context.Background()); err != nil {
		r.s.t.Fatal(err)
	}
}

// once checks that each event is stored once, and none that wasn't appended.
func (s *service) once() {
	s.t.Helper()
	counts := s.counts()
	for i := 1; i <= s.appended; i++ {
		if n := counts[fmt.Sprintf("e%06d", i)]; n != 1 {
			s.t.Fatalf("event %d of %d is stored %d times", i, s.appended, n)
		}
	}
	if len(counts) != s.appended {
		s.t.Fatalf("%d events are stored, want %d", len(counts), s.appended)
	}
}

func (s *service) counts() map[string]int64 {
	s.t.Helper()
	rows, err := s.store.Store.Select(context.Background(), "select name, count(*) from events group by name")
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	counts := map[string]int64{}
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			s.t.Fatal(err)
		}
		counts[name] = n
	}
	if err := rows.Err(); err != nil {
		s.t.Fatal(err)
	}
	return counts
}

// objects lists what is in shared storage.
func (s *service) objects() (names []string) {
	s.t.Helper()
	list, err := s.bucket.Bucket.List(context.Background(), "")
	if err != nil {
		s.t.Fatal(err)
	}
	for _, o := range list {
		names = append(names, o.Name)
	}
	return names
}

func (s *service) empty() {
	s.t.Helper()
	if left := s.objects(); len(left) > 0 {
		s.t.Errorf("in shared storage are left: %q", left)
	}
}

// gathered is the value of a metric.
func gathered(t *testing.T, reg *prometheus.Registry, name string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			m := f.GetMetric()[0]
			return m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	t.Fatalf("there is no metric %s", name)
	return 0
}

// killed is what panics where a process is killed: nothing after it runs.
type killed struct{}

// dies says whether f was killed in its middle.
func dies(f func()) (dead bool) {
	defer func() {
		if x := recover(); x != nil {
			if _, ok := x.(killed); !ok {
				panic(x)
			}
			dead = true
		}
	}()
	f()
	return false
}

// bucket can be killed in, and counts.
type bucket struct {
	blob.Bucket
	before func(op, name string) error // nil: nothing
	puts   int
}

func (b *bucket) step(op, name string) error {
	if b.before == nil {
		return nil
	}
	return b.before(op, name)
}

func (b *bucket) Put(ctx context.Context, name string, r io.Reader, size int64) error {
	if err := b.step("put", name); err != nil {
		return err
	}
	b.puts++
	return b.Bucket.Put(ctx, name, r, size)
}

func (b *bucket) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	if err := b.step("get", name); err != nil {
		return nil, err
	}
	return b.Bucket.Get(ctx, name)
}

func (b *bucket) Delete(ctx context.Context, name string) error {
	if err := b.step("delete", name); err != nil {
		return err
	}
	return b.Bucket.Delete(ctx, name)
}

// store can be killed in and can be away.
type store struct {
	event.Store
	mu     sync.Mutex
	before func(append int) error
	after  func(append int) error
	n      int
	away   error
}

// hook has functions called with the number of each append, counted from 1; nil
// is none.
func (s *store) hook(before, after func(int) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before, s.after, s.n = before, after, 0
}

// isAway has it fail whatever is asked, until err is nil.
func (s *store) isAway(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.away = err
}

func (s *store) Append(ctx context.Context, b *event.Batch) error {
	s.mu.Lock()
	s.n++
	before, after, n, away := s.before, s.after, s.n, s.away
	s.mu.Unlock()
	if away != nil {
		return away
	}
	if before != nil {
		if err := before(n); err != nil {
			return err
		}
	}
	if err := s.Store.Append(ctx, b); err != nil {
		return err
	}
	if after != nil {
		return after(n)
	}
	return nil
}

func (s *store) Loaded(ctx context.Context, id string) (int64, error) {
	s.mu.Lock()
	away := s.away
	s.mu.Unlock()
	if away != nil {
		return 0, away
	}
	return s.Store.Loaded(ctx, id)
}

// leases of a process that was killed are given back by nobody.
type leases struct {
	handover.Leases
	mu   sync.Mutex
	dead bool
}

func (l *leases) die() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dead = true
}

var errDead = errors.New("this process is dead")

func (l *leases) alive() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.dead {
		return errDead
	}
	return nil
}

func (l *leases) Take(ctx context.Context, name string, lasts time.Duration) (bool, error) {
	if err := l.alive(); err != nil {
		return false, err
	}
	return l.Leases.Take(ctx, name, lasts)
}

func (l *leases) Release(ctx context.Context, name string) error {
	if err := l.alive(); err != nil {
		return err
	}
	return l.Leases.Release(ctx, name)
}

type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func randomly(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }
