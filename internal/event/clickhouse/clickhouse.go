package clickhouse

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	client "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"

	"moonbear/internal/event"
)

// ErrOverlap is Append's answer to a batch that begins before what is stored
// of its spool and ends after it: nothing was added. Read again from Loaded.
var ErrOverlap = errors.New("batch overlaps what is stored")

// ErrClosed is every method's answer after Close.
var ErrClosed = errors.New("event store is closed")

const (
	// statementTime is how long an insert or a look at a spool's state may take
	// before it is in doubt: some hundred times what a batch takes.
	statementTime = time.Minute
	// answerTime is how long the client waits for an answer to what has no
	// deadline of its own: deleting a large site rewrites most of the disk.
	answerTime = 6 * time.Hour
	// connectTime is how long Open waits for a server that doesn't answer.
	connectTime = 5 * time.Second
	// connections is how many statements run at once in each of the two pools.
	// Rows that are still read hold one.
	connections = 64
)

// Options are what Open needs. Only URL is required.
type Options struct {
	// URL is clickhouse://user:password@host:9000/database for the native
	// protocol, http:// or https:// (or clickhouse+http://, clickhouse+https://)
	// for HTTP. Several hosts are separated by commas.
	URL string
	// Cluster is the name of the cluster in ClickHouse's configuration on which
	// tables are replicated and spread; "": one server.
	Cluster string
	Log     *slog.Logger
	Metrics prometheus.Registerer

	// Doubt is for how long after an old day changes it isn't kept; 0: five minutes.
	// Only in tests nothing else writes meanwhile.
	Doubt time.Duration
	// Now tells which days are over; nil: time.Now.
	Now func() time.Time

	// What tests set.
	statementTime time.Duration
	dial          func(ctx context.Context, addr string) (net.Conn, error)
	plain         bool              // columns aren't compressed, so that text can be found in files
	step          func(name string) // called between the steps of Append
}

// Store is an event.Store over ClickHouse. Any number of processes may use the
// same database, but one spool is one process's. Its methods may be called at
// the same time by any number of goroutines; appends of one spool wait for each
// other.
type Store struct {
	o       Options
	metrics *metrics
	conn    driver.Conn // for what changes something, and for export
	db      *sql.DB     // for Select
	closed  atomic.Bool

	kept      *keptCache
	migrating sync.Mutex
	migrated  atomic.Bool

	mu      sync.Mutex
	spools  map[string]*spool
	deleted uint32 // when the last deletion ended, by the server's clock; 0: nothing to wait for
}

var _ event.DayKeeper = (*Store)(nil)

// Open connects to the server and brings the schema up to date. A server that
// can't be reached is no error: what needs it fails until it can be, and the
// schema is seen to then.
func Open(ctx context.Context, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.statementTime == 0 {
		o.statementTime = statementTime
	}
	if o.Doubt == 0 {
		o.Doubt = doubtTime
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.step == nil {
		o.step = func(string) {}
	}
	writing, err := clientOptions(o, client.Settings{
		// An asynchronous insert is stored some time after it was answered, with
		// others, under no token.
		"async_insert": 0,
		// Over HTTP an error after the first bytes of an answer would be missed.
		"wait_end_of_query": 1,
	})
	if err != nil {
		return nil, err
	}
	reading, err := clientOptions(o, client.Settings{
		// Over HTTP the server would go on computing what nobody waits for.
		"cancel_http_readonly_queries_on_client_close": 1,
		// The client writes arguments into the text, and a hundred goals have many.
		"max_query_size": 64 << 20,
	})
	if err != nil {
		return nil, err
	}
	conn, err := client.Open(writing)
	if err != nil {
		return nil, fmt.Errorf("event store: %w", err)
	}
	s := &Store{o: o, conn: conn, db: client.OpenDB(reading), spools: map[string]*spool{},
		kept: &keptCache{known: map[keptKey]*keptKnown{}, asked: map[keptKey]*keptAsked{}}}
	s.db.SetMaxOpenConns(connections)
	s.db.SetMaxIdleConns(connections / 4)
	s.metrics = newMetrics(o.Metrics)
	opening, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	err = s.ready(opening)
	if unreachable(err) && ctx.Err() == nil {
		o.Log.WarnContext(ctx, "the event store can't be reached: it is tried again with each use", "error", err)
		return s, nil
	}
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	return s, nil
}

// unreachable says that the server was not there to answer, or what stands in
// front of it hung up.
func unreachable(err error) bool {
	return errors.As(err, new(*net.OpError)) || errors.As(err, new(*net.DNSError)) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// ready sees to the schema before the first use.
func (s *Store) ready(ctx context.Context) error {
	if s.closed.Load() {
		return ErrClosed
	}
	if err := ctx.Err(); err != nil || s.migrated.Load() {
		return err
	}
	s.migrating.Lock()
	defer s.migrating.Unlock()
	if s.migrated.Load() {
		return nil
	}
	if err := migrate(ctx, s.conn, s.o); err != nil {
		return err
	}
	s.migrated.Store(true)
	return nil
}

// Dialect is event.ClickHouse.
func (s *Store) Dialect() event.Dialect { return event.ClickHouse }

// Close ends the connections. What is being stored is stored or not, as if the
// process had ended.
func (s *Store) Close() error {
	if s.closed.Swap(true) {
		return nil
	}
	return errors.Join(s.conn.Close(), s.db.Close())
}

// Select runs a query on the tables of event.Store, or on keys (site_id, ts,
// key, body). A time.Time in args is bound as text of its UTC clock with
// milliseconds, which ClickHouse compares with the tables' times as a time.
func (s *Store) Select(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := s.ready(ctx); err != nil {
		return nil, err
	}
	bound := make([]any, len(args))
	for i, a := range args {
		if t, ok := a.(time.Time); ok {
			a = t.UTC().Format("2006-01-02 15:04:05.000") // the client would cut it to seconds
		}
		bound[i] = a
	}
	return s.db.QueryContext(ctx, query, bound...)
}

// exec runs a statement that changes something.
func (s *Store) exec(ctx context.Context, query string, args ...any) error {
	return s.conn.Exec(ctx, query, args...)
}
