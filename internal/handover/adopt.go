package handover

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/blob"
	"moonbear/internal/event"
	"moonbear/internal/load"
	"moonbear/internal/spool"
)

const (
	defaultEvery = time.Minute
	// defaultLease is how long after a kill another takes over. It is renewed
	// three times as often.
	defaultLease = time.Minute
	// again is when a hand-over that was refused is looked at anew.
	again = time.Hour
	// patience is how long the store or the bucket may fail before the lease is
	// given back, so that a replica which reaches them can have it.
	patience = 30 * time.Second
	// lastBatch is how long the batch under way may take at a stop.
	lastBatch = 10 * time.Second
)

// ErrCorrupt says that an object is not what was handed over. It is kept.
var ErrCorrupt = errors.New("the object is not what was handed over")

// Leases let one replica at a time adopt a spool.
type Leases interface {
	Take(ctx context.Context, name string, lasts time.Duration) (bool, error)
	Release(ctx context.Context, name string) error
}

// Options of an Adopter. Bucket, Spool, Loader, Store and Leases are needed.
type Options struct {
	Bucket blob.Bucket
	Spool  *spool.Spool // this process's own
	Loader *load.Loader // of it
	Store  event.Store
	Leases Leases
	// LooksOnly says that it adopts nothing, and only knows what waits.
	LooksOnly bool
	// Hold is asked before the store is written to; ok is false when that may not be now.
	Hold func() (release func(), ok bool)

	Every, Lease time.Duration // 0: a minute
	Log          *slog.Logger
	Metrics      prometheus.Registerer // nil: none
}

// Adopter loads what other processes handed over.
type Adopter struct {
	o       Options
	metrics *metrics

	mu      sync.Mutex
	waiting []HandOver
	refused map[string]refusal // by name

	kept map[string]bool // leases of this process's own spool
}

type refusal struct {
	of  time.Time // HandOver.At: one that is made anew is tried at once
	at  time.Time
	err error
}

// New makes an Adopter. Run does the work.
func New(o Options) *Adopter {
	o.Every, o.Lease = cmp.Or(o.Every, defaultEvery), cmp.Or(o.Lease, defaultLease)
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Hold == nil {
		o.Hold = func() (func(), bool) { return func() {}, true }
	}
	a := &Adopter{o: o, refused: map[string]refusal{}, kept: map[string]bool{}}
	a.metrics = newMetrics(o.Metrics, a)
	return a
}

// Run looks for hand-overs until ctx ends, and adopts them. The batch under way
// then is finished first.
func (a *Adopter) Run(ctx context.Context) error {
	for {
		if err := a.Look(ctx); err != nil && ctx.Err() == nil {
			a.o.Log.WarnContext(ctx, "what was handed over waits", "error", err)
		}
		// Not all replicas at the same time.
		pause := a.o.Every*3/4 + rand.N(a.o.Every/2)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			a.letGo(ctx)
			return nil
		}
	}
}

// letGo gives back what was only kept from others.
func (a *Adopter) letGo(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	for lease := range a.kept {
		_ = a.o.Leases.Release(ctx, lease) // or it ends by itself
	}
	clear(a.kept)
}

// Look finds out once what waits, and adopts it.
func (a *Adopter) Look(ctx context.Context) error {
	stored, err := List(ctx, a.o.Bucket)
	if err != nil {
		return err
	}
	a.note(ctx, stored)
	if a.o.LooksOnly {
		return nil
	}
	var errs []error
	for _, u := range stored.Unfinished {
		errs = append(errs, a.forget(ctx, u))
	}
	bySpool := map[string][]HandOver{}
	for _, h := range stored.Complete {
		bySpool[h.Spool] = append(bySpool[h.Spool], h)
	}
	for id, hs := range bySpool { // in any order, which is another in each replica
		slices.SortFunc(hs, func(x, y HandOver) int { return cmp.Compare(x.To, y.To) })
		if ctx.Err() == nil {
			errs = append(errs, a.adopt(ctx, id, hs))
		}
	}
	return errors.Join(errs...)
}

// note remembers what waits.
func (a *Adopter) note(ctx context.Context, s Stored) {
	for _, u := range s.Unreadable {
		a.refuse(ctx, HandOver{}, u.Name, u.Err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.waiting = s.Complete
	for name := range a.refused {
		if !slices.ContainsFunc(s.Complete, func(h HandOver) bool { return h.Name() == name }) &&
			!slices.ContainsFunc(s.Unreadable, func(u Unreadable) bool { return u.Name == name }) {
			delete(a.refused, name)
		}
	}
}

// forget removes a hand-over that was never finished, if the store has all it
// would have had.
func (a *Adopter) forget(ctx context.Context, u Unfinished) error {
	loaded, err := a.o.Store.Loaded(ctx, u.Spool)
	if err != nil || loaded < u.To {
		return err
	}
	a.o.Log.InfoContext(ctx, "a hand-over that was never finished is removed: all of it was loaded from its volume", "spool", u.Spool, "to", u.To)
	_, err = remove(ctx, a.o.Bucket, u.Name)
	return err
}

// adopt loads the hand-overs of one spool, unless another process does.
func (a *Adopter) adopt(ctx context.Context, id string, hs []HandOver) error {
	// A store that is away needs nobody to hold a lease.
	loaded, err := a.o.Store.Loaded(ctx, id)
	if err != nil {
		return err
	}
	hs = slices.DeleteFunc(hs, func(h HandOver) bool { return loaded < h.To && a.isRefused(h) })
	if len(hs) == 0 {
		return nil
	}
	lease := "adopt spool " + id
	if last := hs[len(hs)-1]; loaded < last.To && a.ours(last, loaded) {
		// It is on this process's own disk, whose loader is at it.
		a.kept[lease] = true
		_, err := a.o.Leases.Take(ctx, lease, 3*a.o.Every)
		return err
	}
	release, ok := a.o.Hold()
	if !ok {
		return nil
	}
	defer release()
	taken, err := a.o.Leases.Take(ctx, lease, a.o.Lease)
	if err != nil || !taken {
		return err
	}
	delete(a.kept, lease)
	leave, stop := a.renew(ctx, lease)
	defer stop()
	for _, h := range hs {
		err := a.load(leave, h)
		if errors.Is(err, ErrCorrupt) {
			a.refuse(ctx, h, h.Name(), err)
			return nil
		}
		if err != nil || leave.Err() != nil {
			return err
		}
	}
	return nil
}

// ours says whether this process's own spool still has what it handed over.
func (a *Adopter) ours(h HandOver, loaded int64) bool {
	return a.o.Spool.ID() == h.Spool && a.o.Spool.Opened() >= h.To && a.o.Spool.Oldest() <= max(h.From, loaded)
}

// renew prolongs a lease until stop, which gives it back. leave ends with ctx,
// or when the lease is lost.
func (a *Adopter) renew(ctx context.Context, lease string) (leave context.Context, stop func()) {
	leave, cancel := context.WithCancel(ctx)
	var renewing sync.WaitGroup
	renewing.Go(func() {
		tick := time.NewTicker(a.o.Lease / 3)
		defer tick.Stop()
		for held := time.Now(); ; {
			select {
			case <-leave.Done():
				return
			case now := <-tick.C:
				taken, err := a.o.Leases.Take(leave, lease, a.o.Lease)
				switch {
				case err == nil && taken:
					held = now
				case err == nil, now.Sub(held) > a.o.Lease*2/3:
					a.o.Log.WarnContext(ctx, "the lease of a spool is lost: another process may adopt it", "lease", lease, "error", err)
					cancel()
				}
			}
		}
	})
	return leave, func() {
		cancel()
		renewing.Wait()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := a.o.Leases.Release(ctx, lease); err != nil {
			a.o.Log.WarnContext(ctx, "a lease is not given back: it ends by itself", "lease", lease, "error", err)
		}
	}
}

// load loads a hand-over and deletes it. It ends after the batch under way when
// leave does.
func (a *Adopter) load(leave context.Context, h HandOver) error {
	begun := time.Now()
	ctx, cancel := lingering(leave, lastBatch)
	defer cancel()
	var bytes, records int64
	segments := 0
	for _, s := range h.Segments {
		loaded, err := a.o.Store.Loaded(ctx, h.Spool)
		if err != nil {
			return err
		}
		if loaded >= s.To {
			continue
		}
		if start := max(h.From, s.From); loaded < start && start > h.Begin {
			a.o.Log.ErrorContext(ctx, "the event store does not have all that was before a hand-over: the events between are in neither",
				"spool", h.Spool, "store", loaded, "hand_over", start, "bytes", start-loaded)
		}
		if err := a.loadSegment(ctx, leave, h, s); err != nil || leave.Err() != nil {
			return err
		}
		segments, bytes, records = segments+1, bytes+s.Size, records+s.Records
	}
	loaded, err := a.o.Store.Loaded(ctx, h.Spool)
	if err != nil {
		return err
	}
	if loaded < h.To {
		return fmt.Errorf("hand-over %s is loaded up to %d instead of %d", h.Name(), loaded, h.To)
	}
	there, err := remove(ctx, a.o.Bucket, h.Name())
	if err != nil {
		return err
	}
	a.mu.Lock()
	a.waiting = slices.DeleteFunc(slices.Clone(a.waiting), func(w HandOver) bool { return w.Name() == h.Name() })
	a.mu.Unlock()
	if !there { // another has said so
		return nil
	}
	a.metrics.adopted(segments, bytes, records)
	a.o.Log.InfoContext(ctx, "adopted: what another process handed over is in the event store", "spool", h.Spool, "by", h.By,
		"segments", segments, "bytes", bytes, "records", records, "to", h.To, "handed_over", h.At, "took", time.Since(begun))
	return nil
}

// lingering is a context that ends a while after another does.
func lingering(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(d, cancel) })
	return longer, func() { stop(); cancel() }
}

// loadSegment loads one segment, for as long as it gets on.
func (a *Adopter) loadSegment(ctx, leave context.Context, h HandOver, s Segment) error {
	contents, err := a.fetch(ctx, h, s)
	if err != nil {
		return err
	}
	c, err := a.o.Spool.OpenCopy(h.Spool, spool.Segment{From: s.From, To: s.To}, h.From, contents)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	progress, at := time.Now(), int64(-1)
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := a.o.Loader.Also(ctx, leave, c)
		if err == nil || leave.Err() != nil {
			return err
		}
		if now, asked := a.o.Store.Loaded(ctx, h.Spool); asked == nil && now > at {
			progress, at = time.Now(), now
		}
		if time.Since(progress) > patience {
			return err
		}
		select {
		case <-time.After(pause):
		case <-leave.Done():
			return nil
		}
	}
}

// fetch reads a segment and makes sure that it is what was handed over.
func (a *Adopter) fetch(ctx context.Context, h HandOver, s Segment) ([]byte, error) {
	b, err := get(ctx, a.o.Bucket, h.prefix()+s.File, s.Size)
	if errors.Is(err, blob.ErrNotFound) {
		if loaded, err := a.o.Store.Loaded(ctx, h.Spool); err != nil || loaded >= s.To {
			return nil, errors.Join(err, fmt.Errorf("segment %s of hand-over %s was adopted meanwhile", s.File, h.Name()))
		}
		return nil, fmt.Errorf("%w: segment %s isn't there", ErrCorrupt, s.File)
	}
	if err != nil {
		return nil, err
	}
	want, _ := hex.DecodeString(s.SHA256) // parse has seen that it can be
	if sum := sha256.Sum256(b); !bytes.Equal(sum[:], want) {
		return nil, fmt.Errorf("%w: segment %s has another checksum", ErrCorrupt, s.File)
	}
	return b, nil
}

// refuse says that a hand-over can't be adopted, and leaves it for a while.
func (a *Adopter) refuse(ctx context.Context, h HandOver, name string, err error) {
	a.mu.Lock()
	was, known := a.refused[name]
	fresh := !known || !was.of.Equal(h.At) || time.Since(was.at) > again
	if fresh {
		a.refused[name] = refusal{h.At, time.Now(), err}
	}
	a.mu.Unlock()
	if fresh {
		a.o.Log.ErrorContext(ctx, "a hand-over is refused and kept: acknowledged hits in it are not counted until it is mended (docs/growing.md)",
			"hand_over", name, "in", a.o.Bucket.Address(), "error", err)
	}
}

func (a *Adopter) isRefused(h HandOver) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	r, known := a.refused[h.Name()]
	return known && r.of.Equal(h.At) && time.Since(r.at) < again
}

// Waiting lists the hand-overs that wait to be adopted, as of the last look.
func (a *Adopter) Waiting() []HandOver {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(a.waiting), func(h HandOver) bool {
		_, refused := a.refused[h.Name()]
		return refused
	})
}

// Refused says of the hand-overs that nobody can adopt why.
func (a *Adopter) Refused() map[string]error {
	a.mu.Lock()
	defer a.mu.Unlock()
	errs := make(map[string]error, len(a.refused))
	for name, r := range a.refused {
		errs[name] = r.err
	}
	return errs
}

// Behind is how old the oldest record is that waits to be adopted.
func (a *Adopter) Behind() (age time.Duration) {
	for _, h := range a.Waiting() {
		age = max(age, time.Since(h.Since))
	}
	return age
}
