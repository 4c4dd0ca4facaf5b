// Package kv keeps short-lived state that every replica of one service must
// agree on: the visits that are open, the batches that were stored, and how
// often somebody came.
//
// Memory serves a single process, kv/redis several. What an engine must do is
// written down as tests, in kvtest.
package kv

import (
	"context"
	"time"
)

// VisitTimeout ends a visit: its events are less than this apart. Thirty
// minutes is what every other tool uses; changing it changes every customer's
// history, so it isn't an option.
const VisitTimeout = 30 * time.Minute

// Retention is how long a visit is remembered after its last event. It is more
// than VisitTimeout because a page that is closed hours later still tells how
// long it was read, and that joins the visitor's latest visit.
const Retention = 6 * time.Hour

// VisitKey is a visitor of a site. The zero VisitKey is nobody.
type VisitKey struct{ Site, Visitor int64 }

// Visit is a visitor's latest visit. Times are Unix milliseconds.
type Visit struct {
	ID    int64
	Start int64 // its first event
	Last  int64 // its last event
	// Origin is a hash of the campaign and external source that opened it.
	Origin uint64
	// Entry is what event.AppendEntry made of its facts. Whoever is given a
	// Visit must not change these bytes.
	Entry []byte
}

// Visits knows the latest visit of each visitor.
type Visits interface {
	// Join adds an event, now, to the visitor's open visit, or opens fresh.
	//
	// The visit of key is looked at, or when there is none, the visit of
	// previous (the same visitor under yesterday's salt), which then moves to
	// key. It is open when its last event is less than VisitTimeout away from
	// now; an external arrival from another Origin than its own ends it too.
	//
	// The visit returned has the event's time as Last: now, or a millisecond
	// after the visit's last event if that is later, so that the events of one
	// visit never tie. A fresh visit starts at now. All of it is one atomic
	// step. fresh.Entry is copied if it is kept.
	Join(ctx context.Context, key, previous VisitKey, fresh Visit, now int64, external bool) (v Visit, opened bool, err error)

	// Latest finds the visitor's latest visit, under either key, if it had an
	// event at or after since.
	Latest(ctx context.Context, key, previous VisitKey, since int64) (v Visit, ok bool, err error)
}

// KeyRetention is how long a batch's idempotency key is kept.
const KeyRetention = 24 * time.Hour

// Claim is what became of a wish to store a batch under a key.
type Claim int

// The outcomes of a claim.
const (
	Claimed  Claim = iota // store it, then call Keep or Release
	Stored                // the same batch was stored already
	Mismatch              // another batch was stored under this key
)

// Keys remembers which batches were stored, by idempotency key.
type Keys interface {
	// Claim takes key for a batch whose body hashes to body. While somebody
	// else holds the key for the same body it waits for the outcome. now is in
	// Unix milliseconds.
	Claim(ctx context.Context, key, body [16]byte, now int64) (Claim, error)
	// Keep says that the batch of a claimed key is durable.
	Keep(ctx context.Context, key [16]byte) error
	// Release says that the batch of a claimed key was not stored.
	Release(ctx context.Context, key [16]byte) error
}

// LimitKey is somebody who is held to a limit.
type LimitKey struct {
	Of  string   // what is limited: one of a few constants
	Who [16]byte // an address, or a hash
}

// Rate lets somebody come Burst times at once, and then once more each Every.
type Rate struct {
	Every time.Duration
	Burst int
}

// Limits slows down who comes too often. It never fails: an engine that can't
// reach what it shares counts for itself.
type Limits interface {
	// Take counts one more of key. When that is too many it isn't counted, and
	// wait says when to come again.
	Take(ctx context.Context, key LimitKey, r Rate, now time.Time) (wait time.Duration)
	// Count counts n of key in the window of width that now is in (they follow
	// each other from the zero time on), all or none; max is what a window
	// holds, and left what it holds after this.
	Count(ctx context.Context, key LimitKey, n, max int, width time.Duration, now time.Time) (left int, ok bool)
	// Forget lets a key of Take start over.
	Forget(ctx context.Context, key LimitKey)
}
