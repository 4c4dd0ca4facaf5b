package collect

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/site"
)

// maxHit bounds a hit, bytes of its body.
const maxHit = 16 << 10

// Faults of a hit as a whole.
var (
	errHitTooLarge  = fault.New(fault.Invalid, "The body is too large: a hit, its properties included, has at most 16 KiB.")
	errSitesUnknown = &fault.Fault{Kind: fault.Unavailable, Message: "The list of sites is not known yet. Try again in a moment.", RetryAfter: 2 * time.Second}
	errNoToken      = fault.New(fault.Unauthorized, "Send an API token that may write events: \"Authorization: Bearer TOKEN\".")
	errMayNotWrite  = fault.New(fault.Forbidden, "This API token may not write events.")
	errMethod       = fault.New(http.StatusMethodNotAllowed, "Send hits with POST.")
	errUnavailable  = &fault.Fault{Kind: fault.Unavailable, Message: "The server cannot take hits right now. Try again later.", RetryAfter: 5 * time.Second}
)

// Hit takes one hit in our own dialect, which is also that of Panelbear's
// client: POST /event. 202 without a body once it is on disk; 400, 401, 402,
// 404, 429 and 503 with {"message": "…"}.
func (c *Collector) Hit(w http.ResponseWriter, r *http.Request) {
	if c.options(w, r) {
		return
	}
	start := c.now()
	err := c.take(r, start, readMoonbear)
	c.answer(w, r, err, nil)
	c.metrics.took(routeEvent, c.now().Sub(start))
}

// PlausibleHit takes one hit as Plausible's scripts send it: POST /api/event.
// They expect "ok".
func (c *Collector) PlausibleHit(w http.ResponseWriter, r *http.Request) {
	if c.options(w, r) {
		return
	}
	start := c.now()
	err := c.take(r, start, readPlausible)
	c.answer(w, r, err, plausibleOK)
	c.metrics.took(routePlausible, c.now().Sub(start))
}

// plausibleOK is what Plausible's server answers.
var plausibleOK = []byte("ok")

// take judges one hit and makes it durable.
func (c *Collector) take(r *http.Request, now time.Time, dialect func(body string, m *message) error) error {
	ip := c.client(r)
	if err := c.admit(r, ip, now); err != nil {
		return err
	}
	h := hits.Get().(*hit)
	defer h.recycle()
	body, err := h.readBody(r)
	if err != nil {
		return err
	}
	if err := dialect(body, &h.message); err != nil {
		return err
	}
	h.live, h.now = true, now.UnixMilli()
	h.ip, h.ua = ip, r.UserAgent()
	if h.language == "" {
		h.language = firstLanguage(r.Header.Get("Accept-Language"))
	}
	if h.trusted, err = c.believes(r, h); err != nil {
		return err
	}
	err = c.judge(r.Context(), h, steps)
	if err == nil {
		err = c.judge(r.Context(), h, finally)
	}
	if d, ok := errors.AsType[*drop](err); ok {
		c.drop(h, d)
	}
	if err != nil {
		return err
	}
	h.record = event.AppendEventWithEntry(h.record[:0], &h.event, h.entry)
	if err := c.store(r.Context(), h.record); err != nil {
		return err
	}
	c.metrics.stored.Inc()
	return nil
}

// admit holds a client to its rate and a request to POST.
func (c *Collector) admit(r *http.Request, client netip.Addr, now time.Time) error {
	if r.Method != http.MethodPost {
		return errMethod
	}
	if wait, ok := c.limit.take(r.Context(), client, now); !ok {
		return &fault.Fault{Kind: fault.TooMany, RetryAfter: wait,
			Message: "Too many hits came from this address. Send the next one later."}
	}
	return nil
}

// believes returns the token that makes a hit's overrides believed. Without a
// bearer they are not, and no error: the visitor's browser may have added
// anything. A bearer that is no good is one, or a server that sends hits for
// its visitors would take itself for all of them and never know.
func (c *Collector) believes(r *http.Request, h *hit) (*TokenFacts, error) {
	if h.overrideAgent == "" && h.overrideIP == "" && h.overrideCountry == "" {
		return nil, nil
	}
	if bearer(r) == "" {
		return nil, nil
	}
	return c.writer(r)
}

// writer returns the request's token, which may write events.
func (c *Collector) writer(r *http.Request) (*TokenFacts, error) {
	b := bearer(r)
	if b == "" || c.tokens == nil {
		return nil, errNoToken
	}
	t, err := c.tokens(r.Context(), b)
	if err != nil {
		return nil, err
	}
	if !t.Write {
		return nil, errMayNotWrite
	}
	return &t, nil
}

func (t *TokenFacts) covers(s *site.Site) bool {
	return t.Account == s.Account && (len(t.Sites) == 0 || slices.Contains(t.Sites, s.ID))
}

func bearer(r *http.Request) string {
	scheme, b, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(b)
}

// options answers a preflight, and sets what a cross-origin answer needs.
//
// The script is on other origins than the server, so every origin may send.
// sendBeacon with anything but a plain text, and fetch when a page asks for
// it, send in credentials mode "include"; to these "*" is no permission, and
// the browser would log an error about an answer that has nothing in it. So
// the origin that asks is named, and credentials are allowed: no cookie is
// looked at here. Headers are allowed as asked for, because monitoring tools
// add theirs (traceparent, baggage) to whatever a page sends.
func (c *Collector) options(w http.ResponseWriter, r *http.Request) (done bool) {
	h := w.Header()
	h["Cross-Origin-Resource-Policy"] = headerCross // or a page that isolates itself (COEP) logs an error
	if origin := r.Header["Origin"]; len(origin) > 0 {
		h["Access-Control-Allow-Origin"] = origin[:1]
		h["Access-Control-Allow-Credentials"] = headerTrue
		h["Vary"] = headerVary
	} else {
		h["Access-Control-Allow-Origin"] = headerAny
	}
	if r.Method != http.MethodOptions {
		return false
	}
	h["Access-Control-Allow-Methods"] = headerMethods
	if asked := r.Header["Access-Control-Request-Headers"]; len(asked) > 0 {
		h["Access-Control-Allow-Headers"] = asked
	}
	h["Access-Control-Max-Age"] = headerDay
	w.WriteHeader(http.StatusNoContent)
	return true
}

// Header values that never change, shared by all answers.
var (
	headerTrue    = []string{"true"}
	headerVary    = []string{"Origin"}
	headerAny     = []string{"*"}
	headerCross   = []string{"cross-origin"}
	headerMethods = []string{"POST, OPTIONS"}
	headerDay     = []string{"86400"}
	headerText    = []string{"text/plain; charset=utf-8"}
	headerJSON    = []string{"application/json"}
)

// answer writes 202 with body, or what err calls for.
func (c *Collector) answer(w http.ResponseWriter, r *http.Request, err error, body []byte) {
	if f := c.faultOf(r, err); f != nil {
		writeFault(w, f)
		return
	}
	if len(body) > 0 {
		w.Header()["Content-Type"] = headerText
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write(body) // a client that left has its hit stored all the same
}

// faultOf is what a sender is told of an error, nil of one that is answered as
// if the hit had been stored. What is no fault is logged and is the server's.
func (c *Collector) faultOf(r *http.Request, err error) *fault.Fault {
	if err == nil {
		return nil
	}
	if d, isDrop := errors.AsType[*drop](err); isDrop {
		if err = d.err; err == nil {
			c.metrics.answered(http.StatusAccepted)
			return nil
		}
	}
	f, known := fault.From(err)
	if !known {
		f = errUnavailable
		if r.Context().Err() == nil {
			c.warn(r.Context(), "a hit was not taken", err)
		}
	}
	c.metrics.answered(int(f.Kind))
	return f
}

func writeFault(w http.ResponseWriter, f *fault.Fault) {
	h := w.Header()
	h["Content-Type"] = headerJSON
	if f.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((f.RetryAfter+time.Second-1)/time.Second), 10))
	}
	switch f.Kind {
	case http.StatusMethodNotAllowed:
		h.Set("Allow", "POST, OPTIONS")
	case fault.Unauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="moonbear"`)
	}
	w.WriteHeader(int(f.Kind))
	_ = json.NewEncoder(w).Encode(map[string]string{"message": f.Message}) // nobody left to tell
}

// hits are used again: one is 2 KB, and its buffers more.
var hits = sync.Pool{New: func() any { return &hit{} }}

// recycle forgets everything but the buffers.
func (h *hit) recycle() {
	clear(h.props[:cap(h.props)])
	*h = hit{
		message:  message{props: h.props[:0]},
		clickIDs: h.clickIDs[:0],
		body:     h.body[:0], entry: h.entry[:0], record: h.record[:0],
	}
	hits.Put(h)
}

// readBody reads at most maxHit bytes.
func (h *hit) readBody(r *http.Request) (string, error) {
	if r.ContentLength > maxHit {
		return "", errHitTooLarge
	}
	if cap(h.body) == 0 {
		h.body = make([]byte, 0, 2048)
	}
	b := h.body[:0]
	for {
		if len(b) == cap(b) {
			b = slices.Grow(b, len(b))
		}
		n, err := r.Body.Read(b[len(b):min(cap(b), maxHit+1)])
		b = b[:len(b)+n]
		h.body = b
		switch {
		case len(b) > maxHit:
			return "", errHitTooLarge
		case errors.Is(err, io.EOF):
			return string(b), nil
		case err != nil:
			return "", fault.New(fault.Invalid, "The body did not arrive whole.")
		}
	}
}

// store is Append with a context that no client can end: what may be durable
// already must not be taken for lost because nobody waits any more.
func (c *Collector) store(ctx context.Context, record []byte) error {
	return c.spool.Append(context.WithoutCancel(ctx), record)
}
