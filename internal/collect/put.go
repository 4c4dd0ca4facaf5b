package collect

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"time"

	"github.com/dchest/siphash"

	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/kv"
	"moonbear/internal/salt"
	"moonbear/internal/source"
)

// maxTag bounds a campaign's texts, bytes.
const maxTag = 255

// maxVisitorID bounds a visitor_id, bytes.
const maxVisitorID = 255

// ownPage stands for a referrer of the site's own: it is there, and from
// nowhere else.
const ownPage = "own"

func putDevice(_ context.Context, _ *Collector, h *hit) error {
	if h.agent != nil {
		f := &h.agent.facts
		h.event.Browser, h.event.BrowserVersion = f.Browser, f.BrowserVersion
		h.event.OS, h.event.OSVersion = f.OS, f.OSVersion
		h.event.Device = f.Type
	}
	h.event.ScreenWidth = h.screenWidth - h.screenWidth%100
	h.event.Language = language(h.language)
	h.event.TimeZone = timeZone(h.timeZone)
	return nil
}

func putPlace(_ context.Context, c *Collector, h *hit) error {
	if h.overrideCountry != "" {
		h.event.Country = h.overrideCountry
		return nil
	}
	p := c.geo.Lookup(h.ip)
	h.event.Country, h.event.Region, h.event.City = p.Country, p.Region, p.City
	return nil
}

func putSource(_ context.Context, c *Collector, h *hit) error {
	e := &h.event.Entry
	e.UTMSource, e.UTMMedium = cut(tidy(h.utmSource), maxTag), cut(tidy(h.utmMedium), maxTag)
	e.UTMCampaign, e.UTMContent = cut(tidy(h.utmCampaign), maxTag), cut(tidy(h.utmContent), maxTag)
	e.UTMTerm = cut(tidy(h.utmTerm), maxTag)
	in := source.Input{
		Hostname: h.address.hostname, Referrer: h.referrer,
		Ref: h.ref, Source: h.source,
		UTMSource: e.UTMSource, UTMMedium: e.UTMMedium, UTMCampaign: e.UTMCampaign,
		ClickIDs: h.clickIDs,
	}
	if h.referrer == ownPage {
		in.Referrer = ""
	} else if h.referrer == "" {
		in.InAppUA = h.ua
	}
	f := c.sources.Find(in)
	e.Referrer, e.Source, e.Channel = f.Referrer, f.Source, f.Channel
	// The app a page is shown in names a source, but is in every user agent of
	// the visit: it is no sign that the visitor has just arrived from there. A
	// campaign is one even if nothing says where it ran.
	campaign := e.UTMSource != "" || e.UTMMedium != "" || e.UTMCampaign != "" || e.UTMContent != "" || e.UTMTerm != ""
	told := in.Referrer != "" || in.Source != "" || in.Ref != "" || len(in.ClickIDs) > 0
	h.arrival = campaign || told && f.External
	h.origin = origin(e)
	return nil
}

// origin hashes what a visit came from. It is made of stored facts alone, so
// that it can be made again from them after a start; the key is no secret and
// must never change.
func origin(e *event.Entry) uint64 {
	var buf [512]byte
	b := buf[:0]
	for _, s := range [...]string{e.Source, e.UTMSource, e.UTMMedium, e.UTMCampaign, e.UTMContent, e.UTMTerm} {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return siphash.Hash(0, 0, b)
}

// putVisitor hashes who it was under the site's salts of today and, for a
// visit that began before midnight, of the day before.
func putVisitor(ctx context.Context, c *Collector, h *hit) error {
	var buf [256]byte
	who, err := h.who(buf[:0])
	if err != nil || who == nil {
		return err
	}
	today, previous, err := c.salts(h.site, time.UnixMilli(h.now))
	if err != nil {
		return err
	}
	h.event.Visitor = visitor(today, who)
	h.key = kv.VisitKey{Site: h.site.ID, Visitor: h.event.Visitor}
	if previous != (salt.Salt{}) {
		h.previous = kv.VisitKey{Site: h.site.ID, Visitor: visitor(previous, who)}
	}
	if f, ok := c.former(h.site); ok && h.live {
		return c.putFormer(ctx, h, kv.VisitKey{Site: h.site.ID, Visitor: visitor(f, who)})
	}
	return nil
}

// putFormer looks for the visit under a salt of today that gave way, because
// the replicas share another. That is the visitor's latest, if there is one.
func (c *Collector) putFormer(ctx context.Context, h *hit, key kv.VisitKey) error {
	_, ok, err := c.visits.Latest(ctx, key, kv.VisitKey{}, h.now-kv.VisitTimeout.Milliseconds())
	if ok {
		h.previous = key
	}
	return err
}

// who appends what tells the visitor from others: the site, and either the
// sender's word for them or address and user agent. nil is nobody in
// particular: a server sent the event and did not say.
func (h *hit) who(b []byte) ([]byte, error) {
	b = binary.LittleEndian.AppendUint64(b, uint64(h.site.ID))
	switch {
	case h.visitorID != "":
		if len(h.visitorID) > maxVisitorID {
			return nil, fault.Field("visitor_id", "visitor_id: it has at most 255 bytes.")
		}
		return append(append(b, 'v'), h.visitorID...), nil
	case h.batch && (h.overrideIP == "" || h.overrideAgent == ""), !h.ip.IsValid():
		return nil, nil
	}
	ip := h.ip.As16()
	return append(append(append(b, 'a'), ip[:]...), h.ua...), nil
}

func visitor(s salt.Salt, who []byte) int64 {
	v := int64(siphash.Hash(binary.LittleEndian.Uint64(s[:8]), binary.LittleEndian.Uint64(s[8:]), who))
	if v == 0 {
		return 1 // 0 is "none"
	}
	return v
}

// dropWithoutVisit joins engagement to the visitor's latest visit, which it
// neither opens nor extends.
func dropWithoutVisit(ctx context.Context, c *Collector, h *hit) error {
	h.event.Time = h.now
	if h.name != event.Engagement {
		return nil
	}
	if h.event.Visitor == 0 {
		return dropNoVisit
	}
	v, ok, err := c.latest(ctx, h)
	if err != nil {
		return err
	}
	if !ok {
		return dropNoVisit
	}
	h.event.Visit, h.entry = v.ID, append(h.entry[:0], v.Entry...)
	return nil
}

// latest is the visitor's latest visit. One that isn't known may be one that a
// start hasn't restored yet.
func (c *Collector) latest(ctx context.Context, h *hit) (v kv.Visit, ok bool, err error) {
	since := h.now - kv.Retention.Milliseconds()
	v, ok, err = c.visitsOf(h).Latest(ctx, h.key, h.previous, since)
	if ok || err != nil || !h.live || !c.waits() {
		return v, ok, err
	}
	select {
	case <-c.ended:
	case <-ctx.Done():
		return v, false, ctx.Err()
	}
	return c.visitsOf(h).Latest(ctx, h.key, h.previous, since)
}

// putVisit joins the visitor's open visit or opens one. An event of no visitor
// has no visit, and its own facts for entry facts.
func putVisit(ctx context.Context, c *Collector, h *hit) error {
	if h.name == event.Engagement {
		return nil
	}
	h.event.VisitStart = h.now
	if h.name == event.Pageview {
		h.event.EntryPath = h.event.Path
	}
	h.entry = event.AppendEntry(h.entry[:0], &h.event.Entry)
	if h.event.Visitor == 0 {
		return nil
	}
	fresh := kv.Visit{ID: visitID(h), Origin: h.origin, Entry: h.entry}
	v, opened, err := c.visitsOf(h).Join(ctx, h.key, h.previous, fresh, h.now, h.arrival)
	if err != nil {
		return err
	}
	h.event.Visit, h.event.Time = v.ID, v.Last
	if !opened {
		h.entry = append(h.entry[:0], v.Entry...)
	}
	return nil
}

// visitID makes a visit's ID. Odd ones are open visits that a restart takes up
// again; even ones were formed inside a batch of older events, and end there.
// So are those of imports, which are told, because a rerun must find the same.
func visitID(h *hit) int64 {
	if h.fresh != 0 {
		return h.fresh
	}
	id := rand.Int64() &^ 1
	if h.live {
		return id | 1
	}
	return max(id, 2)
}

// visitsOf is where a hit's visit is: among the open ones, or in its batch.
func (c *Collector) visitsOf(h *hit) kv.Visits {
	if h.live {
		return c.visits
	}
	return h.local
}
