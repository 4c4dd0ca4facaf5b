package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonbear/internal/fault"
	"moonbear/internal/site"
	"moonbear/internal/transfer"
	"moonbear/internal/transfer/export"
	"moonbear/internal/web/html"
)

// Exporter writes a site's events into files; *export.Exports is one.
type Exporter interface {
	Extent(context.Context, int64, export.Days) (export.Extent, error)
	WithoutEvents(ctx context.Context, siteID int64) (int64, error)
	Serve(http.ResponseWriter, *http.Request, export.Request) error
}

// Importer knows what was imported; *transfer.Importer is one.
type Importer interface {
	Imports(ctx context.Context, siteID int64) ([]transfer.Import, error)
	Undo(ctx context.Context, siteID, id int64) (transfer.Import, error)
}

// What an event takes in a file, in bytes: of a site like others, measured.
const (
	csvBytes     = 340
	parquetBytes = 38
)

// transfer shows what goes out of a site and comes in:
// GET /sites/{site}/transfer?from=2026-03-01&to=2026-03-31
func (s *Server) transfer(w http.ResponseWriter, r *http.Request, v *viewer) error {
	return s.showTransfer(w, r, v, http.StatusOK, html.Transfer{})
}

// showTransfer is the page; of p, what the request brought is filled.
func (s *Server) showTransfer(w http.ResponseWriter, r *http.Request, v *viewer, status int, p html.Transfer) error {
	t := v.Text
	p.Page, p.Domain, p.BackURL = s.page(r, v, t.Transfer.Title), site.DisplayHost(v.Site.Domain), sitePath(v.Site)
	p.Page.Return = transferURL(v.Site)
	p.Command = "moonbear import --site " + v.Site.PublicID + " access.log.gz"
	all, err := s.o.Transfer.Imports(r.Context(), v.Site.ID)
	if err != nil {
		return err
	}
	for _, m := range all {
		p.Imports = append(p.Imports, s.importRow(v, m))
	}
	bad, err := s.exportForm(r.Context(), v, r.URL.Query(), &p.Form)
	if err != nil {
		return err
	}
	if bad {
		status = http.StatusBadRequest
	}
	return s.render(w, r, status, html.TransferPage(p))
}

// exportForm fills the form, and counts what it asks for; bad says that
// something in it is wrong.
func (s *Server) exportForm(ctx context.Context, v *viewer, in url.Values, f *html.ExportForm) (bad bool, err error) {
	t := v.Text
	f.Action, f.CountURL, f.Zone = transferURL(v.Site)+"/events", transferURL(v.Site), v.Site.TimeZone
	f.From.Value, f.To.Value, f.Max = in.Get("from"), in.Get("to"), s.now().In(v.Site.Location).Format(time.DateOnly)
	format, err := export.ParseFormat(in.Get("format"))
	if err != nil {
		format = export.CSV
	}
	for _, c := range export.All() {
		f.Formats = append(f.Formats, html.Choice{Value: string(c), Label: formatNames[c], About: t.Transfer.Formats[string(c)], Chosen: c == format})
	}
	days, err := export.ParseDays(f.From.Value, f.To.Value, v.Site.Location)
	if problem, ok := fault.From(err); ok {
		field := map[string]*html.Field{"from": &f.From, "to": &f.To}[problem.Field]
		if field.Error = t.Fault(problem.Message); field == &f.To && strings.HasPrefix(problem.Message, "to is before") {
			field.Error = t.Shell.DatesOrder
		}
		return true, nil
	}
	counted, err := s.o.Exports.WithoutEvents(ctx, v.Site.ID)
	if err != nil {
		return false, err
	}
	if counted > 0 {
		f.Counts = fmt.Sprintf(t.Transfer.Counts, t.Exact(float64(counted)))
	}
	extent, err := s.o.Exports.Extent(ctx, v.Site.ID, days)
	if err != nil {
		return false, err
	}
	if f.Nothing = extent.Events == 0; f.Nothing {
		f.Size = t.Transfer.Nothing
		return false, nil
	}
	n := float64(extent.Events)
	f.Size = fmt.Sprintf(t.Transfer.Size, t.Exact(n), bytesText(n*csvBytes), bytesText(n*parquetBytes))
	return false, nil
}

// formatNames are the same in every language.
var formatNames = map[export.Format]string{export.CSV: "CSV", export.NDJSON: "NDJSON", export.Parquet: "Parquet"}

// bytesText says about how large something is.
func bytesText(n float64) string {
	for _, unit := range []string{"kB", "MB", "GB"} {
		if n /= 1000; n < 999.5 || unit == "GB" {
			return strconv.FormatFloat(max(n, 1), 'f', 0, 64) + " " + unit
		}
	}
	return ""
}

// exportEvents answers with a file: GET /sites/{site}/transfer/events?from=…&to=…&format=csv
func (s *Server) exportEvents(w http.ResponseWriter, r *http.Request, v *viewer) error {
	in := r.URL.Query()
	q := export.Request{Site: v.Site}
	var err error
	if q.Format, err = export.ParseFormat(in.Get("format")); err != nil {
		return err
	}
	if q.Days, err = export.ParseDays(in.Get("from"), in.Get("to"), v.Site.Location); err != nil {
		if _, ok := fault.From(err); ok {
			return s.showTransfer(w, r, v, http.StatusBadRequest, html.Transfer{})
		}
		return err
	}
	return s.o.Exports.Serve(w, r, q)
}

// importRow is one import as the page shows it.
func (s *Server) importRow(v *viewer, m transfer.Import) html.ImportRow {
	t := v.Text
	now := s.now().In(v.Site.Location)
	r := html.ImportRow{
		Name: m.Name, Format: m.Format, State: t.Transfer.States[string(m.State)], Quiet: m.State == transfer.Undone,
		Began:  fmt.Sprintf(t.Transfer.Began, t.Day(m.StartedAt.In(v.Site.Location), now)),
		Stored: fmt.Sprintf(t.Transfer.Stored, t.Exact(float64(m.Stored)), t.Exact(float64(m.Lines))),
	}
	if m.First != "" {
		r.Days = fmt.Sprintf(t.Transfer.Days, m.First, m.Last)
	}
	dropped := map[string]int64{}
	for _, c := range m.Dropped {
		dropped[string(c.Reason)] += c.Lines
	}
	var reasons []string
	all := int64(0)
	for reason, n := range dropped {
		reasons, all = append(reasons, reason), all+n
	}
	slices.SortFunc(reasons, func(a, b string) int {
		if d := dropped[b] - dropped[a]; d != 0 {
			return int(min(max(d, -1), 1))
		}
		return len(a) - len(b)
	})
	r.Dropped = fmt.Sprintf(t.Transfer.Dropped, t.Exact(float64(all)))
	for _, reason := range reasons {
		r.Reasons = append(r.Reasons, html.ImportedDropped{Reason: t.ImportReason(reason), Count: t.Exact(float64(dropped[reason]))})
	}
	if v.edits() && m.State != transfer.Undone && m.State != transfer.Running {
		r.UndoURL = transferURL(v.Site) + "/imports/" + strconv.FormatInt(m.ID, 10) + "/undo"
		r.UndoTitle, r.UndoAsk = t.Transfer.Undo+": "+m.Name, fmt.Sprintf(t.Transfer.UndoAsk, m.Name)
	}
	return r
}

// undoImport takes an import back: POST /sites/{site}/transfer/imports/{import}/undo
func (s *Server) undoImport(w http.ResponseWriter, r *http.Request, v *viewer) error {
	id, err := strconv.ParseInt(r.PathValue("import"), 10, 64)
	if err != nil {
		return errNothing
	}
	m, err := s.o.Transfer.Undo(r.Context(), v.Site.ID, id)
	if err != nil {
		return err
	}
	return s.showTransfer(w, r, v, http.StatusOK, html.Transfer{Notice: fmt.Sprintf(v.Text.Transfer.Undone, m.Name)})
}

// transferURL is the page of a site's imports and exports.
func transferURL(st *site.Site) string { return sitePath(st) + "/transfer" }
