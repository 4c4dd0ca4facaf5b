package collect

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // the same zones everywhere

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/bot"
	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/geo"
	"moonbear/internal/kv"
	"moonbear/internal/salt"
	"moonbear/internal/site"
	"moonbear/internal/source"
	"moonbear/internal/spool"
)

// The look-ups are the real ones; loading them takes a while, so once.
var lookups = sync.OnceValues(func() (l struct {
	geo     *geo.DB
	bots    *bot.Matcher
	sources *source.Sources
}, err error) {
	var errs [3]error
	l.geo, errs[0] = geo.Open("")
	l.bots, errs[1] = bot.New()
	l.sources, errs[2] = source.New()
	return l, errors.Join(errs[:]...)
})

const (
	chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
	iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Mobile/15E148 Safari/604.1"
	kakao  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 KAKAOTALK 10.5.5"
	yeti   = "Mozilla/5.0 (compatible; Yeti/1.1; +https://naver.me/spd)"
	client = "192.168.1.7" // nowhere
	korean = "211.249.220.24"
)

// sites is a list of sites that tests write down.
type sites struct {
	list    map[string]*site.Site
	unknown bool
}

func (s *sites) Lookup(id string) (*site.Site, bool) {
	if s.unknown {
		return nil, false
	}
	if st, ok := s.list[id]; ok {
		return st, true
	}
	st, ok := s.list[strings.ToLower(id)]
	return st, ok
}

func (s *sites) Ready() bool { return !s.unknown }

// clock is a clock that tests set.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

func (c *clock) add(d time.Duration) { c.set(c.now().Add(d)) }

// world is a collector with everything around it.
type world struct {
	*Collector
	t     testing.TB
	dir   string
	sites *sites
	clock *clock
	spool *spool.Spool
	stop  func() // of the spool, as a shutdown does
	logs  *bytes.Buffer
	prom  *prometheus.Registry
	full  map[int64]bool         // sites over quota
	admit func(events int) error // of batches; nil: all are admitted
}

const (
	siteID    = "k3TdV9xQ2mA" // Korean, any hostname
	shopID    = "sh0pSh0pSh0"
	foreignID = "another0ne0"
	goodToken = "mb_write"
	readToken = "mb_read"
)

func newSite(t testing.TB, id int64, public, domain, tz string, hostnames ...string) *site.Site {
	loc, err := time.LoadLocation(tz)
	if err != nil {
		t.Fatal(err)
	}
	return &site.Site{ID: id, PublicID: public, Account: 1, Domain: domain, TimeZone: tz, Location: loc, Currency: "KRW", Hostnames: hostnames}
}

// newWorld starts a collector over a real spool in dir ("": a new one).
func newWorld(t testing.TB, dir string, change ...func(*Options)) *world {
	t.Helper()
	l, err := lookups()
	if err != nil {
		t.Fatal(err)
	}
	if dir == "" {
		dir = t.TempDir()
	}
	w := &world{t: t, dir: dir, logs: &bytes.Buffer{}, prom: prometheus.NewRegistry(), full: map[int64]bool{}}
	w.clock = &clock{t: time.Date(2026, 3, 2, 3, 0, 0, 0, time.UTC)}
	foreign := newSite(t, 3, foreignID, "foreign.example", "UTC")
	foreign.Account = 2
	w.sites = &sites{list: map[string]*site.Site{}}
	for _, s := range []*site.Site{
		newSite(t, 1, siteID, "example.com", "Asia/Seoul"),
		newSite(t, 2, shopID, "shop.example", "Europe/Berlin", "shop.example", "www.shop.example", "pay.example"),
		foreign,
	} {
		w.sites.list[s.PublicID], w.sites.list[s.Domain] = s, s
	}
	log := slog.New(slog.NewTextHandler(w.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if w.spool, err = spool.Open(spool.Options{Dir: filepath.Join(dir, "spool"), Log: log}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.spool.Run(ctx) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := errors.Join(<-done, w.spool.Close()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(w.stop)
	salts, err := salt.Open(filepath.Join(dir, "salts"), w.clock.now)
	if err != nil {
		t.Fatal(err)
	}
	o := Options{
		Sites: w.sites, Spool: w.spool, Visits: kv.NewMemory(100_000), Salts: salts,
		Geo: l.geo, Bots: l.bots, Sources: l.sources,
		Tokens: func(_ context.Context, bearer string) (TokenFacts, error) {
			switch bearer {
			case goodToken:
				return TokenFacts{ID: 7, Account: 1, Write: true}, nil
			case readToken:
				return TokenFacts{ID: 8, Account: 1}, nil
			}
			return TokenFacts{}, fault.New(fault.Unauthorized, "This API token is not valid.")
		},
		Quota: func(site int64) bool { return !w.full[site] },
		Now:   w.clock.now, Log: log, Metrics: w.prom,
	}
	for _, f := range change {
		f(&o)
	}
	if w.Collector, err = New(o); err != nil {
		t.Fatal(err)
	}
	return w
}

// request is a browser's post; more are pairs of header name and value.
func request(path, body string, more ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.RemoteAddr = client + ":40000"
	r.Header.Set("User-Agent", chrome)
	for i := 0; i+1 < len(more); i += 2 {
		r.Header.Set(more[i], more[i+1])
	}
	return r
}

// send sends one request and returns status and body.
func (w *world) send(r *http.Request) (int, string) {
	w.t.Helper()
	a := httptest.NewRecorder()
	switch r.URL.Path {
	case "/event":
		w.Hit(a, r)
	case "/api/event":
		w.PlausibleHit(a, r)
	case "/v1/events":
		w.events(a, r)
	default:
		w.t.Fatalf("nothing is at %s", r.URL.Path)
	}
	b, err := io.ReadAll(a.Result().Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return a.Code, string(b)
}

// events does what the API does around Events.
func (w *world) events(a http.ResponseWriter, r *http.Request) {
	token, err := w.writer(r)
	n := 0
	if err == nil {
		n, err = w.Events(r, *token, func(events int) error {
			if w.admit == nil {
				return nil
			}
			return w.admit(events)
		})
	}
	if f, ok := fault.From(err); ok {
		writeFault(a, f)
		return
	}
	if err != nil {
		w.t.Errorf("%v is no fault", err)
	}
	a.WriteHeader(http.StatusAccepted)
	_, _ = fmt.Fprintf(a, "{\"received\":%d}\n", n)
}

// hit sends one that must be answered 202.
func (w *world) hit(path, body string, more ...string) {
	w.t.Helper()
	if status, answer := w.send(request(path, body, more...)); status != http.StatusAccepted {
		w.t.Fatalf("%s %s: %d %s", path, body, status, answer)
	}
}

// stored is everything durable, drop counts included.
func (w *world) stored() event.Batch {
	w.t.Helper()
	if err := w.drops.flush(context.Background(), w.Collector.spool); err != nil {
		w.t.Fatal(err)
	}
	return w.read()
}

func (w *world) read() event.Batch {
	w.t.Helper()
	var b event.Batch
	for pos := w.spool.Oldest(); pos < w.spool.Durable(); {
		next, err := w.spool.Read(context.Background(), pos, 1<<20, func(_ int64, record []byte) error { return b.Decode(record) })
		if err != nil {
			w.t.Fatal(err)
		}
		pos = next
	}
	return b
}

// only is the one event there must be.
func (w *world) only() event.Event {
	w.t.Helper()
	b := w.stored()
	if len(b.Events) != 1 {
		w.t.Fatalf("%d events are stored, want 1; drops %v", len(b.Events), b.Drops)
	}
	return b.Events[0]
}

// proxied trusts loopback and 10/8.
func proxied(o *Options) {
	o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
}

// recorder sends a hit and returns the whole answer.
func recorder(w *world, r *http.Request) *httptest.ResponseRecorder {
	a := httptest.NewRecorder()
	w.Hit(a, r)
	return a
}

// breakDir makes a directory where the next salts file would be written.
func breakDir(t *testing.T, dir string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Join(dir, "salts.new", "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
}
