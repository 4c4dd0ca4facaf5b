package tools

import (
	"archive/zip"
	"fmt"
	"io"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/transfer"
)

// umami reads Umami's table of events: website_event.csv of the cloud's export,
// or the same made by the database of one's own. Columns go by their names, so
// that it doesn't matter which of the versions since 2 wrote it.
type umami struct {
	table  *table
	props  *umamiProps
	closed io.Closer
}

// umamiEvents is the file of events in the cloud's export.
const umamiEvents = "website_event.csv"

func looksUmami(h *transfer.Head) string {
	if len(h.Members) > 0 {
		if member(h.Members, umamiEvents) != "" || umamiTotals(h.Members) {
			return ""
		}
		return "there is no website_event.csv in it"
	}
	row := headerOf(h)
	for _, c := range []string{"created_at", "session_id", "url_path"} {
		if !slices.Contains(row, c) {
			return "its first row has no column " + c
		}
	}
	return ""
}

// umamiTotals tells the zip that Umami's own dashboard downloads.
func umamiTotals(members []string) bool {
	for _, m := range []string{"events.csv", "pages.csv", "referrers.csv", "browsers.csv", "os.csv"} {
		if member(members, m) == "" {
			return false
		}
	}
	return true
}

// member is the full name of a file in a zip, whatever folder it is in.
func member(members []string, name string) string {
	for _, m := range members {
		if strings.EqualFold(path.Base(m), name) && !strings.HasPrefix(m, "__MACOSX") {
			return m
		}
	}
	return ""
}

func openUmami(in *transfer.Input, s transfer.Settings) (transfer.Source, error) {
	u := &umami{}
	r := in.Reader
	if in.Zip != nil {
		events := zipped(in.Zip, umamiEvents)
		if events == nil {
			return nil, invalid("This zip has totals without days, as Umami's dashboard downloads them; they can't be spread over days. Take the data export of Umami Cloud (Settings, Data), which has a website_event.csv, or the events from your own database: see the page on moving.")
		}
		var err error
		if u.props, err = readUmamiProps(zipped(in.Zip, "event_data.csv")); err != nil {
			return nil, err
		}
		f, err := events.Open()
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", events.Name, err)
		}
		u.closed, r = f, f
	}
	var err error
	if u.table, err = openTable(r); err != nil {
		return nil, err
	}
	if c := u.table.lacks("created_at", "session_id", "url_path"); c != "" {
		return nil, missingColumn("Umami's events", c)
	}
	// The cloud writes them in no order of time.
	return inOrder(u, s), nil
}

// zipped finds a file in a zip, whatever folder it is in.
func zipped(z *zip.Reader, name string) *zip.File {
	for _, f := range z.File {
		if strings.EqualFold(path.Base(f.Name), name) && !strings.HasPrefix(f.Name, "__MACOSX") {
			return f
		}
	}
	return nil
}

func (u *umami) Next(it *transfer.Item) error {
	if err := u.table.next(it); err != nil || it.Drop.Reason != "" {
		if err != nil && u.closed != nil {
			_ = u.closed.Close() // only read from
		}
		return err
	}
	it.Drop = u.read(&it.Record)
	return nil
}

// read fills a record from the row, or says why it isn't one.
func (u *umami) read(r *transfer.Record) transfer.Drop {
	t := u.table
	at, ok := sqlTime(t.get("created_at"))
	if !ok {
		return dropped(transfer.Malformed, "no created_at")
	}
	r.Time = at
	r.Visitor, r.Visit = t.get("session_id"), t.get("visit_id")
	switch kind := t.get("event_type"); {
	case kind == "2" || kind == "" && t.get("event_name") != "":
		var own string
		if r.Name, own = eventName(t.get("event_name")); r.Name == "" {
			return dropped(transfer.Malformed, "an event without a name")
		}
		r.Props = property(r.Props, "name", own)
		u.props.give(t.get("event_id"), r)
	case kind == "1" || kind == "":
	default:
		// 3 and 4 are links and pixels that Umami serves, 5 a measurement.
		return dropped(transfer.Unknown, "event_type "+kind)
	}
	r.URL = t.get("url_path")
	if q := t.get("url_query"); q != "" {
		r.URL += "?" + strings.TrimPrefix(q, "?")
	}
	r.Hostname = t.get("hostname")
	for _, tag := range []string{"utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"} {
		if v := t.get(tag); v != "" && !strings.Contains(r.URL, tag+"=") {
			r.URL = tagged(r.URL, tag, v)
		}
	}
	if d := t.get("referrer_domain"); d != "" {
		p := t.get("referrer_path")
		if !strings.HasPrefix(p, "/") {
			p = "/" + p
		}
		r.Referrer = "https://" + d + p
	}
	u.readFacts(&r.Facts)
	return transfer.Drop{}
}

func (u *umami) readFacts(f *event.Entry) {
	t := u.table
	f.Browser = browserName(t.get("browser"))
	name, version := nameAndVersion(t.get("os"))
	f.OS, f.OSVersion = systemName(name), version
	f.Device = deviceName(t.get("device"))
	f.ScreenWidth = width(t.get("screen"))
	f.Language = languageTag(t.get("language"))
	if f.Country = country(t.get("country")); f.Country != "" {
		f.Region = region(f.Country, t.get("region", "subdivision1"))
		f.City = cut(printable(told(t.get("city"))), 100)
	}
}

// sqlTime reads what databases write: "2024-05-01 12:34:56.789+00", also with a
// T and a Z. A time without a zone is UTC, in which Umami keeps its times.
func sqlTime(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04:05Z07", "2006-01-02 15:04:05Z07:00", time.RFC3339} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, at.Year() >= 1990 && at.Year() < 2200
		}
	}
	return time.Time{}, false
}

// umamiProps are the properties of events, which lie in a table of their own.
// They are needed by event while that table has its own order, so they wait in
// memory.
type umamiProps struct {
	of    map[string][]event.Prop
	bytes int
}

// maxUmamiProps bounds them, bytes: half a million short properties.
const maxUmamiProps = 64 << 20

func readUmamiProps(f *zip.File) (*umamiProps, error) {
	if f == nil {
		return nil, nil
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", f.Name, err)
	}
	defer func() { _ = r.Close() }() // only read from
	if f.UncompressedSize64 == 0 {
		return nil, nil // the cloud writes an empty file where there are none
	}
	t, err := openTable(r)
	if err != nil {
		return nil, err
	}
	p := &umamiProps{of: map[string][]event.Prop{}}
	for {
		var it transfer.Item
		switch err := t.next(&it); {
		case err == io.EOF:
			return p, nil
		case err != nil:
			return nil, err
		case it.Drop.Reason != "":
			continue // a property less; rows are counted by events
		}
		id := t.get("event_id", "website_event_id")
		value := t.get("string_value")
		if value == "" {
			value = decimal(t.get("number_value"))
		}
		if value == "" {
			value = t.get("date_value")
		}
		if id == "" || value == "" {
			continue
		}
		if p.bytes += len(id) + len(value) + 100; p.bytes > maxUmamiProps {
			return nil, invalid("The events of this export have more properties than can be held at once. Export shorter periods, such as a year each, and import one after the other.")
		}
		id = strings.Clone(id)
		p.of[id] = property(p.of[id], strings.Clone(t.get("data_key", "event_key")), strings.Clone(value))
	}
}

// decimal is a number without the zeros that fill its column: 12.5000 is 12.5.
func decimal(s string) string {
	if strings.ContainsRune(s, '.') {
		return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// give moves an event's properties into its record. Money is a property of
// theirs: revenue, with currency.
func (p *umamiProps) give(id string, r *transfer.Record) {
	if p == nil {
		return
	}
	var amount, currency string
	for _, prop := range p.of[id] {
		switch prop.Key {
		case "revenue":
			amount = prop.Value
		case "currency":
			currency = prop.Value
		default:
			r.Props = property(r.Props, prop.Key, prop.Value)
		}
	}
	delete(p.of, id)
	if !setRevenue(r, amount, currency) {
		r.Props = property(property(r.Props, "revenue", amount), "currency", currency)
	}
}

// setRevenue takes an amount as it is written, and a currency; without a
// currency it isn't told what the amount is of.
func setRevenue(r *transfer.Record, amount, currency string) bool {
	currency = strings.ToUpper(strings.TrimSpace(currency))
	v, err := strconv.ParseFloat(strings.TrimSpace(amount), 64)
	if err != nil || !(v > -1e12 && v < 1e12) || v == 0 || !currencyCode(currency) {
		return false
	}
	r.Revenue, r.Currency = int64(math.Round(v*1000)), currency
	return true
}

func currencyCode(s string) bool {
	return len(s) == 3 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
