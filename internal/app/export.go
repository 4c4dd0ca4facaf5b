package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"moonbear/internal/fault"
	"moonbear/internal/site"
	"moonbear/internal/transfer/export"
)

// ExportRequest says which events `moonbear export` writes, and where to.
type ExportRequest struct {
	Site   string `json:"site"`   // public ID
	From   string `json:"from"`   // first day, in the site's zone; "": from the beginning
	To     string `json:"to"`     // last day; "": to the end
	Format string `json:"format"` // "": by the name of Output, else CSV
	Gzip   bool   `json:"gzip"`   // also by the name of Output
	Output string `json:"-"`      // a file, or "-" for standard output
}

// byName takes from the output's name what wasn't said.
func (r *ExportRequest) byName() error {
	name := strings.ToLower(r.Output)
	if bare, ok := strings.CutSuffix(name, ".gz"); ok {
		r.Gzip, name = true, bare
	}
	for _, f := range export.All() {
		if r.Format == "" && strings.HasSuffix(name, "."+string(f)) {
			r.Format = string(f)
		}
	}
	f, err := export.ParseFormat(r.Format)
	if err == nil && f == export.Parquet && r.Gzip {
		err = fault.Field("gzip", "Parquet is compressed inside already: leave out --gzip and .gz.")
	}
	r.Format = string(f)
	return err
}

// Export writes a site's raw events to a file or to out, whether a server runs
// on the data directory (which then streams them) or not. What people are told
// meanwhile goes to tell.
func Export(ctx context.Context, cfg Config, r ExportRequest, out, tell io.Writer) error {
	if err := r.byName(); err != nil {
		return err
	}
	if r.Output == "" || r.Output == "-" {
		if isTerminal(out) && r.Format == string(export.Parquet) {
			return fault.Field("output", "Parquet can't be read on a terminal: give --output FILE, or send it into a file.")
		}
		return runExport(ctx, cfg, r, out, tell)
	}
	return writeWhole(r.Output, func(f io.Writer) error { return runExport(ctx, cfg, r, f, tell) })
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// writeWhole writes a file under another name and renames it when it is whole
// and on disk, so that nobody takes half an export for one.
func writeWhole(path string, write func(io.Writer) error) (err error) {
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(path + ".tmp") // the first error is the one to tell
		}
	}()
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}

func runExport(ctx context.Context, cfg Config, r ExportRequest, out, tell io.Writer) error {
	began, counted := time.Now(), &byteCounter{w: out}
	var p *progress
	begin := func(total int64) { p = newProgress(tell, "events", 0, total) }
	events, err := exportFrom(ctx, cfg, r, counted, begin, func(n int64) { p.at(n) })
	if p != nil {
		p.clear()
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(tell, "%s events, %s bytes of %s, in %.1f s.\n", digits(events), digits(counted.n), r.Format, time.Since(began).Seconds())
	return err
}

type byteCounter struct {
	w io.Writer
	n int64
}

func (c *byteCounter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// exportFrom has the running server write the events, or opens the stores.
func exportFrom(ctx context.Context, cfg Config, r ExportRequest, out io.Writer, begin, at func(int64)) (events int64, err error) {
	s := newServer(cfg, slog.New(slog.DiscardHandler))
	if err := s.openControl(ctx); errors.Is(err, errRunning) {
		return askExport(ctx, cfg.DataDir, r, out, begin, at)
	} else if err != nil {
		return 0, errors.Join(err, s.close())
	}
	defer func() { err = errors.Join(err, s.close()) }()
	q, err := s.exportRequest(ctx, r)
	if err != nil {
		return 0, err
	}
	for _, step := range []func(context.Context) error{s.openSpool, s.openStore} {
		if err := step(ctx); err != nil {
			return 0, err
		}
	}
	if err := s.loadRest(ctx, "an export"); err != nil {
		return 0, err
	}
	extent, err := s.exports.Extent(ctx, q.Site.ID, q.Days)
	if err != nil {
		return 0, err
	}
	begin(extent.Events)
	err = s.exports.Write(ctx, out, q, func(n int64) { events = n; at(n) })
	return events, err
}

// loadRest stores what a server that was killed had collected and not stored.
func (s *server) loadRest(ctx context.Context, what string) error {
	done, cancel := context.WithCancel(ctx)
	cancel() // so that Run only does what it does at its end
	if err := s.loader.Run(done); err != nil {
		return err
	}
	if bytes, _ := s.loader.Lag(); bytes > 0 {
		return fault.New(fault.Conflict, fmt.Sprintf("%s bytes of collected hits aren't stored yet, so %s would lack them. Start the server, and do it while that runs.", digits(bytes), what))
	}
	return nil
}

// exportRequest finds the site and reads the days and the format.
func (s *server) exportRequest(ctx context.Context, r ExportRequest) (export.Request, error) {
	q := export.Request{Gzip: r.Gzip}
	st, err := s.control.sites.ByPublicID(ctx, strings.TrimSpace(r.Site))
	if errors.Is(err, site.ErrNotFound) {
		return q, fault.Field("site", fmt.Sprintf("There is no site %q: a site's ID is in its snippet and its address.", r.Site))
	}
	if err != nil {
		return q, err
	}
	q.Site = &st
	if q.Format, err = export.ParseFormat(r.Format); err != nil {
		return q, err
	}
	q.Days, err = export.ParseDays(r.From, r.To, st.Location)
	return q, err
}
