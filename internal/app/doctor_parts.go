package app

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// examineSettings finds what is set in a way that will hurt.
func (s *server) examineSettings(context.Context) (fs []Finding) {
	add := func(f Finding) { fs = append(fs, f) }
	add(Finding{"program", Well, fmt.Sprintf("moonbear %s, %s, %s/%s, does %s", s.version, runtime.Version(), runtime.GOOS, runtime.GOARCH, strings.Join(s.cfg.Roles, ", ")), ""})
	u, _ := url.Parse(s.cfg.BaseURL)
	host, _, err := net.SplitHostPort(s.cfg.ListenAddr)
	public := err == nil && !isLoopback(host)
	if s.cfg.Env == "production" && u.Scheme == "http" && !isLoopback(u.Hostname()) {
		add(Finding{"address", Warning, "BASE_URL is " + s.cfg.BaseURL + ": passwords and cookies travel in the clear", "Put a proxy with TLS in front and set BASE_URL=https://…"})
	}
	if u.Scheme == "https" && len(s.cfg.proxies) == 0 {
		add(Finding{"address", Warning, "TRUSTED_PROXIES is not set, though something in front speaks TLS: every visitor has its address", "Name it: TRUSTED_PROXIES=127.0.0.1, or the block your proxies are in."})
	}
	if host, _, err := net.SplitHostPort(s.cfg.MetricsAddr); err == nil && !isLoopback(host) {
		add(Finding{"metrics", Warning, "METRICS_ADDR=" + s.cfg.MetricsAddr + " can be read by anybody who reaches it", "Bind it to 127.0.0.1, or keep others out by a firewall."})
	}
	if public && u.Scheme == "http" && s.cfg.Env == "production" && len(s.cfg.proxies) == 0 {
		add(Finding{"address", Warning, "LISTEN_ADDR=" + s.cfg.ListenAddr + " is reached without TLS", "Listen on 127.0.0.1 behind a proxy with TLS."})
	}
	if info, err := os.Stat(s.cfg.DataDir); err == nil && info.Mode().Perm()&0o077 != 0 {
		add(Finding{"data", Warning, fmt.Sprintf("others on this machine may look into %s (mode %o)", s.cfg.DataDir, info.Mode().Perm()), "chmod 700 " + s.cfg.DataDir})
	}
	return fs
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// latency is the median of three tries.
func latency(try func() error) (time.Duration, error) {
	var took [3]time.Duration
	for i := range took {
		began := time.Now()
		if err := try(); err != nil {
			return 0, err
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took[:])
	return took[1], nil
}

func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}

// slowAnswer is how long a part may take to answer nothing at all.
const slowAnswer = 50 * time.Millisecond

// answered is the finding of a part that says its version.
func answered(part, version string, took time.Duration, more string) Finding {
	f := Finding{part, Well, fmt.Sprintf("%s, answers in %s%s", version, millis(took), more), ""}
	if took > slowAnswer {
		f.State, f.Remedy = Warning, "It is far away, or busy: look at its load and at the network between."
	}
	return f
}

func (s *server) examineControl(ctx context.Context) []Finding {
	const part = "control database"
	if s.control == nil {
		return nil
	}
	name, query := "SQLite", "select sqlite_version()"
	if !s.control.db.Embedded() {
		name, query = "PostgreSQL", "show server_version"
	}
	var version string
	took, err := latency(func() error { return s.control.db.SQL().QueryRowContext(ctx, query).Scan(&version) })
	if err != nil {
		return []Finding{{part, Broken, err.Error(), "Hits are taken meanwhile, pages are not. See that DATABASE_URL is right and that the database runs."}}
	}
	return []Finding{answered(part, name+" "+version, took, "")}
}

func (s *server) examineEvents(ctx context.Context) []Finding {
	const part = "event store"
	if s.store == nil {
		return nil
	}
	var version string
	took, err := latency(func() error { return s.selectOne(ctx, "select version()", &version) })
	var n int64
	if err == nil {
		err = s.selectOne(ctx, "select count(*) from events", &n)
	}
	if err != nil {
		return []Finding{{part, Broken, err.Error(), "Hits wait in the spool meanwhile; nothing is lost while its disk has room. See that EVENTS_URL is right and that the store runs."}}
	}
	return []Finding{answered(part, string(s.store.Dialect())+" "+version, took, ", events: "+digits(n))}
}

func (s *server) selectOne(ctx context.Context, query string, into any) (err error) {
	rows, err := s.store.Select(ctx, query)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	if !rows.Next() {
		return errors.Join(sql.ErrNoRows, rows.Err())
	}
	return rows.Scan(into)
}

func (s *server) examineRedis(ctx context.Context) []Finding {
	if s.shared.redis == nil {
		return nil
	}
	var version string
	took, err := latency(func() (err error) { version, err = s.shared.redis.Version(ctx); return err })
	if err != nil {
		return []Finding{{"Redis", Warning, err.Error(), "Nothing is lost: limits count by process and visits that change servers may be split. See that REDIS_URL is right and that Redis runs."}}
	}
	return []Finding{answered("Redis", "Redis "+version, took, "")}
}

// examineSpool says whether hits can be taken, and how far the store is behind.
func (s *server) examineSpool(ctx context.Context) []Finding {
	if s.spool == nil || s.store == nil {
		return nil
	}
	const part = "spool"
	if err := s.spool.Healthy(); err != nil {
		return []Finding{{part, Broken, err.Error(), "No hit is taken. See that the disk under DATA_DIR is there and has room."}}
	}
	f := Finding{part, Well, "the store has everything that was taken in", ""}
	bytes, age := s.loader.Lag()
	if loaded, err := s.store.Loaded(ctx, s.spool.ID()); err == nil { // the loader of a server that doesn't run hasn't asked
		bytes = max(0, s.spool.Durable()-max(loaded, s.spool.Oldest()))
	}
	if bytes > 0 {
		f.Facts = fmt.Sprintf("the store is behind by %s, %s", size(bytes), age.Round(time.Second))
	}
	switch full := float64(bytes) / float64(s.cfg.SpoolMaxBytes); {
	case full > 0.8:
		f.State, f.Remedy = Broken, fmt.Sprintf("Of SPOOL_MAX_BYTES %.0f %% are used; when it is full hits are refused. Bring the event store back, or raise it.", 100*full)
	case age > time.Minute:
		f.State, f.Remedy = Warning, "The event store is away or slow; the log says what it answers."
	}
	return []Finding{f}
}

// examineDisk says how long the disk lasts if events come as in the last week.
func (s *server) examineDisk(ctx context.Context) []Finding {
	const part = "disk"
	var fs unix.Statfs_t
	if err := unix.Statfs(s.cfg.DataDir, &fs); err != nil {
		return []Finding{{part, Broken, fmt.Sprintf("%s: %v", s.cfg.DataDir, err), "See that DATA_DIR is there."}}
	}
	free, all := int64(fs.Bavail)*fs.Bsize, int64(fs.Blocks)*fs.Bsize
	f := Finding{part, Well, fmt.Sprintf("%s free of %s", size(free), size(all)), ""}
	days := s.diskDays(ctx, free)
	if days > 0 {
		f.Facts += fmt.Sprintf(", enough for %s at last week's traffic", duration(days))
	}
	switch {
	case free < 1<<30 || days > 0 && days < 7:
		f.State, f.Remedy = Broken, "Make room or move to a larger disk soon: a full one takes no hits."
	case free*20 < all || days > 0 && days < 60:
		f.State, f.Remedy = Warning, "Plan for a larger disk."
	}
	return []Finding{f}
}

// bytesAnEvent is what an event takes on the disk, with what compaction needs
// beside it for a while.
const bytesAnEvent = 100

// diskDays is for how many days free bytes last, 0 where that can't be told or
// events are kept elsewhere.
func (s *server) diskDays(ctx context.Context, free int64) float64 {
	if s.store == nil || !s.cfg.eventsEmbedded() {
		return 0
	}
	var week int64
	since := time.Now().Add(-7 * 24 * time.Hour).UTC().Format("2006-01-02 15:04:05")
	if err := s.selectOne(ctx, "select count(*) from events where ts >= cast('"+since+"' as timestamp)", &week); err != nil || week == 0 {
		return 0
	}
	return float64(free) / (bytesAnEvent * float64(week) / 7)
}
