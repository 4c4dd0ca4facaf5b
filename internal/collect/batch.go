package collect

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/kv"
)

// The limits of a batch.
const (
	maxBatch       = 4 << 20 // bytes of its body
	maxBatchEvents = 1000
	maxAge         = 24 * time.Hour
	// maxSkew is how far a timestamp may be ahead of the server's clock.
	maxSkew = 5 * time.Minute
	// fresh is how old a timestamp may be and still be taken for now: servers
	// send what happened every few seconds, and stamp it. What is older forms
	// visits only within its batch, because the visits of its time are gone.
	fresh = time.Minute
	// maxKey bounds an Idempotency-Key, bytes.
	maxKey = 255
)

// Faults of a batch as a whole.
var (
	errBatchTooLarge = fault.New(fault.Invalid, "The body is too large: a batch has at most 4 MiB. Send fewer events at once.")
	errEventTooLarge = fault.New(fault.Invalid, "It is too large: an event, its properties included, has at most 16 KiB.")
	errBatchCount    = fault.Field("events", "events: a batch is a list of 1 to 1,000 events.")
	errKeyLength     = fault.New(fault.Invalid, "Idempotency-Key: it has at most 255 bytes.")
	errKeyMismatch   = fault.New(fault.Mismatch, "Idempotency-Key: another body was sent with this key in the last 24 hours. A new batch takes a new key.")
)

// Events takes events from a server, whose token may write them. The body is
// one event, a list of them, or
//
//	{"site_id": "k3TdV9xQ2mA", "events": [{"event": "signup", "url": "https://…", "timestamp": "2026-11-22T10:00:00Z", "visitor_id": "u-1"}, …]}
//
// with the fields of our own dialect, and no others: a misspelt visitor_id
// would make events of nobody for months. All of them are taken or none is;
// those judged to be bots and the like are counted as dropped then. With an
// Idempotency-Key the same batch is stored once in 24 hours, however often it
// is sent.
//
// admit is told how many events there are before any is judged; its error is
// returned. Every other error is a fault, or an UnknownField in one.
func (c *Collector) Events(r *http.Request, token TokenFacts, admit func(events int) error) (received int, err error) {
	start := c.now()
	n, err := c.takeBatch(r, &token, admit, start)
	c.metrics.took(routeBatch, c.now().Sub(start))
	if f := c.faultOf(r, err); f != nil {
		if u, ok := errors.AsType[*UnknownField](err); ok {
			return 0, u
		}
		return 0, f
	}
	return n, nil
}

// takeBatch says how many events the batch had.
func (c *Collector) takeBatch(r *http.Request, token *TokenFacts, admit func(events int) error, now time.Time) (n int, err error) {
	body, err := readBatchBody(r)
	if err != nil {
		return 0, err
	}
	batch, err := parseBatch(body)
	if err != nil {
		return 0, err
	}
	if err := admit(len(batch)); err != nil {
		return 0, err
	}
	key, err := batchKey(r.Header.Get("Idempotency-Key"), token.ID, body, now)
	if err != nil {
		return 0, err
	}
	if key == nil {
		return len(batch), c.storeBatch(r.Context(), batch, token, nil, now)
	}
	switch claim, err := c.keys.Claim(r.Context(), key.Key, key.Body, key.Time); {
	case err != nil:
		return 0, err
	case claim == kv.Mismatch:
		return 0, errKeyMismatch
	case claim == kv.Stored:
		return len(batch), nil
	}
	// The client may leave while its batch is being stored; the key must not
	// be left claimed for that.
	ctx := context.WithoutCancel(r.Context())
	if err := c.storeBatch(ctx, batch, token, key, now); err != nil {
		return 0, errors.Join(err, c.keys.Release(ctx, key.Key))
	}
	return len(batch), c.keys.Keep(ctx, key.Key)
}

// storeBatch judges all events, then makes those that are kept durable in one
// record, in the order of their times.
func (c *Collector) storeBatch(ctx context.Context, batch []message, token *TokenFacts, key *event.Key, now time.Time) error {
	local := kv.NewMemory(64 * maxBatchEvents)
	all := make([]hit, len(batch))
	kept := make([]*hit, 0, len(batch))
	dropped := map[*hit]*drop{}
	for i := range all {
		h := &all[i]
		*h = hit{message: batch[i], batch: true, trusted: token, local: local}
		err := h.putTime(now)
		if err == nil {
			err = c.judge(ctx, h, steps)
		}
		if d, ok := errors.AsType[*drop](err); ok && d.err != nil {
			for range batch { // it refuses them all: none is stored
				c.drop(h, d)
			}
		}
		if kept, err = sift(kept, dropped, h, err); err != nil {
			if f, ok := fault.From(err); ok && h.siteAbove && f.Field == h.siteField() {
				return err // named once for all of them
			}
			return inBatch(err, i, len(batch))
		}
	}
	slices.SortStableFunc(kept, func(a, b *hit) int { return int(max(-1, min(1, a.now-b.now))) })
	if key != nil {
		key.Site = all[0].site.ID
	}
	events := make([]event.Event, 0, len(kept))
	for _, h := range kept {
		err := c.judge(ctx, h, finally)
		if err == nil {
			h.event.Entry, err = event.DecodeEntry(h.entry)
			events = append(events, h.event)
		}
		if _, err = sift(nil, dropped, h, err); err != nil {
			return err
		}
	}
	if len(events) > 0 || key != nil {
		if err := c.store(ctx, event.AppendBatch(nil, key, events)); err != nil {
			if f, ok := fault.From(err); ok && f.Kind == fault.TooLarge {
				return errBatchTooLarge
			}
			return err
		}
	}
	for h, d := range dropped { // only now: a batch that is refused is sent again
		c.drop(h, d)
		c.metrics.answered(http.StatusAccepted)
	}
	c.metrics.stored.Add(float64(len(events)))
	return nil
}

// sift puts a judged hit among the kept or the dropped, or returns its fault.
func sift(kept []*hit, dropped map[*hit]*drop, h *hit, err error) ([]*hit, error) {
	if err == nil {
		return append(kept, h), nil
	}
	if d, ok := errors.AsType[*drop](err); ok && d.err == nil {
		dropped[h] = d
		return kept, nil
	} else if ok {
		return kept, d.err
	}
	return kept, err
}

// inBatch says which event of a batch a fault is about.
func inBatch(err error, i, n int) error {
	f, ok := fault.From(err)
	if !ok || n == 1 || f.Kind == fault.Unavailable {
		return err
	}
	at := "events[" + strconv.Itoa(i) + "]"
	in := &fault.Fault{Kind: f.Kind, Field: at, Message: at + ": " + f.Message, RetryAfter: f.RetryAfter}
	if f.Field != "" {
		in.Field += "." + f.Field
	}
	if u, ok := errors.AsType[*UnknownField](err); ok {
		return &UnknownField{Fault: in, Name: u.Name}
	}
	return in
}

// UnknownField is a fault about a field that events don't have. Who knows all
// that they have may say which one was meant.
type UnknownField struct {
	*fault.Fault
	Name string
}

func (u *UnknownField) Unwrap() error { return u.Fault }

// batchKey makes the durable form of an idempotency key; nil when there is
// none. Keys of different tokens are different keys.
func batchKey(key string, token int64, body string, now time.Time) (*event.Key, error) {
	if key == "" {
		return nil, nil
	}
	if len(key) > maxKey {
		return nil, errKeyLength
	}
	k := &event.Key{Time: now.UnixMilli()}
	sum := sha256.Sum256(append(binary.LittleEndian.AppendUint64(nil, uint64(token)), key...))
	copy(k.Key[:], sum[:])
	sum = sha256.Sum256([]byte(body))
	copy(k.Body[:], sum[:])
	return k, nil
}

func readBatchBody(r *http.Request) (string, error) {
	if r.ContentLength > maxBatch {
		return "", errBatchTooLarge
	}
	var b strings.Builder
	b.Grow(int(max(r.ContentLength, 0)))
	n, err := io.Copy(&b, io.LimitReader(r.Body, maxBatch+1))
	switch {
	case err != nil:
		return "", fault.New(fault.Invalid, "The body did not arrive whole.")
	case n > maxBatch:
		return "", errBatchTooLarge
	}
	return b.String(), nil
}

// parseBatch reads the three forms of a batch.
func parseBatch(body string) ([]message, error) {
	if strings.HasPrefix(strings.TrimLeft(body, " \t\r\n"), "[") {
		return parseList(body, message{})
	}
	var one message
	var list value
	wrapped, other := false, ""
	err := read(body, func(key string, v value) error {
		switch key {
		case "events":
			list, wrapped = v, true
			return nil
		case "pid", "site", "site_id":
		default:
			other = key
		}
		return one.setBatch(key, v)
	})
	switch {
	case err != nil:
		return nil, err
	case !wrapped && len(body) > maxHit:
		return nil, errEventTooLarge
	case !wrapped:
		return []message{one}, nil
	case list.kind != array:
		return nil, wrong("events", "a list of events", list)
	case other != "":
		return nil, fault.Field(other, other+": beside events there is site_id only; it belongs into each event.")
	}
	return parseList(list.text, message{siteID: one.siteID, siteKey: one.siteKey, siteAbove: one.siteID != ""})
}

// parseList reads a list of events, each made from the same beginning.
func parseList(list string, from message) ([]message, error) {
	var all []message
	d := decoder{s: list}
	first := true
	for d.open('['); d.more(&first, ']'); {
		v := d.value(1)
		if d.err != nil {
			break
		}
		i := len(all)
		if i == maxBatchEvents {
			return nil, errBatchCount
		}
		m := from
		var err error
		switch {
		case v.kind != object:
			err = wrong("events["+strconv.Itoa(i)+"]", "an object", v)
		case len(v.text) > maxHit:
			err = inBatch(errEventTooLarge, i, 0)
		default:
			err = inBatch(read(v.text, m.setBatch), i, 0)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	d.end()
	if d.err != nil {
		return nil, notJSON(d.err)
	}
	if len(all) == 0 {
		return nil, errBatchCount
	}
	return all, nil
}

func (m *message) setBatch(key string, v value) error {
	switch key {
	case "timestamp":
		m.timestamp = v
		return nil
	case "visitor_id":
		if v.kind == number {
			v.kind = text
		}
		return setText(&m.visitorID, key, v)
	case "pid", "site", "site_id":
		m.siteAbove = false
	}
	err := m.setMoonbear(key, v)
	if errors.Is(err, errUnknownField) {
		name := cut(tidy(key), 64)
		return &UnknownField{Fault: fault.Field(name, fmt.Sprintf("there is no field %q.", name)), Name: name}
	}
	return err
}

// putTime decides when a batch's event happened. It is not among the steps
// because a hit from a browser has no say in it.
func (h *hit) putTime(now time.Time) error {
	h.live, h.now = true, now.UnixMilli()
	if h.timestamp.kind == null {
		return nil
	}
	at, err := parseTimestamp(h.timestamp)
	if err != nil {
		return err
	}
	age := now.Sub(at)
	switch {
	case age > maxAge:
		return fault.Field("timestamp", "timestamp: it must be at most 24 hours old. Older events come in by import.")
	case age < -maxSkew:
		return fault.Field("timestamp", "timestamp: it must not be in the future; the server's clock says "+now.UTC().Format(time.RFC3339)+".")
	}
	h.now = min(h.now, at.UnixMilli())
	h.live = age <= fresh
	return nil
}

// parseTimestamp reads RFC 3339, or Unix time in seconds or milliseconds.
func parseTimestamp(v value) (time.Time, error) {
	switch v.kind {
	case text:
		if t, err := time.Parse(time.RFC3339Nano, strings.TrimSpace(v.text)); err == nil {
			return t, nil
		}
	case number:
		// In seconds, 1e11 is the year 5138; in milliseconds, March 1973.
		if f, err := strconv.ParseFloat(v.text, 64); err == nil && f >= 0 && f < 1e14 {
			if f < 1e11 {
				f *= 1000
			}
			return time.UnixMilli(int64(f)), nil
		}
	}
	return time.Time{}, fault.Field("timestamp", "timestamp: it must be RFC 3339, such as 2026-11-22T10:00:00Z, or Unix time in seconds or milliseconds.")
}
