package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/a-h/templ"

	"moonbear/internal/account"
	"moonbear/internal/fault"
	"moonbear/internal/web/html"
)

// fragmentHeader marks a request of our own script for a part of a page.
const fragmentHeader = "Moonbear-Fragment"

func wantsFragment(r *http.Request) bool { return r.Header.Get(fragmentHeader) != "" }

// pagePolicy lets a page load from here alone. Nothing is inline: bars are SVG
// attributes, the pointer's styles are set by the script through the CSSOM,
// which a policy does not stop.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func pageHeaders(h http.Header, secure bool) {
	h.Set("Content-Security-Policy", pagePolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "browsing-topics=(), camera=(), geolocation=(), microphone=()")
	h.Set("Cache-Control", "private, no-cache")
	h.Add("Vary", "Accept-Language, Cookie, "+fragmentHeader)
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
}

// render writes a component as one whole answer: it is made before the first
// byte goes, so that an error in it is an error page and not half a page.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		return fmt.Errorf("render: %w", err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	return send(w, r, status, b.Bytes())
}

var gzips = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return z
}}

// send writes a body, gzipped when the asker takes it and it is worth it: a
// body that fits one packet gains nothing.
func send(w http.ResponseWriter, r *http.Request, status int, body []byte) error {
	w.Header().Add("Vary", "Accept-Encoding")
	if len(body) > 1400 && acceptsGzip(r) {
		var b bytes.Buffer
		z := gzips.Get().(*gzip.Writer)
		defer gzips.Put(z)
		z.Reset(&b)
		_, err := z.Write(body)
		if err = errors.Join(err, z.Close()); err != nil {
			return fmt.Errorf("compress: %w", err)
		}
		w.Header().Set("Content-Encoding", "gzip")
		body = b.Bytes()
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // the asker has gone; there is nobody to tell
	return nil
}

// acceptsGzip reads Accept-Encoding; "gzip;q=0" is a no.
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		q, ok := strings.CutPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		v, err := strconv.ParseFloat(q, 64)
		return !ok || err != nil || v > 0
	}
	return false
}

// seeOther sends the browser on after a POST, or to where it belongs.
func seeOther(w http.ResponseWriter, r *http.Request, to string) error {
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// problem is an error on its way to the asker.
type problem struct {
	status    int
	field     string
	message   string // "" for what the asker need not know
	reference string
}

// fail tells the asker what went wrong: a fault by its message, anything else
// by a reference number that finds the log line.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, rt route, v *viewer, err error) {
	if r.Context().Err() != nil && errors.Is(err, context.Canceled) {
		return // the asker has gone: nobody to tell, nothing wrong
	}
	if rt.class == page && s.lead(w, r, err) {
		return
	}
	s.tell(w, r, rt.class, v, s.problemOf(r.Context(), w.Header(), rt.pattern, err))
}

// problemOf logs what is no fault, and says how to tell it.
func (s *Server) problemOf(ctx context.Context, h http.Header, route string, err error) problem {
	if f, ok := fault.From(err); ok {
		if f.RetryAfter > 0 && h != nil {
			h.Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
		}
		return problem{status: int(f.Kind), field: f.Field, message: f.Message}
	}
	ref := newReference()
	s.log.ErrorContext(ctx, "request failed", "route", route, "reference", ref, "error", err)
	return problem{status: http.StatusInternalServerError, reference: ref}
}

// lead sends a browser to where it can go on: to sign in, or past a set-up
// that is over. Scripts and forms get the error itself.
func (s *Server) lead(w http.ResponseWriter, r *http.Request, err error) bool {
	if wantsFragment(r) || r.Method != http.MethodGet {
		return false
	}
	switch {
	case errors.Is(err, account.ErrClaimed):
		return seeOther(w, r, "/login") == nil
	case errors.Is(err, errSignIn):
		claimed, cerr := s.o.Accounts.Claimed(r.Context())
		if cerr == nil && !claimed {
			return seeOther(w, r, "/setup") == nil
		}
		return seeOther(w, r, "/login?"+url.Values{"next": {r.URL.RequestURI()}}.Encode()) == nil
	}
	return false
}

// tell writes an error in the form that was asked for.
func (s *Server) tell(w http.ResponseWriter, r *http.Request, c class, v *viewer, p problem) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	if c != page {
		msg := map[string]string{"message": p.message}
		if p.message == "" {
			msg = map[string]string{"message": "Something went wrong.", "reference": p.reference}
		}
		if p.field != "" {
			msg["field"] = p.field
		}
		body, err := json.Marshal(msg)
		if err != nil {
			panic(err) // a map of strings
		}
		h.Set("Content-Type", "application/json")
		h.Set("X-Content-Type-Options", "nosniff")
		if p.status == http.StatusUnauthorized {
			h.Set("WWW-Authenticate", `Bearer realm="moonbear"`)
		}
		w.WriteHeader(p.status)
		_, _ = w.Write(append(body, '\n'))
		return
	}
	if v == nil {
		v = &viewer{Text: s.language(r), Theme: theme(r)}
		pageHeaders(h, s.secure)
	}
	vm := html.Problem{Page: s.page(r, v, ""), Status: p.status, Reference: p.reference, HomeURL: "/"}
	vm.Title, vm.Message = problemWords(v.Text, p)
	vm.Page.Title = vm.Title
	component := html.ProblemPage(vm)
	if wantsFragment(r) {
		component = html.ProblemFragment(vm)
	}
	if err := s.render(w, r, p.status, component); err != nil {
		s.log.ErrorContext(r.Context(), "error page failed", "error", err)
		http.Error(w, "Something went wrong.", http.StatusInternalServerError)
	}
}

// problemWords are an error page's title and sentence.
func problemWords(t *html.Text, p problem) (title, message string) {
	message = t.Fault(p.message)
	switch p.status {
	case http.StatusNotFound:
		return t.NotFoundTitle, t.NotFoundLead
	case http.StatusForbidden, http.StatusUnauthorized:
		return t.ForbiddenTitle, message
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		return t.UnavailableTitle, message
	case http.StatusInternalServerError:
		return t.WrongTitle, t.WrongLead
	}
	return t.FormProblem, message
}

// newReference is what a person can read to another over the phone: eight of
// Crockford's letters, 40 bits.
func newReference() string {
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	for i := range b {
		b[i] = letters[b[i]&31]
	}
	return string(b[:4]) + "-" + string(b[4:])
}
