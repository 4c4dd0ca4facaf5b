package app

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/account"
	"moonbear/internal/api"
	"moonbear/internal/blob"
	"moonbear/internal/bot"
	"moonbear/internal/collect"
	"moonbear/internal/db"
	"moonbear/internal/geo"
	"moonbear/internal/handover"
	"moonbear/internal/job"
	"moonbear/internal/load"
	"moonbear/internal/salt"
	"moonbear/internal/source"
	"moonbear/internal/spool"
	"moonbear/internal/stats"
	"moonbear/internal/telemetry"
	"moonbear/internal/transfer/export"
	"moonbear/internal/web"
)

// maxVisits bounds the open visits in memory: 260 bytes each as a rule, 650 at
// most.
const maxVisits = 500_000

// keepLoaded is how long the spool keeps what ClickHouse has stored, where it
// has room: a machine that loses its power may lose minutes.
const keepLoaded = time.Hour

// loadInterval is the time between two batches into ClickHouse. Each is five
// statements and a part on its disk, from every replica, whether it has many hits
// or few: with four a second, four replicas took half as much processor time
// again for a hit as one.
const loadInterval = time.Second

// ServeOptions are what the command line adds to the configuration.
type ServeOptions struct {
	Demo    bool
	Version string
	Out     io.Writer // for people: the demo's link
	Log     io.Writer
	// Listening is told the address once it takes connections; may be nil.
	Listening func(addr string)

	moveStep   func(name string) error // tests break moves off in it
	adoptEvery time.Duration           // 0: as the adopter does
}

// Serve runs the server until ctx ends.
func Serve(ctx context.Context, cfg Config, o ServeOptions) (err error) {
	log, err := telemetry.NewLog(o.Log, cfg.LogLevel, cfg.Env == "production")
	if err != nil {
		return fmt.Errorf("LOG_LEVEL: %w", err)
	}
	f := newFront()
	defer func() { err = errors.Join(err, f.close()) }()
	for next := &cfg; next != nil && err == nil && ctx.Err() == nil; {
		next, err = serveAs(ctx, *next, o, log, f)
		o.Listening = nil
	}
	return err
}

// serveAs runs one server behind f. After a move it says with which
// configuration another goes on.
func serveAs(ctx context.Context, cfg Config, o ServeOptions, log *slog.Logger, f *front) (next *Config, err error) {
	s, err := open(ctx, cfg, log)
	for f.srv != nil && errors.Is(err, errRunning) && ctx.Err() == nil { // a command, between two servers
		time.Sleep(100 * time.Millisecond)
		s, err = open(ctx, cfg, log)
	}
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	s.version, s.front, s.moveStep, s.adoptEvery = o.Version, f, o.moveStep, o.adoptEvery
	s.openAdopter()
	err = s.run(ctx, o)
	return s.moving.next.Load(), err
}

// server is every part of a running Moonbear.
type server struct {
	cfg     Config
	log     *slog.Logger
	metrics *prometheus.Registry

	front     *front
	moving    *moving
	moveStep  func(name string) error
	bucket    blob.Bucket // shared storage; nil: there is none
	adopter   *handover.Adopter
	dir       *dataDir
	shared    shared // with other replicas
	control   *control
	salts     *salt.Salts
	spool     *spool.Spool
	store     eventStore
	loader    *load.Loader
	collector *collect.Collector
	stats     *stats.Stats
	keeper    *stats.Keeper
	exports   *export.Exports
	jobs      *job.Jobs
	imports   *imports
	web       *web.Server

	version    string
	adoptEvery time.Duration
	controlled chan struct{} // closed when the control database is there and up to date
	stopping   atomic.Bool
	restored   bool // open visits, from the store

	closers []func() error
}

func newServer(cfg Config, log *slog.Logger) *server {
	return &server{cfg: cfg, log: log, metrics: telemetry.NewMetrics(), moving: newMoving(), controlled: make(chan struct{})}
}

// open makes every part, the lowest first. What is open when a later one fails
// is closed again.
func open(ctx context.Context, cfg Config, log *slog.Logger) (s *server, err error) {
	s = newServer(cfg, log)
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	for _, step := range []func(context.Context) error{
		s.openBucket, s.openControl, s.openSpool, s.openStore, s.openCollect, s.openPages,
	} {
		if err := step(ctx); err != nil {
			return s, err
		}
	}
	return s, nil
}

func (s *server) closing(f func() error) { s.closers = append(s.closers, f) }

// close closes the parts, the one opened last first.
func (s *server) close() error {
	var errs []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		errs = append(errs, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(errs...)
}

func (s *server) openControl(ctx context.Context) (err error) {
	if s.dir, err = openDataDir(s.cfg.DataDir); err != nil {
		return err
	}
	s.closing(s.dir.close)
	if s.shared, err = openShared(ctx, s.cfg.RedisURL, s.log, s.metrics); err != nil {
		return err
	}
	s.closing(s.shared.close)
	if s.control, err = newControl(ctx, s.cfg, s.log, &s.shared); err != nil {
		return err
	}
	s.closing(s.control.db.Close)
	if err = s.knowSites(ctx); err != nil {
		return err
	}
	if s.salts, err = salt.Open(s.dir.file("salts"), time.Now); err != nil {
		return err
	}
	return s.shared.listen(ctx, s.control.accounts, s.control.sites.Directory(), s.salts, s.log, s.metrics)
}

func (s *server) openSpool(context.Context) (err error) {
	s.spool, err = spool.Open(spool.Options{
		Dir: s.dir.file("spool"), MaxBytes: int64(s.cfg.SpoolMaxBytes), Log: s.log, Metrics: s.metrics,
	})
	if err != nil {
		return err
	}
	s.closing(s.spool.Close)
	return nil
}

func (s *server) openStore(ctx context.Context) (err error) {
	if s.store, err = openEvents(ctx, s.cfg, s.log, s.metrics); err != nil {
		return err
	}
	s.closing(s.store.Close)
	var keep, interval time.Duration
	if !s.cfg.eventsEmbedded() {
		keep, interval = keepLoaded, loadInterval
	}
	s.loader = load.New(load.Options{Spool: s.spool, Store: s.store, Keep: keep, Interval: interval, Drain: s.cfg.DrainTimeout, Log: s.log, Metrics: s.metrics})
	s.stats = stats.New(s.store, time.Now)
	s.keeper = stats.NewKeeper(stats.KeeperOptions{Store: s.store, Log: s.log, Metrics: s.metrics})
	s.exports = export.New(s.store, s.log)
	return nil
}

func (s *server) openCollect(ctx context.Context) error {
	places, err := geo.Open(s.cfg.GeoIPDB)
	if err != nil {
		return fmt.Errorf("GEOIP_DB: %w", err)
	}
	bots, err := bot.New()
	if err != nil {
		return err
	}
	sources, err := source.New()
	if err != nil {
		return err
	}
	s.openImporter(places, bots, sources)
	s.collector, err = collect.New(collect.Options{
		Sites: s.control.sites.Directory(), Spool: s.spool, Visits: s.shared.visits(), Keys: s.shared.keys(), Salts: s.salts,
		Geo: places, Bots: bots, Sources: sources, Tokens: s.tokenFacts,
		TrustedProxies: s.cfg.proxies, RatePerMinute: s.cfg.CollectRate, Limits: s.shared.limits, Log: s.log, Metrics: s.metrics,
	})
	if err != nil {
		return err
	}
	if !s.cfg.does(roleCollect) {
		return nil
	}
	restored := s.collector.Restore(ctx, s.store, s.spool)
	if restored == nil || s.cfg.eventsEmbedded() || ctx.Err() != nil {
		s.restored = restored == nil
		return restored
	}
	s.log.WarnContext(ctx, "the event store is away: visits that are open are known from the spool", "error", restored)
	return s.collector.RestoreFromSpool(ctx, s.spool)
}

// restoreEnded makes ended visits known while the server serves already.
func (s *server) restoreEnded(ctx context.Context) error {
	if err := s.collector.RestoreEnded(ctx, s.store); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "what is known of pages left open during the restart is lost", "error", err)
	}
	<-ctx.Done()
	return nil
}

// tokenFacts tells collecting what a bearer token may do.
func (s *server) tokenFacts(ctx context.Context, bearer string) (collect.TokenFacts, error) {
	t, err := s.control.accounts.TokenFor(ctx, bearer)
	if err != nil {
		return collect.TokenFacts{}, err
	}
	return collect.TokenFacts{ID: t.ID, Account: t.Account, Sites: t.Sites, Write: t.Can(account.WriteEvents)}, nil
}

func (s *server) openPages(context.Context) (err error) {
	s.jobs, err = job.New(s.control.db, s.scheduled(), job.Options{ID: s.name(), Log: s.log, Metrics: s.metrics})
	if err != nil {
		return err
	}
	var routes []web.APIRoute
	for _, r := range api.New(api.Options{Stats: s.stats, Sites: s.control.sites, Collect: s.collector, Exports: s.exports, Limits: s.shared.limits}).Routes() {
		routes = append(routes, web.APIRoute(r))
	}
	s.web, err = web.New(web.Options{
		BaseURL: s.cfg.BaseURL, Accounts: s.control.accounts, Sites: s.control.sites, Stats: s.stats,
		Collect: s.collector, API: routes, Exports: s.exports, Transfer: s.imports.transfer, ScriptPath: s.cfg.TrackerPath,
		OnlyCollect: !s.cfg.does(roleWeb), NoCollect: !s.cfg.does(roleCollect),
		Client: s.collector.Client, Ready: s.ready,
		Behind:  s.behind,
		Imports: s.imports.days, Log: s.log, Metrics: s.metrics,
	})
	if errors.Is(err, web.ErrScriptPath) {
		return fmt.Errorf("TRACKER_PATH=%q: %w", s.cfg.TrackerPath, err)
	}
	return err
}

// name is the server's among those on one control database, the same at each
// start.
func (s *server) name() string {
	host, _ := os.Hostname()
	dir, err := filepath.Abs(s.dir.path)
	if err != nil {
		dir = s.dir.path
	}
	sum := sha256.Sum256([]byte(dir)) // a path may be longer than a name
	return fmt.Sprintf("%.60s:%x", host, sum[:8])
}

var errStopping = errors.New("stopping")

// ready says why the server should be sent nobody new.
func (s *server) ready(context.Context) error {
	if s.stopping.Load() {
		return errStopping
	}
	return s.spool.Healthy()
}

// run serves until ctx ends. The order of the parts is the order that loses
// nothing: the last to start is the first to stop.
func (s *server) run(ctx context.Context, o ServeOptions) error {
	if err := s.front.listen(s.cfg.ListenAddr); err != nil {
		return fmt.Errorf("LISTEN_ADDR: %w", err)
	}
	address := s.front.listener.Addr().String()
	socket, err := s.dir.listenSocket()
	if err != nil {
		return err
	}
	ctx = s.moving.until(ctx)
	st := newStages(s.log)
	st.start("hand over", s.handOver)
	st.start("load", s.moving.loading.run(s.loader.RunUntil))
	st.start("spool", s.spool.Run)
	s.shared.start(st, s.salts)
	st.start("sites", s.control.sites.Directory().Run)
	st.start("control", s.awaitControl)
	st.start("store", s.tendStore)
	st.start("collect", s.collector.Run)
	if s.restored {
		st.start("visits", s.restoreEnded)
	}
	if s.adopter != nil {
		st.start("adopt", s.moving.adopting.run(func(_, until context.Context) error { return s.adopt(until) }))
	}
	if s.cfg.does(roleJobs) {
		st.start("jobs", s.moving.jobs.run(func(_, until context.Context) error { return s.runJobs(until) }))
	}
	if err := s.serveMetrics(st); err != nil {
		return errors.Join(err, socket.Close(), st.stop())
	}
	st.start("control socket", s.controlSocket(socket))
	st.start("http", s.front.serve(s.httpServer(s.held(s.web.Handler())), s.moving.moved))
	s.log.Info("serving", "version", o.Version, "address", address, "url", s.cfg.BaseURL, "data", s.cfg.DataDir, "pid", os.Getpid())

	if o.Listening != nil {
		o.Listening(address)
	}
	if err = s.greet(ctx, st, o); err == nil {
		err = st.wait(ctx)
	} else if ctx.Err() != nil {
		err = nil // told to stop before it was up: nothing failed
	}
	if err == nil && !s.moving.moved() {
		s.drain()
	}
	s.log.Info("stopping")
	return errors.Join(err, st.stop())
}

// drain goes on for DRAIN_DELAY, unready, so that whoever balances between
// servers has seen it before connections are refused.
func (s *server) drain() {
	s.stopping.Store(true)
	if s.cfg.DrainDelay > 0 {
		s.log.Info("told to stop: not ready any more", "for", s.cfg.DrainDelay)
		time.Sleep(s.cfg.DrainDelay)
	}
}

func (s *server) serveMetrics(st *stages) error {
	if s.cfg.MetricsAddr == "" {
		return nil
	}
	l, err := net.Listen("tcp", s.cfg.MetricsAddr)
	if err != nil {
		return fmt.Errorf("METRICS_ADDR: %w (METRICS_ADDR=off does without)", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", telemetry.Handler(s.metrics))
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	st.start("metrics", serveHTTP(s.httpServer(mux), l))
	return nil
}

func (s *server) httpServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		// Whoever stops in the middle of a body, or reads no answer, must not
		// hold a connection for ever. 4 MiB in a minute is 70 KB a second; the
		// slowest question (stats) is given up after half of that.
		ReadTimeout:    time.Minute,
		WriteTimeout:   2 * time.Minute,
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 32 << 10,
		ErrorLog:       slog.NewLogLogger(quietClients{s.log.Handler()}, slog.LevelDebug),
	}
}

// greet tells whoever started the server what to do next: the one-time code of
// a server that nobody owns, or the demo's link.
func (s *server) greet(ctx context.Context, st *stages, o ServeOptions) error {
	if o.Demo {
		return s.startDemo(ctx, st, o.Out)
	}
	claimed, err := s.control.accounts.Claimed(ctx)
	if err != nil || claimed {
		if db.IsAway(err) {
			return nil // awaitControl has said so
		}
		return err
	}
	code, err := s.control.accounts.SetupCode(ctx)
	if err != nil {
		return err
	}
	s.log.Info("setup code: nobody owns this server yet, open the setup page and enter it", "code", code, "url", s.cfg.BaseURL+"/setup")
	return nil
}

func (s *server) startDemo(ctx context.Context, st *stages, out io.Writer) error {
	d, err := openDemo(ctx, s.control, standing{s.store, s.moving}, s.dir.path, s.log)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n  Filling the demo with traffic up to now …\n")
	begun := time.Now()
	rows, err := d.fill(ctx, begun)
	if err != nil {
		return err
	}
	token, err := s.control.accounts.LoginLink(ctx, d.user)
	if err != nil {
		return err
	}
	st.start("demo", d.Run)
	_, err = fmt.Fprintf(out, "  %d events in %.1f s.\n\n  The demo dashboard, signed in (the link works once; starting again prints another):\n\n    %s/login/link/%s?next=%%2Fsites%%2F%s%%3Fperiod%%3D4w\n\n  Ctrl-C stops it; the data stays in %s.\n\n",
		rows, time.Since(begun).Seconds(), s.cfg.BaseURL, token, d.list[0].site.PublicID, s.cfg.DataDir)
	return err
}

// quietClients drops net/http's complaints about clients that hang up; they
// name addresses, and there is nothing to be done about them.
type quietClients struct{ slog.Handler }

func (quietClients) Handle(context.Context, slog.Record) error { return nil }
