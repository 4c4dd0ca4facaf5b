package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"moonbear/internal/bot"
	"moonbear/internal/event/duckdb"
	"moonbear/internal/fault"
	"moonbear/internal/geo"
	"moonbear/internal/salt"
	"moonbear/internal/site"
	"moonbear/internal/source"
	"moonbear/internal/transfer"
	"moonbear/internal/transfer/formats"
)

// ImportRequest is what `moonbear import` is asked.
type ImportRequest struct {
	Site    string   // public ID or domain
	Format  string   // "" or "auto": by the file's beginning
	Overlap bool     // also days that have live events
	Files   []string // "-" is standard input
	Undo    int64    // an import to take back; 0: none
	List    bool
}

// importer is what an import is done with, in this process or in the server
// that holds the data directory.
type importer interface {
	take(ctx context.Context, q importFile, f *os.File, tell func(transfer.Progress)) (*transfer.Summary, error)
	list(ctx context.Context, q importList) ([]listedImport, error)
	undo(ctx context.Context, q importUndo) (transfer.Import, error)
	// sort puts what came in in order, which makes questions fast.
	sort(ctx context.Context, q struct{}) (sorted, error)
}

type importFile struct {
	Site    string `json:"site"`
	Format  string `json:"format"`
	Overlap bool   `json:"overlap"`
	Name    string `json:"name"`
}

type importList struct {
	Site string `json:"site"` // "" is every site
}

type importUndo struct {
	ID int64 `json:"id"`
}

type listedImport struct {
	transfer.Import
	Domain string `json:"domain"`
}

type sorted struct {
	Postponed string `json:"postponed"` // why it was not done; "" when it was
}

// Import takes files in, lists imports or takes one back, whether a server runs
// on the data directory (it does the work then) or not. What became of a file is
// told on out, progress on progressTo.
func Import(ctx context.Context, cfg Config, r ImportRequest, in *os.File, out, progressTo io.Writer) (err error) {
	if err := r.check(); err != nil {
		return err
	}
	dir, err := openDataDir(cfg.DataDir)
	var im importer = remoteImports{cfg.DataDir}
	if err == nil {
		h, openErr := openImports(ctx, cfg, dir)
		if openErr != nil {
			return errors.Join(openErr, dir.close())
		}
		defer func() { err = errors.Join(err, h.close(), dir.close()) }()
		im = h
	} else if !errors.Is(err, errRunning) {
		return err
	}
	t := importTeller{out: out, bar: newProgress(progressTo, "lines", 0, 0)}
	switch {
	case r.List:
		all, err := im.list(ctx, importList{Site: r.Site})
		if err != nil {
			return err
		}
		return t.list(all)
	case r.Undo != 0:
		gone, err := im.undo(ctx, importUndo{ID: r.Undo})
		if err != nil {
			return err
		}
		return t.undone(gone)
	}
	return r.takeAll(ctx, im, in, &t)
}

// check says what is wrong with what was asked, before anything is opened.
func (r *ImportRequest) check() error {
	asked := 0
	for _, a := range []bool{len(r.Files) > 0, r.Undo != 0, r.List} {
		if a {
			asked++
		}
	}
	switch {
	case asked == 0:
		return fault.New(fault.Invalid, "Name the files to import (- is standard input), or --list, or --undo with an import's ID.")
	case asked > 1:
		return fault.New(fault.Invalid, "Files, --list and --undo are three things: ask for one.")
	case len(r.Files) > 0 && r.Site == "":
		return fault.Field("site", "--site: whose history is it? Give the site's ID or its domain.")
	}
	return nil
}

// takeAll takes the files in, one after the other. The first that fails ends
// it: what came before it stays, and the same command goes on there.
func (r *ImportRequest) takeAll(ctx context.Context, im importer, in *os.File, t *importTeller) error {
	var stored int64
	for _, name := range r.Files {
		f, err := openImport(ctx, name, in)
		if err != nil {
			return err
		}
		t.begin()
		sum, err := im.take(ctx, importFile{Site: r.Site, Format: r.Format, Overlap: r.Overlap, Name: name}, f, t.progress)
		t.bar.clear()
		_ = f.Close() // it was read
		if err != nil {
			if len(r.Files) > 1 {
				return fmt.Errorf("%s: %w", name, err)
			}
			return err
		}
		stored += sum.Run.Stored
		if err := t.summary(sum); err != nil {
			return err
		}
	}
	if stored == 0 {
		return nil
	}
	s, err := im.sort(ctx, struct{}{})
	if err == nil && s.Postponed != "" {
		_, err = fmt.Fprintln(t.out, "It is stored, but not sorted yet, so questions about it are slower till tonight: "+s.Postponed)
	}
	return err
}

// openImport opens a file. What is no file on a disk (a pipe) is copied through
// a pipe of our own, whose reading end can be closed while somebody reads it.
func openImport(ctx context.Context, name string, in *os.File) (*os.File, error) {
	f := in
	if name != "-" {
		var err error
		if f, err = os.Open(name); err != nil {
			return nil, err
		}
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	switch {
	case info.IsDir():
		return nil, fault.New(fault.Invalid, name+": it is a folder. Name the files in it.")
	case info.Mode().IsRegular() && name != "-":
		return f, nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	go func() { // ends with the input, or when the reader closes its end
		_, _ = io.Copy(w, f)
		_ = w.Close()
	}()
	context.AfterFunc(ctx, func() { _ = r.Close() })
	return r, nil
}

// imports are the parts of an import in the process that holds the data
// directory.
type imports struct {
	sites    *site.Service
	transfer *transfer.Importer
	store    eventStore
	closers  []func() error
}

// openImports opens what an import needs and no more, where no server runs.
func openImports(ctx context.Context, cfg Config, dir *dataDir) (h *imports, err error) {
	h = &imports{}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.close())
		}
	}()
	log := slog.New(slog.DiscardHandler)
	c, err := openControl(ctx, cfg, log)
	if err != nil {
		return h, err
	}
	h.closers = append(h.closers, c.db.Close)
	if err := c.sites.Directory().Refresh(ctx); err != nil {
		return h, err
	}
	h.sites = c.sites
	salts, err := salt.Open(dir.file("salts"), time.Now)
	if err != nil {
		return h, err
	}
	if h.store, err = openEvents(ctx, cfg, log, nil); err != nil {
		return h, err
	}
	h.closers = append(h.closers, h.store.Close)
	places, err := geo.Open(cfg.GeoIPDB)
	if err != nil {
		return h, fmt.Errorf("GEOIP_DB: %w", err)
	}
	bots, err := bot.New()
	if err != nil {
		return h, err
	}
	sources, err := source.New()
	h.transfer = transfer.New(transfer.Options{
		DB: c.db, Store: h.store, Formats: formats.All(), Salts: salts, Geo: places, Bots: bots, Sources: sources, Temp: dir.path, Log: log,
	})
	return h, err
}

func (h *imports) close() error {
	var errs []error
	for i := len(h.closers) - 1; i >= 0; i-- {
		errs = append(errs, h.closers[i]())
	}
	h.closers = nil
	return errors.Join(errs...)
}

// of finds a site by public ID or domain.
func (h *imports) of(id string) (*site.Site, error) {
	s, known := h.sites.Directory().Lookup(id)
	if !known {
		return nil, fault.Field("site", fmt.Sprintf("There is no site %q: give its ID, as in the snippet, or its domain.", id))
	}
	return s, nil
}

func (h *imports) take(ctx context.Context, q importFile, f *os.File, tell func(transfer.Progress)) (*transfer.Summary, error) {
	s, err := h.of(q.Site)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	file := transfer.File{Name: q.Name, Reader: f}
	if info.Mode().IsRegular() {
		file.Size = info.Size()
	}
	return h.transfer.Import(ctx, transfer.Request{Site: s, File: file, Format: q.Format, Overlap: q.Overlap}, tell)
}

func (h *imports) list(ctx context.Context, q importList) (all []listedImport, err error) {
	var id int64
	if q.Site != "" {
		s, err := h.of(q.Site)
		if err != nil {
			return nil, err
		}
		id = s.ID
	}
	found, err := h.transfer.Imports(ctx, id)
	if err != nil {
		return nil, err
	}
	for _, i := range found {
		l := listedImport{Import: i}
		if s, err := h.sites.ByID(ctx, i.Site); err == nil {
			l.Domain = s.Domain
		} else if !errors.Is(err, site.ErrNotFound) { // a deleted site's, for three days
			return nil, err
		}
		all = append(all, l)
	}
	return all, nil
}

func (h *imports) undo(ctx context.Context, q importUndo) (transfer.Import, error) {
	i, err := h.transfer.ByID(ctx, q.ID)
	if err != nil {
		return i, err
	}
	return h.transfer.Undo(ctx, i.Site, i.ID)
}

func (h *imports) sort(ctx context.Context, _ struct{}) (s sorted, err error) {
	err = h.store.Compact(ctx)
	if errors.Is(err, duckdb.ErrDiskShort) {
		return sorted{err.Error()}, nil
	}
	return s, err
}

// openImporter makes the importer of a server, which waits while collecting is
// behind.
func (s *server) openImporter(places *geo.DB, bots *bot.Matcher, sources *source.Sources) {
	store := standing{s.store, s.moving}
	s.imports = &imports{sites: s.control.sites, store: store, transfer: transfer.New(transfer.Options{
		DB: s.control.db, Store: store, Formats: formats.All(), Salts: s.salts,
		Geo: places, Bots: bots, Sources: sources, Temp: s.dir.path, Pace: s.pace, Log: s.log,
	})}
}

// pace lets hits go first: an import waits while they have been waiting for a
// second, but not for ever, for a store that is down is the import's to find.
func (s *server) pace(ctx context.Context) error {
	const behind, patience = time.Second, 30 * time.Second
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for waited := time.Now(); time.Since(waited) < patience; {
		if _, age := s.loader.Lag(); age < behind {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-poll.C:
		}
	}
	return nil
}
