package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

type server struct {
	free chan *session

	mu      sync.Mutex
	running map[string]*running // by the client's query_id

	killing sync.Mutex
	killer  *session // never waits for others
}

// running is a request from its arrival to its answer.
type running struct {
	done chan struct{}
	kill context.CancelFunc
	body *http.ResponseController
}

func newServer(sessions int) *server {
	return &server{free: make(chan *session, sessions), running: map[string]*running{}}
}

func (s *server) routes() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("GET /ping", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "Ok.\n") })
	m.HandleFunc("/{$}", s.answer)
	return m
}

var (
	insertRe = regexp.MustCompile(`(?is)^\s*(insert\s+into\s+.+?)\s+(?:format\s+(\w+)|values)\s*$`)
	formatRe = regexp.MustCompile(`(?is)\sformat\s+(\w+)\s*;?\s*$`)
	helloRe  = regexp.MustCompile(`(?i)^\s*select\s+displayName\(\),\s*version\(\),\s*revision\(\),\s*timezone\(\)`)
	killRe   = regexp.MustCompile(`(?is)^\s*kill\s+query\s+where\s+query_id\s*=\s*'((?:[^'\\]|\\.)*)'\s*(sync|async)?\s*$`)
	nameRe   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// notSettings are URL parameters with a meaning of their own; the others are settings.
var notSettings = []string{"query", "database", "default_format", "client_protocol_version", "compress", "decompress", "query_id", "quota_key",
	"user", "password", "session_id", "session_timeout", "session_check", "buffer_size", "wait_end_of_query", "role", "stacktrace",
	"network_compression_method", "network_zstd_compression_level", "enable_http_compression", "cancel_http_readonly_queries_on_client_close"}

// errKilled is worded as the engine does it.
var errKilled = errors.New("Code: 394. DB::Exception: Query was cancelled. (QUERY_WAS_CANCELLED)")

// answer answers one statement, which is the parameter query with the body
// behind it, but for an insert whose rows are the body.
func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	v := r.URL.Query()
	id := v.Get("query_id")
	w.Header().Set("X-ClickHouse-Query-Id", id)
	w.Header().Set("X-ClickHouse-Server-Display-Name", "chserver")
	w.Header().Set("X-ClickHouse-Timezone", "UTC")
	w.Header().Set("X-ClickHouse-Exception-Tag", "chserverchserver")
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context()))
	defer cancel()
	end, err := s.begin(id, &running{done: make(chan struct{}), kill: cancel, body: http.NewResponseController(w)})
	if err != nil {
		fail(w, err)
		return
	}
	defer end()
	if err := s.statement(ctx, w, r, v); err != nil {
		fail(w, err)
	}
}

// begin notes that a query runs. A query_id is one query's at a time.
func (s *server) begin(id string, r *running) (end func(), err error) {
	if id == "" {
		return func() {}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[id] != nil {
		return nil, fmt.Errorf("Code: 216. DB::Exception: Query with id = %s is already running. (QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING)", id)
	}
	s.running[id] = r
	return func() {
		s.mu.Lock()
		delete(s.running, id)
		s.mu.Unlock()
		close(r.done)
	}, nil
}

func (s *server) statement(ctx context.Context, w http.ResponseWriter, r *http.Request, v url.Values) error {
	body, err := requestBody(r, v.Get("decompress") == "1")
	if err != nil {
		return err
	}
	q := v.Get("query")
	insert := insertRe.FindStringSubmatch(q)
	if insert == nil {
		b, err := io.ReadAll(body)
		if err != nil {
			return err
		}
		q = strings.TrimSpace(q + string(b))
	}
	if m := killRe.FindStringSubmatch(q); m != nil {
		s.kill(unescape(m[1]), !strings.EqualFold(m[2], "async"))
		empty(w, 0)
		return nil
	}
	var c *session
	select {
	case c = <-s.free:
	case <-ctx.Done():
		return errKilled
	}
	defer func() { s.free <- c }()
	reset, err := c.settings(v)
	defer reset()
	if err != nil {
		return err
	}
	switch {
	case insert != nil:
		format := insert[2]
		if format == "" {
			format = "Values"
		}
		n, err := c.insert(mark(v.Get("query_id"))+insert[1], format, body, func() bool { return ctx.Err() != nil })
		if err != nil {
			return err
		}
		empty(w, n)
		return nil
	case helloRe.MatchString(q):
		return hello(w, c, v)
	}
	return s.selects(w, r, c, q, v)
}

func (s *server) selects(w http.ResponseWriter, r *http.Request, c *session, q string, v url.Values) error {
	format := v.Get("default_format")
	if format == "" {
		format = "TabSeparated"
	}
	w.Header().Set("X-ClickHouse-Format", format)
	if f := formatRe.FindStringSubmatch(q); f != nil {
		w.Header().Set("X-ClickHouse-Format", f[1])
	}
	params := map[string]string{}
	for k := range v {
		if p, ok := strings.CutPrefix(k, "param_"); ok {
			params[p] = v.Get(k)
		}
	}
	tag := v.Get("query_id")
	if v.Get("cancel_http_readonly_queries_on_client_close") == "1" {
		if tag == "" {
			tag = fmt.Sprintf("anonymous-%p", r)
		}
		stop := context.AfterFunc(r.Context(), func() { s.killEngine(tag) })
		defer stop()
	}
	out, err := c.query(mark(tag)+q, format, params)
	if err != nil {
		return err
	}
	if len(out) == 0 {
		empty(w, 0)
		return nil
	}
	return respond(w, out, v)
}

// mark makes a statement findable in system.processes: the engine gives it an
// ID of its own.
func mark(id string) string {
	if id == "" {
		return ""
	}
	return "/* id " + strings.ReplaceAll(id, "*/", "") + " */ "
}

// kill stops a query and, if asked, waits until it has ended.
func (s *server) kill(id string, wait bool) {
	s.mu.Lock()
	r := s.running[id]
	s.mu.Unlock()
	if r == nil {
		return
	}
	r.kill()
	_ = r.body.SetReadDeadline(time.Now()) // it may be reading rows that never come
	s.killEngine(id)
	if wait {
		<-r.done
	}
}

func (s *server) killEngine(id string) {
	s.killing.Lock()
	defer s.killing.Unlock()
	_ = s.killer.exec("kill query where startsWith(query, '" + escape(mark(id)) + "') async") // it may be over by now
}

// settings applies a request's database and settings; reset takes them back.
func (c *session) settings(v url.Values) (reset func(), err error) {
	reset = func() {}
	db := v.Get("database")
	if db == "" {
		db = "default"
	}
	if err := c.exec("use `" + strings.ReplaceAll(db, "`", "\\`") + "`"); err != nil {
		return reset, err
	}
	var set, unset []string
	for _, k := range slices.Sorted(maps.Keys(v)) {
		if slices.Contains(notSettings, k) || strings.HasPrefix(k, "param_") || !nameRe.MatchString(k) {
			continue
		}
		set = append(set, k+" = '"+escape(v.Get(k))+"'")
		unset = append(unset, k+" = default")
	}
	if len(set) == 0 {
		return reset, nil
	}
	reset = func() { _ = c.exec("set " + strings.Join(unset, ", ")) }
	return reset, c.exec("set " + strings.Join(set, ", "))
}

func escape(s string) string { return strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) }

func unescape(s string) string { return strings.NewReplacer(`\\`, `\`, `\'`, `'`).Replace(s) }
