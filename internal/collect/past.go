package collect

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/netip"
	"strings"
	"time"

	"moonbear/internal/bot"
	"moonbear/internal/event"
	"moonbear/internal/geo"
	"moonbear/internal/kv"
	"moonbear/internal/salt"
	"moonbear/internal/site"
	"moonbear/internal/source"
)

// Past judges what happened long ago, as an import reads it: by the same steps
// as a hit, but for one site, with salts of its own, and with visits that form
// in a memory of its own. It does not count what it drops. It is not safe for
// concurrent use.
type Past struct {
	c      *Collector
	site   *site.Site
	visits *kv.Memory
	h      hit
}

// PastOptions of a Past. All are needed.
type PastOptions struct {
	Site    *site.Site
	Geo     *geo.DB
	Bots    *bot.Matcher
	Sources *source.Sources
	// Salts are those of the site's local date at a time and of the date
	// before.
	Salts func(at time.Time) (today, before salt.Salt, err error)
	// Visits is where visits form, which may go on from another import.
	Visits *kv.Memory
}

// NewPast makes a Past.
func NewPast(o PastOptions) (*Past, error) {
	agents, err := newAgents(o.Bots)
	if err != nil {
		return nil, err
	}
	c := &Collector{
		geo: o.Geo, sources: o.Sources, agents: agents,
		salts:  func(_ *site.Site, at time.Time) (salt.Salt, salt.Salt, error) { return o.Salts(at) },
		former: func(*site.Site) (salt.Salt, bool) { return salt.Salt{}, false },
	}
	return &Past{c: c, site: o.Site, visits: o.Visits}, nil
}

// PastHit is what is known of something that happened.
type PastHit struct {
	Time     time.Time
	Name     string // "" is a pageview
	URL      string // absolute
	Referrer string

	Address   string // the client's: an IP, or a name that the server looked up; "" is not told
	UserAgent string // "-" was not sent, which only programs do; "" is not told

	// Visitor is another's word for who it was; "": Address and UserAgent tell.
	Visitor string

	Facts     event.Entry // what is known already: goes before what is derived
	Props     []event.Prop
	Revenue   int64 // thousandths
	Currency  string
	Measures  [event.MeasureCount]event.Measure
	Automatic bool // doesn't count against a bounce
}

// Judged is an event that has no visit yet, and what Join finds its visit by.
type Judged struct {
	Event    event.Event
	Visitor  kv.VisitKey // the zero key is nobody in particular
	Previous kv.VisitKey // the same visitor under the salt of the day before
	Origin   uint64
	Arrival  bool // from an external source
}

// Refusal is why Judge refuses a hit. Reason is one of DropReasons.
type Refusal struct{ Reason, Detail string }

func (r *Refusal) Error() string { return "dropped: " + r.Reason }

// pastSteps are the steps of what happened long ago. Nobody's word for who it
// was needs to be believed here, and imports are free.
var pastSteps = []step{
	putName, putAddress, putProps, putRevenue, putMeasures,
	dropForeignHostname, dropBot, dropReferrerSpam,
	putDevice, putPlace, putSource, putVisitor, putFacts,
}

// Judge makes an event of a hit, all but its visit. The error is a *Refusal, a
// fault that names what is wrong with the hit, or one of the salts.
func (p *Past) Judge(ctx context.Context, in *PastHit, j *Judged) error {
	h := &p.h
	*h = hit{clickIDs: h.clickIDs[:0], entry: h.entry}
	h.site, h.event.Site, h.now = p.site, p.site.ID, in.Time.UnixMilli()
	h.local = p.visits
	h.name, h.url, h.referrer, h.props = in.Name, in.URL, in.Referrer, in.Props
	h.value, h.hasValue, h.currency = in.Revenue, in.Revenue != 0 || in.Currency != "", in.Currency
	h.measures = in.Measures
	if in.Automatic {
		h.interactive = no
	}
	h.putSender(in)
	h.facts = &in.Facts
	h.source, h.utmSource, h.utmMedium = in.Facts.Source, in.Facts.UTMSource, in.Facts.UTMMedium
	h.utmCampaign, h.utmContent, h.utmTerm = in.Facts.UTMCampaign, in.Facts.UTMContent, in.Facts.UTMTerm
	if err := p.c.judge(ctx, h, pastSteps); err != nil {
		if d, ok := errors.AsType[*drop](err); ok {
			return &Refusal{d.reason, h.detail}
		}
		return err
	}
	h.event.Time = h.now
	*j = Judged{Event: h.event, Visitor: h.key, Previous: h.previous, Origin: h.origin, Arrival: h.arrival}
	return nil
}

// putSender says who it was. A server that looks up names of its clients logs
// those instead of addresses: they tell visitors apart just as well.
func (h *hit) putSender(in *PastHit) {
	h.ua, h.batch = in.UserAgent, in.UserAgent == "" // batch: no user agent is no sign of a program
	if h.ua == "-" {
		h.ua = ""
	}
	ip, err := netip.ParseAddr(in.Address)
	if err == nil {
		h.ip = ip.Unmap().WithZone("")
	}
	switch {
	case in.Visitor != "":
		h.visitorID = in.Visitor
	case in.Address != "" && (err != nil || h.batch):
		h.visitorID = in.Address + "\x00" + h.ua
	}
	if len(h.visitorID) > maxVisitorID {
		sum := sha256.Sum256([]byte(h.visitorID))
		h.visitorID = string(sum[:])
	}
}

// putFacts puts what the source knows in the place of what was derived.
func putFacts(_ context.Context, _ *Collector, h *hit) error {
	f, e := h.facts, &h.event.Entry
	for _, t := range [...]struct{ known, to *string }{
		{&f.Referrer, &e.Referrer}, {&f.Source, &e.Source}, {&f.Channel, &e.Channel},
		{&f.Browser, &e.Browser}, {&f.OS, &e.OS}, {&f.Device, &e.Device},
		{&f.BrowserVersion, &e.BrowserVersion}, {&f.OSVersion, &e.OSVersion},
		{&f.Language, &e.Language}, {&f.TimeZone, &e.TimeZone},
	} {
		if *t.known != "" {
			*t.to = strings.ToValidUTF8(cut(tidy(*t.known), maxTag), "\uFFFD")
		}
	}
	if f.Country != "" || f.Region != "" || f.City != "" { // of one place: a city elsewhere is worse than none
		e.Country, e.Region, e.City = cut(strings.ToUpper(f.Country), 2), cut(f.Region, 6), cut(tidy(f.City), maxTag)
	}
	if f.ScreenWidth > 0 {
		e.ScreenWidth = f.ScreenWidth - f.ScreenWidth%100
	}
	h.origin = origin(e)
	return nil
}

// Join puts a judged event into its visitor's open visit, or opens one with
// the ID fresh; opened says which. Events come in the order of time: one that
// is older than its visit's last takes the place after it.
//
// told is another's word for the visit, hashed: then that decides, not time.
// An engagement that has no visit is a Refusal.
func (p *Past) Join(ctx context.Context, j *Judged, fresh int64, told int64) (opened bool, err error) {
	if told != 0 {
		return p.joinTold(ctx, j, told)
	}
	h := &p.h
	*h = hit{clickIDs: h.clickIDs[:0], entry: h.entry}
	h.site, h.local, h.now, h.name = p.site, p.visits, j.Event.Time, j.Event.Name
	h.event, h.key, h.previous, h.origin, h.arrival = j.Event, j.Visitor, j.Previous, j.Origin, j.Arrival
	h.fresh = fresh
	if err := p.c.judge(ctx, h, finally); err != nil {
		if d, ok := errors.AsType[*drop](err); ok {
			return false, &Refusal{d.reason, h.detail}
		}
		return false, err
	}
	j.Event = h.event
	opened = h.event.Visit == fresh && h.event.VisitStart == h.event.Time && h.name != event.Engagement
	j.Event.Entry, err = event.DecodeEntry(h.entry)
	return opened, err
}

// joinTold joins the visit that goes by a name, however long ago its last
// event was.
func (p *Past) joinTold(ctx context.Context, j *Judged, told int64) (opened bool, err error) {
	key := kv.VisitKey{Site: -p.site.ID, Visitor: told} // of its own kind: no visitor's
	v, ok, err := p.visits.Latest(ctx, key, kv.VisitKey{}, 0)
	if err != nil {
		return false, err
	}
	e := &j.Event
	e.Visit = told
	switch {
	case e.Name == event.Engagement && !ok:
		return false, &Refusal{Reason: dropNoVisit.reason}
	case e.Name == event.Engagement: // it neither opens nor goes on with a visit
		e.Entry, err = event.DecodeEntry(v.Entry)
		return false, err
	case !ok:
		e.VisitStart = e.Time
		if e.Name == event.Pageview {
			e.EntryPath = e.Path
		}
		p.visits.Restore(key, kv.Visit{ID: told, Start: e.Time, Last: e.Time, Entry: event.AppendEntry(nil, &e.Entry)})
		return true, nil
	}
	v.Last = max(e.Time, v.Last+1)
	e.Time = v.Last
	p.visits.Restore(key, v)
	e.Entry, err = event.DecodeEntry(v.Entry)
	return false, err
}

// Forget lets go of the visits that ended long before a time of the log.
func (p *Past) Forget(before time.Time) { p.visits.Expire(before.UnixMilli()) }
