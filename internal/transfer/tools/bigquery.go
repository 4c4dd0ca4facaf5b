package tools

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/transfer"
)

// bigQuery reads GA4's events as BigQuery writes them: an object a line, or one
// array of objects. https://support.google.com/analytics/answer/7029846
type bigQuery struct {
	lines *bufio.Reader // an object a line
	array *json.Decoder // an array
	guard *rowGuard
	line  int64
	buf   []byte
}

func looksBigQuery(h *transfer.Head) string {
	b := bytes.TrimLeft(bytes.TrimPrefix(h.Bytes, []byte("\ufeff")), " \t\r\n")
	b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte("[")), " \t\r\n")
	if !bytes.HasPrefix(b, []byte("{")) {
		return "it isn't JSON"
	}
	if !bytes.Contains(b, []byte(`"event_timestamp"`)) || !bytes.Contains(b, []byte(`"event_name"`)) {
		return "its first object has no event_timestamp and event_name"
	}
	return ""
}

func openBigQuery(in *transfer.Input, s transfer.Settings) (transfer.Source, error) {
	if in.Reader == nil {
		return nil, invalid("The events from BigQuery are JSON files, alone or compressed with gzip, not a zip.")
	}
	r := bufio.NewReaderSize(in, 64<<10)
	for {
		c, err := r.Peek(1)
		if err != nil || !bytes.ContainsAny(c, " \t\r\n\ufeff") {
			break
		}
		_, _ = r.Discard(1) // it was peeked at
	}
	b := &bigQuery{lines: r}
	if c, _ := r.Peek(1); len(c) == 1 && c[0] == '[' {
		b.guard = &rowGuard{r: r, left: maxRow}
		b.array = json.NewDecoder(b.guard)
		if _, err := b.array.Token(); err != nil {
			return nil, err
		}
	}
	// A day of them is in no order at all.
	return inOrder(b, s), nil
}

func (b *bigQuery) Next(it *transfer.Item) error {
	var e gaEvent
	if b.array != nil {
		if !b.array.More() {
			return b.end()
		}
		b.guard.left = maxRow
		b.line++
		it.Line = b.line
		if err := b.array.Decode(&e); err != nil {
			var kind *json.UnmarshalTypeError
			if errors.As(err, &kind) {
				it.Drop = dropped(transfer.Malformed, kind.Field+" is of another kind")
				return nil
			}
			return b.broken(err)
		}
		it.Drop = e.read(&it.Record)
		return nil
	}
	line, long, err := b.readLine()
	if err != nil {
		return err
	}
	it.Line = b.line
	if long {
		it.Drop = dropped(transfer.TooLong, "")
		return nil
	}
	if err := json.Unmarshal(line, &e); err != nil {
		it.Drop = dropped(transfer.Malformed, "no JSON object as GA4 writes it")
		return nil
	}
	it.Drop = e.read(&it.Record)
	return nil
}

// end is after the last object of an array. A file that stops in the middle is
// no array.
func (b *bigQuery) end() error {
	if _, err := b.array.Token(); err != nil {
		return b.broken(err)
	}
	return io.EOF
}

func (b *bigQuery) broken(err error) error {
	if errors.Is(err, errLongRow) {
		return err
	}
	return invalid("The JSON array is broken or ends early. What came before is read.")
}

// readLine reads the next line that isn't blank. A long one is read to its end
// and not kept.
func (b *bigQuery) readLine() (line []byte, long bool, err error) {
	for {
		b.buf, long = b.buf[:0], false
		b.line++
		for {
			part, err := b.lines.ReadSlice('\n')
			if long = long || len(b.buf)+len(part) > maxRow; !long {
				b.buf = append(b.buf, part...)
			}
			if err == nil {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				if errors.Is(err, io.EOF) && (long || len(bytes.TrimSpace(b.buf)) > 0) {
					return bytes.TrimSpace(b.buf), long, nil
				}
				return nil, false, err
			}
		}
		if line = bytes.TrimSpace(b.buf); len(line) > 0 || long {
			return line, long, nil
		}
	}
}

// gaEvent is the part of an event that is read.
type gaEvent struct {
	Timestamp json.Number `json:"event_timestamp"`
	Name      string      `json:"event_name"`
	Params    []gaParam   `json:"event_params"`
	Client    string      `json:"user_pseudo_id"`
	Platform  string      `json:"platform"`
	Device    struct {
		Category  string `json:"category"`
		OS        string `json:"operating_system"`
		OSVersion string `json:"operating_system_version"`
		Language  string `json:"language"`
		Browser   string `json:"browser"` // of tables before web_info
		Version   string `json:"browser_version"`
		Web       struct {
			Browser  string `json:"browser"`
			Version  string `json:"browser_version"`
			Hostname string `json:"hostname"`
		} `json:"web_info"`
	} `json:"device"`
	Geo struct {
		Country string `json:"country"`
		Region  string `json:"region"`
		City    string `json:"city"`
	} `json:"geo"`
	Collected struct {
		Source   string `json:"manual_source"`
		Medium   string `json:"manual_medium"`
		Campaign string `json:"manual_campaign_name"`
		Content  string `json:"manual_content"`
		Term     string `json:"manual_term"`
		Gclid    string `json:"gclid"`
	} `json:"collected_traffic_source"`
	Commerce struct {
		Revenue json.Number `json:"purchase_revenue"`
	} `json:"ecommerce"`
}

type gaParam struct {
	Key   string `json:"key"`
	Value struct {
		String string      `json:"string_value"`
		Int    json.Number `json:"int_value"`
		Float  json.Number `json:"float_value"`
		Double json.Number `json:"double_value"`
	} `json:"value"`
}

// text is the parameter's value, whatever kind it is of.
func (p *gaParam) text() string {
	for _, s := range [...]string{p.Value.String, p.Value.Int.String(), p.Value.Float.String(), p.Value.Double.String()} {
		if s != "" {
			return s
		}
	}
	return ""
}

func (e *gaEvent) param(key string) string {
	for i := range e.Params {
		if e.Params[i].Key == key {
			return e.Params[i].text()
		}
	}
	return ""
}

// read fills a record from the event, or says why it isn't one.
func (e *gaEvent) read(r *transfer.Record) transfer.Drop {
	us, err := e.Timestamp.Int64()
	if err != nil || us <= 0 || us > 4e15*2 {
		return dropped(transfer.Malformed, "no event_timestamp")
	}
	if e.Platform != "" && !strings.EqualFold(e.Platform, "WEB") {
		return dropped(transfer.Unknown, "events of apps")
	}
	r.Time = time.UnixMicro(us)
	if d := e.readName(r); d.Reason != "" {
		return d
	}
	r.URL, r.Referrer = e.param("page_location"), e.param("page_referrer")
	r.Hostname = e.Device.Web.Hostname
	e.readCampaign(r)
	if r.Visitor = e.Client; r.Visitor != "" {
		if s := e.param("ga_session_id"); s != "" {
			r.Visit = e.Client + "/" + s
		}
	}
	e.readFacts(&r.Facts)
	return transfer.Drop{}
}

// readName tells what an event is here. Google notes some things about itself
// as events, which are none here.
func (e *gaEvent) readName(r *transfer.Record) transfer.Drop {
	switch e.Name {
	case "":
		return dropped(transfer.Malformed, "an event without a name")
	case "page_view":
	case "session_start", "first_visit":
		return dropped(transfer.Unknown, e.Name)
	case "user_engagement", "scroll":
		r.Name = event.Engagement
		if ms, ok := count(e.param("engagement_time_msec")); ok && ms > 0 {
			r.Measures[event.EngagementTime] = event.Measured(ms)
		}
		if depth, ok := count(e.param("percent_scrolled")); ok && depth <= 100 {
			r.Measures[event.ScrollDepth] = event.Measured(depth)
		}
		if r.Measures == [event.MeasureCount]event.Measure{} {
			return dropped(transfer.Unknown, e.Name+" that says nothing")
		}
	case "click":
		r.Name = event.Outbound
		r.Props = property(nil, "url", e.param("link_url"))
	case "file_download":
		r.Name = event.Download
		r.Props = property(nil, "url", e.param("link_url"))
	default:
		e.readCustom(r)
		if r.Name == "" {
			return dropped(transfer.Malformed, "an event without a name")
		}
	}
	return transfer.Drop{}
}

// gaOwn are parameters that Google's script adds by itself, or that are read
// elsewhere: no properties.
var gaOwn = map[string]bool{
	"page_location": true, "page_referrer": true, "page_title": true, "page_path": true, "page_hostname": true,
	"ga_session_id": true, "ga_session_number": true, "session_engaged": true, "engaged_session_event": true, "engagement_time_msec": true,
	"engagement_time": true, "percent_scrolled": true, "entrances": true, "debug_mode": true, "ignore_referrer": true,
	"source": true, "medium": true, "campaign": true, "campaign_id": true, "term": true, "content": true, "gclid": true, "dclid": true, "srsltid": true,
	"batch_ordering_id": true, "batch_page_id": true, "synthetic_bundle": true, "unique_search_term": true, "screen_resolution": true, "language": true,
}

func (e *gaEvent) readCustom(r *transfer.Record) {
	var own string
	r.Name, own = eventName(e.Name)
	r.Props = property(nil, "name", own)
	money := false
	if e.Name == "purchase" {
		amount := e.Commerce.Revenue.String()
		if amount == "" {
			amount = e.param("value")
		}
		money = setRevenue(r, amount, e.param("currency"))
	}
	for i := range e.Params {
		p := &e.Params[i]
		if gaOwn[p.Key] || money && (p.Key == "value" || p.Key == "currency") {
			continue
		}
		r.Props = property(r.Props, p.Key, p.text())
	}
}

// readCampaign adds to the page's address the tags that were collected with
// the event, where they aren't in it. traffic_source isn't read: it tells where
// the user first came from, perhaps a year ago.
func (e *gaEvent) readCampaign(r *transfer.Record) {
	c := &e.Collected
	for _, t := range [...]struct{ tag, value string }{
		{"utm_source", c.Source}, {"utm_medium", c.Medium}, {"utm_campaign", c.Campaign}, {"utm_content", c.Content}, {"utm_term", c.Term}, {"gclid", c.Gclid},
	} {
		// Google fills these in for what it recognised by itself, too; of
		// "(direct)", "(organic)" and "(referral)" the referrer tells more.
		if v := told(t.value); v != "" && !strings.HasPrefix(v, "(") && !strings.Contains(r.URL, t.tag+"=") {
			r.URL = tagged(r.URL, t.tag, v)
		}
	}
}

func (e *gaEvent) readFacts(f *event.Entry) {
	d := &e.Device
	f.Browser = browserName(first(d.Web.Browser, d.Browser))
	f.BrowserVersion = browserVersion(f.Browser, first(d.Web.Version, d.Version))
	f.OS = systemName(d.OS)
	f.OSVersion = versionOf(strings.TrimPrefix(d.OSVersion, d.OS+" "), 2)
	f.Device = deviceName(d.Category)
	f.Language = languageTag(d.Language)
	f.Country = country(e.Geo.Country)
	if f.Country != "" {
		f.City = cut(printable(told(e.Geo.City)), 100)
	}
}

func first(s ...string) string {
	for _, v := range s {
		if v != "" {
			return v
		}
	}
	return ""
}
