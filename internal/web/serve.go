package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/fault"
	"moonbear/internal/site"
	"moonbear/internal/web/html"
)

// viewer is whoever looks at a page, and what the route's policy found out
// about them.
type viewer struct {
	User  account.User // zero: nobody is signed in
	Site  *site.Site   // of the path, for the policies member and editor
	Role  account.Role // in Site's account
	Text  *html.Text
	Theme string
}

// edits says whether the viewer may change the site, as the policy editor asks.
func (v *viewer) edits() bool { return v.Site != nil && v.Role.AtLeast(account.Editor) }

// Faults of the policies.
var (
	errSignIn    = fault.New(fault.Unauthorized, "Sign in first.")
	errRole      = fault.New(fault.Forbidden, "Your role in this account may look, but not change this.")
	errNothing   = fault.New(fault.NotFound, "There is nothing here.")
	errNoToken   = fault.New(fault.Unauthorized, "An API token is missing: send it as \"Authorization: Bearer mb_…\".")
	errOtherSite = fault.New(fault.Forbidden, "This request came from another site, so it was refused. Open the page here and try again.")
)

// mux makes the handler of a table of routes.
func (s *Server) mux(routes []route) *http.ServeMux {
	mux := http.NewServeMux()
	fence := http.NewCrossOriginProtection()
	for _, rt := range routes {
		switch rt.class {
		case collect, asset:
			mux.Handle(rt.pattern, s.guard(rt, rt.raw))
		case api:
			mux.Handle(rt.pattern, s.watch(rt, s.serveAPI(rt)))
		case page:
			h := s.o.Accounts.Logins().Wrap(s.watch(rt, s.servePage(rt, fence)))
			mux.Handle(rt.pattern, s.guard(rt, h.ServeHTTP))
		}
	}
	return mux
}

// guard turns a panic into an answer, for routes that watch doesn't see.
func (s *Server) guard(rt route, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				s.panicked(w, r, rt, p)
			}
		}()
		next(w, r)
	})
}

// panicked logs a panic and answers it, unless the answer has begun.
func (s *Server) panicked(w http.ResponseWriter, r *http.Request, rt route, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	ref := newReference()
	s.log.ErrorContext(r.Context(), "panic", "route", rt.pattern, "reference", ref, "panic", p, "stack", string(debug.Stack()))
	if rw, ok := w.(*recorder); ok && rw.status != 0 {
		panic(http.ErrAbortHandler) // half an answer must not look whole
	}
	s.tell(w, r, rt.class, nil, problem{status: http.StatusInternalServerError, reference: ref})
}

// watch times a route and logs it: the route, never the path, which may hold
// a login link.
func (s *Server) watch(rt route, next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w}
		began := time.Now()
		defer func() {
			if p := recover(); p != nil {
				s.panicked(rec, r, rt, p)
			}
			took := time.Since(began)
			s.took.WithLabelValues(rt.pattern, statusClass(rec.status)).Observe(took.Seconds())
			s.log.DebugContext(r.Context(), "request", "route", rt.pattern, "status", rec.status, "bytes", rec.bytes, "took", took)
		}()
		next(rec, r)
	})
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach what is beneath.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func statusClass(status int) string {
	return [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}[min(max(status/100, 0), 5)]
}

// servePage lets a viewer in, or not, and tells a handler's error.
func (s *Server) servePage(rt route, fence *http.CrossOriginProtection) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		pageHeaders(w.Header(), s.secure)
		v := &viewer{Text: s.language(r), Theme: theme(r)}
		err := fence.Check(r)
		if err != nil {
			err = errOtherSite
		} else {
			err = s.admit(r, rt, v)
		}
		if err == nil {
			err = rt.page(w, r, v)
		}
		if err != nil {
			s.fail(w, r, rt, v, err)
		}
	}
}

// admit checks a page route's policy and notes who is asking.
func (s *Server) admit(r *http.Request, rt route, v *viewer) error {
	ctx := r.Context()
	if err := s.identify(ctx, v); err != nil {
		return err
	}
	switch rt.policy {
	case public:
		return nil
	case unclaimed:
		claimed, err := s.o.Accounts.Claimed(ctx)
		if err != nil {
			return err
		}
		if claimed {
			return account.ErrClaimed
		}
		return nil
	}
	if v.User.ID == 0 {
		return errSignIn
	}
	if rt.policy == signedIn {
		return nil
	}
	st, role, err := s.o.Sites.ForUser(ctx, v.User.ID, r.PathValue("site"))
	if err != nil {
		return err
	}
	v.Site, v.Role = &st, role
	if rt.policy == editor && !v.edits() {
		return errRole
	}
	return nil
}

// identify notes who is signed in; a login of a user who is gone is nobody's.
func (s *Server) identify(ctx context.Context, v *viewer) error {
	id, ok := s.o.Accounts.Logins().User(ctx)
	if !ok {
		return nil
	}
	u, err := s.o.Accounts.UserByID(ctx, id)
	if errors.Is(err, account.ErrUserNotFound) {
		return nil
	}
	v.User = u
	return err
}

// serveAPI lets a program in by its token, or not.
func (s *Server) serveAPI(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		var t account.Token
		var err error
		if rt.policy == token {
			t, err = s.authorise(r, rt.scope)
		}
		if err == nil {
			err = rt.api(w, r, t)
		}
		if err != nil {
			s.fail(w, r, rt, nil, err)
		}
	}
}

func (s *Server) authorise(r *http.Request, scope account.Scope) (account.Token, error) {
	kind, bearer, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if bearer = strings.TrimSpace(bearer); !strings.EqualFold(kind, "Bearer") || bearer == "" {
		return account.Token{}, errNoToken
	}
	t, err := s.o.Accounts.TokenFor(r.Context(), bearer)
	if err != nil {
		return account.Token{}, err
	}
	if !t.Can(scope) {
		return account.Token{}, fault.New(fault.Forbidden, "This API token lacks the scope "+string(scope)+". Scopes are chosen when a token is made: use another one.")
	}
	return t, nil
}

func (s *Server) noAPI(w http.ResponseWriter, r *http.Request, _ account.Token) error {
	return s.missing(w, r)
}

func (s *Server) nothing(w http.ResponseWriter, r *http.Request, _ *viewer) error {
	return s.missing(w, r)
}

// missing is the fault of a request that no route is for: 405 with Allow when
// the path has a route for another method, else 404. The mux would say the
// first by itself, had it no route for everything else.
func (s *Server) missing(w http.ResponseWriter, r *http.Request) error {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		asked := &http.Request{Method: method, URL: r.URL, Host: r.Host}
		if _, pattern := s.handler.Handler(asked); strings.HasPrefix(pattern, method+" ") {
			allowed = append(allowed, method)
		}
	}
	if len(allowed) == 0 {
		return errNothing
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return fault.New(http.StatusMethodNotAllowed, "This address takes "+strings.Join(allowed, " and ")+".")
}

// localPath is a path of this server to go on to, or otherwise: never another
// host, which "//host" and "/\host" would be.
func localPath(p, otherwise string) string {
	u, err := url.Parse(p)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(p, "/") ||
		strings.HasPrefix(p, "//") || strings.ContainsAny(p, "\\\r\n\t") {
		return otherwise
	}
	return p
}
