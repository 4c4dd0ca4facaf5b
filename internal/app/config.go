// Package app wires the pieces into one program: it reads the configuration,
// makes every part from the ones below it, runs them, and stops them in the
// order that loses nothing.
//
// Start: locks → control database → salts → spool → event store → open visits
// → listen. Stop: listener → drop counts → spool's last commit → load's last
// batch → stores.
package app

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"

	"moonbear/internal/kv/redis"
)

// Config is everything that can be set, all of it by environment variables.
// The tags feed `moonbear help env`.
type Config struct {
	ListenAddr string `env:"LISTEN_ADDR" envDefault:"127.0.0.1:8080" help:"Address and port that visitors, customers and the API reach." example:"0.0.0.0:80"`
	BaseURL    string `env:"BASE_URL" help:"The address people type, used in snippets, links and cookies. Default: http:// and LISTEN_ADDR." example:"https://stats.example.com"`
	DataDir    string `env:"DATA_DIR" envDefault:"./data" help:"Where everything that must survive is kept: databases, spool, salts." example:"/var/lib/moonbear"`

	DatabaseURL   string `env:"DATABASE_URL" help:"The control database, SQLite or PostgreSQL. Default: sqlite://DATA_DIR/moonbear.db." example:"postgres://moonbear:PASSWORD@db.internal:5432/moonbear?sslmode=verify-full"`
	EventsURL     string `env:"EVENTS_URL" help:"The event store, DuckDB or ClickHouse (clickhouse:// for its own protocol, clickhouse+http:// or clickhouse+https:// for HTTP). Default: duckdb://DATA_DIR/events.duckdb." example:"clickhouse://moonbear:PASSWORD@events.internal:9000/moonbear"`
	EventsCluster string `env:"EVENTS_CLUSTER" help:"The name of the cluster in ClickHouse's configuration that events are replicated and spread on. Default: one server." example:"moonbear"`
	RedisURL      string `env:"REDIS_URL" help:"Redis, through which several servers of one service share open visits, limits and salts. While it is away each goes by its own memory. Default: none, one server." example:"redis://:PASSWORD@redis.internal:6379/0"`

	EventsMemory   Bytes  `env:"EVENTS_MEMORY" help:"Memory the embedded event store may use. Default: a quarter of the machine's, at most 1GiB." example:"512MiB"`
	SpoolMaxBytes  Bytes  `env:"SPOOL_MAX_BYTES" envDefault:"4GiB" help:"How large the spool may grow while the event store is away; beyond it collecting answers 503." example:"20GiB"`
	CollectRate    int    `env:"COLLECT_RATE" envDefault:"0" help:"Most hits a minute from one client address before 429; 0 sets no limit." example:"600"`
	TrustedProxies List   `env:"TRUSTED_PROXIES" help:"Addresses or CIDR blocks of proxies whose X-Forwarded-For or CF-Connecting-IP is believed." example:"127.0.0.1,10.0.0.0/8"`
	GeoIPDB        string `env:"GEOIP_DB" help:"A better place database than the built-in one: a country or city file in MaxMind's mmdb format." example:"/var/lib/moonbear/GeoLite2-City.mmdb"`
	TrackerPath    string `env:"TRACKER_PATH" envDefault:"/analytics.js" help:"The name the tracker script is served under." example:"/js/bear.js"`

	Roles      List          `env:"ROLES" envDefault:"web,collect,jobs" help:"What this process does, of web (pages and the API), collect (takes hits) and jobs (scheduled work). Less than all needs DATABASE_URL and EVENTS_URL that several processes can share." example:"collect"`
	DrainDelay time.Duration `env:"DRAIN_DELAY" envDefault:"0s" help:"How long a process that was told to stop goes on while /readyz says no, so that the proxy in front sends nobody new." example:"5s"`

	DrainTimeout time.Duration `env:"DRAIN_TIMEOUT" envDefault:"10s" help:"How long a process that was told to stop then goes on copying its spool to the event store. What is left stays in DATA_DIR and, with BACKUP_URL, is handed over to the other processes." example:"1m"`

	BackupURL          string `env:"BACKUP_URL" help:"Storage that all servers of a service share, an S3 bucket or a directory: what one can't load any more is handed over to the others through it. Default: none." example:"s3://moonbear-backups/production?region=eu-central-1"`
	AWSAccessKeyID     string `env:"AWS_ACCESS_KEY_ID" help:"The key for BACKUP_URL, if it is a bucket. It may get, put, list and delete objects." example:"AKIAIOSFODNN7EXAMPLE"`
	AWSSecretAccessKey string `env:"AWS_SECRET_ACCESS_KEY" help:"The secret of that key." example:"SECRET"`
	AWSSessionToken    string `env:"AWS_SESSION_TOKEN" help:"What comes with a key that is good for a while." example:"TOKEN"`

	MetricsAddr string `env:"METRICS_ADDR" envDefault:"127.0.0.1:9090" help:"Address of /metrics (Prometheus); off turns it off." example:"off"`
	LogLevel    string `env:"LOG_LEVEL" envDefault:"info" help:"debug, info, warn or error." example:"debug"`
	Env         string `env:"ENV" envDefault:"production" help:"production (JSON logs) or development (readable logs)." example:"development"`

	proxies []netip.Prefix
}

// Bytes is an amount of memory or disk: "512MiB", "4GB", "1048576".
type Bytes int64

var byteUnits = []struct {
	suffix string
	size   float64
}{
	{"kib", 1 << 10}, {"mib", 1 << 20}, {"gib", 1 << 30}, {"tib", 1 << 40},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12}, {"b", 1},
}

// UnmarshalText reads an amount with or without a unit.
func (b *Bytes) UnmarshalText(text []byte) error {
	s, scale := strings.ToLower(strings.TrimSpace(string(text))), 1.0
	for _, u := range byteUnits {
		if n, ok := strings.CutSuffix(s, u.suffix); ok {
			s, scale = strings.TrimSpace(n), u.size
			break
		}
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 0 || n*scale > 1<<62 {
		return fmt.Errorf("%q is not an amount of bytes: write it like 512MiB or 4GB", text)
	}
	*b = Bytes(n * scale)
	return nil
}

// List is a comma-separated list; spaces around its items do not count.
type List []string

// UnmarshalText splits the list.
func (l *List) UnmarshalText(text []byte) error {
	for s := range strings.SplitSeq(string(text), ",") {
		if s = strings.TrimSpace(s); s != "" {
			*l = append(*l, s)
		}
	}
	return nil
}

// ReadConfig reads and checks the environment; an error names every variable
// that is wrong and what it takes.
func ReadConfig(environ []string) (Config, error) {
	var c Config
	if err := env.ParseWithOptions(&c, env.Options{Environment: env.ToMap(environ)}); err != nil {
		return Config{}, nameVariables(err)
	}
	var errs []error
	bad := func(name, value, want string) {
		errs = append(errs, fmt.Errorf("%s=%q: %s", name, value, want))
	}
	host, port, err := net.SplitHostPort(c.ListenAddr)
	if err != nil || !isPort(port) {
		bad("LISTEN_ADDR", c.ListenAddr, "want an address and a port, like 127.0.0.1:8080 or :8080")
	}
	if c.MetricsAddr == "off" {
		c.MetricsAddr = ""
	} else if _, p, err := net.SplitHostPort(c.MetricsAddr); err != nil || !isPort(p) {
		bad("METRICS_ADDR", c.MetricsAddr, "want an address and a port, like 127.0.0.1:9090, or off")
	}
	if c.BaseURL == "" {
		if ip, err := netip.ParseAddr(host); host == "" || err == nil && ip.IsUnspecified() {
			host = "localhost"
		}
		c.BaseURL = "http://" + net.JoinHostPort(host, port)
	}
	c.BaseURL = strings.TrimRight(c.BaseURL, "/")
	if u, err := url.Parse(c.BaseURL); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		bad("BASE_URL", c.BaseURL, "want a full address, like https://stats.example.com")
	} else if u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		// The pages link to each other from the root.
		bad("BASE_URL", u.Redacted(), "want only a scheme and a host name of its own, like https://stats.example.com")
	}
	if c.DatabaseURL == "" {
		c.DatabaseURL = "sqlite://" + filepath.Join(c.DataDir, "moonbear.db")
	}
	if !hasScheme(c.DatabaseURL, "sqlite", "postgres", "postgresql") {
		bad("DATABASE_URL", scheme(c.DatabaseURL), "want sqlite:// and a path, or postgres://USER:PASSWORD@HOST/NAME")
	}
	if c.EventsURL == "" {
		c.EventsURL = "duckdb://" + filepath.Join(c.DataDir, "events.duckdb")
	}
	if !hasScheme(c.EventsURL, "duckdb", "clickhouse", "clickhouse+http", "clickhouse+https") {
		bad("EVENTS_URL", scheme(c.EventsURL), "want duckdb:// and a path, or clickhouse://USER:PASSWORD@HOST:9000/NAME")
	}
	for _, r := range c.Roles {
		if !slices.Contains(roles, r) {
			bad("ROLES", r, "want some of web, collect and jobs, with commas between them")
		}
	}
	if missing := slices.ContainsFunc(roles, func(r string) bool { return !c.does(r) }); missing && c.embedded() {
		bad("ROLES", strings.Join(c.Roles, ","), "an embedded store belongs to one process, which does everything: leave ROLES unset, or set DATABASE_URL=postgres://… and EVENTS_URL=clickhouse://…")
	}
	if c.DrainDelay < 0 || c.DrainDelay > time.Hour {
		bad("DRAIN_DELAY", c.DrainDelay.String(), "want a duration like 5s, at most 1h")
	}
	if c.DrainTimeout <= 0 || c.DrainTimeout > time.Hour {
		bad("DRAIN_TIMEOUT", c.DrainTimeout.String(), "want a duration like 1m, at most 1h")
	}
	if _, err := c.bucket(); err != nil {
		bad("BACKUP_URL", scheme(c.BackupURL), err.Error())
	}
	if c.RedisURL != "" {
		if err := redis.Check(c.RedisURL); err != nil {
			bad("REDIS_URL", scheme(c.RedisURL), err.Error())
		}
	}
	if !strings.HasPrefix(c.TrackerPath, "/") || len(c.TrackerPath) < 2 || path.Clean(c.TrackerPath) != c.TrackerPath || strings.ContainsAny(c.TrackerPath, " {}?#") {
		bad("TRACKER_PATH", c.TrackerPath, "want a path that starts with /, like /analytics.js")
	}
	if c.CollectRate < 0 {
		bad("COLLECT_RATE", strconv.Itoa(c.CollectRate), "want hits a minute, or 0 for no limit")
	}
	if c.SpoolMaxBytes < 16<<20 {
		bad("SPOOL_MAX_BYTES", strconv.FormatInt(int64(c.SpoolMaxBytes), 10), "want at least 16MiB")
	}
	if c.Env != "production" && c.Env != "development" {
		bad("ENV", c.Env, "want production or development")
	}
	for _, s := range c.TrustedProxies {
		p, err := parsePrefix(s)
		if err != nil {
			bad("TRUSTED_PROXIES", s, "want addresses or CIDR blocks with commas between them, like 127.0.0.1,10.0.0.0/8")
			continue
		}
		c.proxies = append(c.proxies, p)
	}
	return c, errors.Join(errs...)
}

// isPort says whether a port is a number a socket can have; 0 takes a free one.
func isPort(s string) bool {
	_, err := strconv.ParseUint(s, 10, 16)
	return err == nil
}

// What a process may do.
const (
	roleWeb     = "web"
	roleCollect = "collect"
	roleJobs    = "jobs"
)

var roles = []string{roleWeb, roleCollect, roleJobs}

func (c Config) does(role string) bool { return slices.Contains(c.Roles, role) }

// embedded says whether a store is a file that one process has open.
func (c Config) embedded() bool { return hasScheme(c.DatabaseURL, "sqlite") || c.eventsEmbedded() }

func (c Config) eventsEmbedded() bool { return hasScheme(c.EventsURL, "duckdb") }

func hasScheme(u string, schemes ...string) bool {
	return slices.ContainsFunc(schemes, func(s string) bool { return strings.HasPrefix(u, s+"://") })
}

// scheme keeps passwords out of error messages: only what is before "://".
func scheme(u string) string {
	s, _, ok := strings.Cut(u, "://")
	if !ok {
		return "no scheme"
	}
	return s + "://…"
}

func parsePrefix(s string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Prefix(a.BitLen())
	}
	return netip.ParsePrefix(s)
}

// nameVariables turns the parser's words, which name struct fields, into ones
// that name the variable.
func nameVariables(err error) error {
	var agg env.AggregateError
	if !errors.As(err, &agg) {
		return err
	}
	var errs []error
	for _, e := range agg.Errors {
		var pe env.ParseError
		if !errors.As(e, &pe) {
			errs = append(errs, e)
			continue
		}
		name := pe.Name
		if f, ok := reflect.TypeFor[Config]().FieldByName(pe.Name); ok {
			name = f.Tag.Get("env")
		}
		want := pe.Err.Error()
		switch pe.Type {
		case reflect.TypeFor[int]():
			want = "want a whole number"
		case reflect.TypeFor[time.Duration]():
			want = "want a duration like 5s"
		}
		errs = append(errs, fmt.Errorf("%s: %s", name, want))
	}
	return errors.Join(errs...)
}

// HelpEnv writes every variable with its meaning, default and example.
func HelpEnv(w io.Writer) error {
	for f := range reflect.TypeFor[Config]().Fields() {
		name := f.Tag.Get("env")
		if name == "" {
			continue
		}
		_, err := fmt.Fprintf(w, "%s\n    %s\n", name, f.Tag.Get("help"))
		if d := f.Tag.Get("envDefault"); d != "" && err == nil {
			_, err = fmt.Fprintf(w, "    default: %s\n", d)
		}
		if err == nil {
			_, err = fmt.Fprintf(w, "    example: %s=%s\n\n", name, f.Tag.Get("example"))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// eventsPath is where the embedded event store keeps its files.
func (c Config) eventsPath() string { return strings.TrimPrefix(c.EventsURL, "duckdb://") }

// secure says whether people reach the server by https.
func (c Config) secure() bool { return strings.HasPrefix(c.BaseURL, "https://") }
