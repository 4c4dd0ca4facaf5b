// Package export writes a site's events as they are stored, all of them, into
// files that anything can read, and reads such files again for an import.
//
//	event.Store.Export (spans of 10,000) → csv.go, ndjson.go, parquet.go → 64 KiB → gzip → who asked
//	read_csv.go, read_ndjson.go, read_parquet.go → transfer.Record.Exact
//
// What goes out and comes in again is the same event but for its site and its
// import. Memory is the same for a thousand events and for a billion, and
// while somebody reads slowly the store is not held.
package export

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"

	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/site"
	"moonbear/internal/stats"
)

// Format is a kind of file that events are written to. Each can be imported
// again under the name "moonbear-" with its own behind it.
type Format string

// The formats of exports.
const (
	CSV     Format = "csv"
	NDJSON  Format = "ndjson"
	Parquet Format = "parquet"
)

// All lists the formats, the default first.
func All() []Format { return []Format{CSV, NDJSON, Parquet} }

// ParseFormat reads a format's name; "" is CSV.
func ParseFormat(name string) (Format, error) {
	f := Format(strings.ToLower(name))
	if f == "" {
		return CSV, nil
	}
	if !slices.Contains(All(), f) {
		return "", fault.Field("format", fmt.Sprintf("format must be csv, ndjson or parquet, not %q.", clip(name)))
	}
	return f, nil
}

// clip keeps what somebody sent short in a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

// Days are a period: the instants from <= t < to. A zero time is an open end.
type Days struct{ From, To time.Time }

// ParseDays reads the first and the last day, like 2026-11-22, in a zone. ""
// is an open end.
func ParseDays(from, to string, loc *time.Location) (d Days, err error) {
	var days [2]stats.Date
	for i, in := range []struct{ field, text string }{{"from", from}, {"to", to}} {
		if in.text == "" {
			continue
		}
		day, ok := stats.ParseDate(in.text)
		if !ok {
			return Days{}, fault.Field(in.field, in.field+" must be a date like 2026-11-22.")
		}
		days[i] = day
	}
	if !days[0].IsZero() {
		d.From = days[0].Begin(loc)
	}
	if !days[1].IsZero() {
		d.To = days[1].Next().Begin(loc)
	}
	if from != "" && to != "" && !d.From.Before(d.To) {
		return Days{}, fault.Field("to", "to is before from: the first day comes first.")
	}
	return d, nil
}

// Request is what to write.
type Request struct {
	Site   *site.Site
	Days   Days
	Format Format
	Gzip   bool // Parquet is compressed already and never gzipped
}

// FileName is what the file is called: the domain, the days in the site's
// zone, the format.
func (x Request) FileName() string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, strings.ToLower(x.Site.Domain))
	name = name[:min(len(name), 80)] + "-events"
	if !x.Days.From.IsZero() {
		name += "-" + x.Days.From.Format(time.DateOnly)
	}
	if !x.Days.To.IsZero() {
		name += "-to-" + x.Days.To.Add(-time.Nanosecond).Format(time.DateOnly)
	}
	name += "." + string(x.Format)
	if x.Gzip && x.Format != Parquet {
		name += ".gz"
	}
	return name
}

// Exports writes files of one store's events.
type Exports struct {
	store event.Store
	log   *slog.Logger

	mu      sync.Mutex
	running map[int64]int // by site
}

// New makes Exports over a store; log may be nil.
func New(store event.Store, log *slog.Logger) *Exports {
	return &Exports{store: store, log: log, running: map[int64]int{}}
}

// Extent is what there is of a site in a period.
type Extent struct {
	Events      int64
	First, Last time.Time // zero when there is nothing
}

// WithoutEvents counts a site's imports that have counts of days and no events,
// which no export can hold.
func (x *Exports) WithoutEvents(ctx context.Context, siteID int64) (n int64, err error) {
	rows, err := x.store.Select(ctx, "select count(distinct import_id) from imported_days where site_id = ?", siteID)
	if err != nil {
		return 0, fmt.Errorf("count imports without events: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&n); err != nil {
			return 0, err
		}
	}
	return n, rows.Err()
}

// Extent counts a period's events.
func (x *Exports) Extent(ctx context.Context, siteID int64, d Days) (e Extent, err error) {
	query, args := "select count(*), min(ts), max(ts) from events where site_id = ?", []any{siteID}
	if !d.From.IsZero() {
		query, args = query+" and ts >= ?", append(args, d.From.UTC())
	}
	if !d.To.IsZero() {
		query, args = query+" and ts < ?", append(args, d.To.UTC())
	}
	rows, err := x.store.Select(ctx, query, args...)
	if err != nil {
		return e, fmt.Errorf("count events of site %d: %w", siteID, err)
	}
	defer rows.Close()
	var first, last *time.Time
	for rows.Next() {
		if err := rows.Scan(&e.Events, &first, &last); err != nil {
			return e, err
		}
	}
	if first != nil && last != nil && e.Events > 0 {
		e.First, e.Last = *first, *last
	}
	return e, rows.Err()
}

// rowWriter writes events in one format. close ends the file, not what it is
// written to.
type rowWriter interface {
	write(*event.Event) error
	close() error
}

func newRowWriter(f Format, out *bufio.Writer, site string) (rowWriter, error) {
	switch f {
	case CSV:
		return newCSVWriter(out, site)
	case NDJSON:
		return &ndjsonWriter{out: out, site: site}, nil
	case Parquet:
		return newParquetWriter(out, site), nil
	}
	return nil, fmt.Errorf("no such format: %q", f)
}

// progressEvery is after how many events Write says how far it is.
const progressEvery = 5000

// Write writes the events as a file to w, by time. progress, which may be nil,
// is told now and then how many are written, and at the end.
func (x *Exports) Write(ctx context.Context, w io.Writer, e Request, progress func(events int64)) error {
	var z *gzip.Writer
	if e.Gzip && e.Format != Parquet {
		var err error
		if z, err = gzip.NewWriterLevel(w, gzip.BestSpeed); err != nil {
			return err
		}
		w = z
	}
	out := bufio.NewWriterSize(w, 64<<10)
	rows, err := newRowWriter(e.Format, out, e.Site.PublicID)
	if err != nil {
		return err
	}
	if progress == nil {
		progress = func(int64) {}
	}
	var n int64
	err = x.store.Export(ctx, e.Site.ID, e.Days.From, e.Days.To, func(ev *event.Event) error {
		if n++; n%progressEvery == 0 {
			progress(n)
		}
		return rows.write(ev)
	})
	if err != nil {
		return err
	}
	err = errors.Join(rows.close(), out.Flush())
	if z != nil {
		err = errors.Join(err, z.Close())
	}
	if err == nil {
		progress(n)
	}
	return err
}
