package export

import (
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"moonbear/internal/event"
)

// rowGroup is how many rows a Parquet file has in one piece. Its columns are
// in memory, compressed, until it is whole; readers skip pieces by time.
const rowGroup = 50_000

// parquetRow is a row of a Parquet file: the same columns, by the same names,
// as exportColumns. Pointers are to what may be null.
type parquetRow struct {
	Version     int32  `parquet:"moonbear_export"`
	Site        string `parquet:"site_id,dict"`
	Time        int64  `parquet:"ts,timestamp(millisecond),delta"`
	Name        string `parquet:"name,dict"`
	Visitor     *int64 `parquet:"visitor_id,optional"`
	Visit       *int64 `parquet:"visit_id,optional"`
	VisitStart  int64  `parquet:"visit_start,timestamp(millisecond),delta"`
	Import      *int64 `parquet:"import_id,optional"`
	Path        string `parquet:"path,dict"`
	Hostname    string `parquet:"hostname,dict"`
	Interactive bool   `parquet:"interactive"`

	EntryPath      string `parquet:"entry_path,dict"`
	Referrer       string `parquet:"referrer,dict"`
	Source         string `parquet:"source,dict"`
	Channel        string `parquet:"channel,dict"`
	UTMSource      string `parquet:"utm_source,dict"`
	UTMMedium      string `parquet:"utm_medium,dict"`
	UTMCampaign    string `parquet:"utm_campaign,dict"`
	UTMContent     string `parquet:"utm_content,dict"`
	UTMTerm        string `parquet:"utm_term,dict"`
	Country        string `parquet:"country,dict"`
	Region         string `parquet:"region,dict"`
	City           string `parquet:"city,dict"`
	Browser        string `parquet:"browser,dict"`
	BrowserVersion string `parquet:"browser_version,dict"`
	OS             string `parquet:"os,dict"`
	OSVersion      string `parquet:"os_version,dict"`
	Device         string `parquet:"device,dict"`
	ScreenWidth    *int32 `parquet:"screen_width,optional,dict"`
	Language       string `parquet:"language,dict"`
	TimeZone       string `parquet:"time_zone,dict"`

	ConnectionSpeed string `parquet:"connection_speed,dict"`

	DNS              *int32 `parquet:"dns,optional"`
	Connect          *int32 `parquet:"connect,optional"`
	TLS              *int32 `parquet:"tls,optional"`
	TTFBTiming       *int32 `parquet:"ttfb,optional"`
	DownloadTiming   *int32 `parquet:"download,optional"`
	DOMContentLoaded *int32 `parquet:"dom_content_loaded,optional"`
	Render           *int32 `parquet:"render,optional"`
	PageLoad         *int32 `parquet:"page_load,optional"`
	TransferSize     *int32 `parquet:"transfer_size,optional"`
	LCP              *int32 `parquet:"lcp,optional"`
	INP              *int32 `parquet:"inp,optional"`
	CLS              *int32 `parquet:"cls,optional"`
	FCP              *int32 `parquet:"fcp,optional"`
	TTFB             *int32 `parquet:"vital_ttfb,optional"`
	EngagementTime   *int32 `parquet:"engagement_time,optional"`
	ScrollDepth      *int32 `parquet:"scroll_depth,optional"`

	Revenue  *int64            `parquet:"revenue_thousandths,optional"`
	Currency string            `parquet:"currency,dict"`
	Props    map[string]string `parquet:"props"`

	values [event.MeasureCount]int32 // what the measures point to
}

// measures are the row's, in the order of event.MeasureColumns.
func (r *parquetRow) measures() [event.MeasureCount]**int32 {
	return [...]**int32{
		&r.DNS, &r.Connect, &r.TLS, &r.TTFBTiming, &r.DownloadTiming, &r.DOMContentLoaded, &r.Render, &r.PageLoad,
		&r.TransferSize, &r.LCP, &r.INP, &r.CLS, &r.FCP, &r.TTFB, &r.EngagementTime, &r.ScrollDepth,
	}
}

// set makes the row say what an event does; e must stay as it is meanwhile.
func (r *parquetRow) set(e *event.Event) {
	r.Time, r.Name, r.VisitStart, r.Path, r.Hostname, r.Interactive = e.Time, e.Name, e.VisitStart, e.Path, e.Hostname, e.Interactive
	r.Visitor, r.Visit, r.Import = known(&e.Visitor), known(&e.Visit), known(&e.Import)
	r.EntryPath, r.Referrer, r.Source, r.Channel = e.EntryPath, e.Referrer, e.Source, e.Channel
	r.UTMSource, r.UTMMedium, r.UTMCampaign, r.UTMContent, r.UTMTerm = e.UTMSource, e.UTMMedium, e.UTMCampaign, e.UTMContent, e.UTMTerm
	r.Country, r.Region, r.City = e.Country, e.Region, e.City
	r.Browser, r.BrowserVersion, r.OS, r.OSVersion, r.Device = e.Browser, e.BrowserVersion, e.OS, e.OSVersion, e.Device
	r.ScreenWidth, r.Language, r.TimeZone, r.ConnectionSpeed = known(&e.ScreenWidth), e.Language, e.TimeZone, e.ConnectionSpeed
	for i, m := range r.measures() {
		*m = nil
		if v, ok := e.Measures[i].Value(); ok {
			r.values[i] = v
			*m = &r.values[i]
		}
	}
	r.Revenue, r.Currency = known(&e.Revenue), e.Currency
	if e.Currency != "" {
		r.Revenue = &e.Revenue
	}
	r.Props = nil
	if len(e.Props) > 0 {
		r.Props = make(map[string]string, len(e.Props))
		for _, p := range e.Props {
			r.Props[p.Key] = p.Value
		}
	}
}

// event is the row as an event without a site.
func (r *parquetRow) event() event.Event {
	e := event.Event{
		Time: r.Time, Name: r.Name, Visitor: or(r.Visitor), Visit: or(r.Visit), Import: or(r.Import), Path: r.Path, Hostname: r.Hostname, Interactive: r.Interactive,
		Entry: event.Entry{
			VisitStart: r.VisitStart, EntryPath: r.EntryPath, Referrer: r.Referrer, Source: r.Source, Channel: r.Channel,
			UTMSource: r.UTMSource, UTMMedium: r.UTMMedium, UTMCampaign: r.UTMCampaign, UTMContent: r.UTMContent, UTMTerm: r.UTMTerm,
			Country: r.Country, Region: r.Region, City: r.City, Browser: r.Browser, BrowserVersion: r.BrowserVersion, OS: r.OS, OSVersion: r.OSVersion,
			Device: r.Device, ScreenWidth: or(r.ScreenWidth), Language: r.Language, TimeZone: r.TimeZone,
		},
		ConnectionSpeed: r.ConnectionSpeed, Revenue: or(r.Revenue), Currency: r.Currency,
	}
	for i, m := range r.measures() {
		if *m != nil {
			e.Measures[i] = event.Measured(int64(**m))
		}
	}
	for _, k := range slices.Sorted(maps.Keys(r.Props)) {
		e.Props = append(e.Props, event.Prop{Key: k, Value: r.Props[k]})
	}
	return e
}

func known[N int32 | int64](n *N) *N {
	if *n == 0 {
		return nil
	}
	return n
}

func or[N int32 | int64](n *N) (zero N) {
	if n == nil {
		return zero
	}
	return *n
}

// parquetWriter writes a Parquet file, zstd inside.
type parquetWriter struct {
	w      *parquet.GenericWriter[parquetRow]
	events []event.Event // those of rows, which point to them
	rows   []parquetRow
	n      int
}

func newParquetWriter(out io.Writer, site string) *parquetWriter {
	w := &parquetWriter{events: make([]event.Event, 512), rows: make([]parquetRow, 512)}
	for i := range w.rows {
		w.rows[i].Version, w.rows[i].Site = exportVersion, site
	}
	w.w = parquet.NewGenericWriter[parquetRow](out,
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedFastest, Concurrency: 1}), parquet.MaxRowsPerRowGroup(rowGroup), parquet.PageBufferSize(64<<10),
		parquet.DataPageStatistics(true), parquet.CreatedBy("moonbear", "1", "export"),
		parquet.KeyValueMetadata(versionColumn, strconv.Itoa(exportVersion)))
	return w
}

func (w *parquetWriter) write(e *event.Event) error {
	w.events[w.n] = *e
	w.rows[w.n].set(&w.events[w.n])
	if w.n++; w.n < len(w.rows) {
		return nil
	}
	return w.flush()
}

func (w *parquetWriter) flush() error {
	_, err := w.w.Write(w.rows[:w.n])
	w.n = 0
	return err
}

func (w *parquetWriter) close() error {
	if err := w.flush(); err != nil {
		return err
	}
	return w.w.Close()
}
