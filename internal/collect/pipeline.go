package collect

import (
	"context"
	"net/netip"
	"strings"

	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/kv"
	"moonbear/internal/site"
)

// hit is a message on its way to become an event, with what is known of its
// sender. It is used again for another one: nothing of it outlives the answer.
type hit struct {
	message

	// The sender. Neither field may reach an event.
	ip netip.Addr // invalid: not known
	ua string

	now     int64        // Unix milliseconds: when it happened
	live    bool         // now is the server's own clock, and open visits are joined
	batch   bool         // sent by a server: the sender is not the visitor
	local   kv.Visits    // what a hit that is not live forms visits in
	facts   *event.Entry // of an import: what its source knows
	fresh   int64        // of an import: the ID of the visit it may open
	trusted *TokenFacts

	site     *site.Site
	address  address
	agent    *agent // nil: no user agent is known
	clickIDs []string
	origin   uint64 // hash of the campaign and source
	arrival  bool   // from an external source
	key      kv.VisitKey
	previous kv.VisitKey // key under yesterday's salt

	event  event.Event
	entry  []byte // event.AppendEntry of the event's visit
	detail string // of a drop

	body, record []byte
}

// step is one step of judging a hit. Its error is a *drop, or a fault that is
// answered to the sender.
type step func(ctx context.Context, c *Collector, h *hit) error

// steps is what happens to every hit, in this order. drop* steps refuse it for
// a counted reason, put* steps add a fact or fault the field at fault.
var steps = []step{
	putSite, putName, putWho, putAddress, putProps, putRevenue, putMeasures,
	dropForeignHostname, dropBot, dropReferrerSpam, dropOverQuota,
	putDevice, putPlace, putSource, putVisitor,
}

// finally is what happens to it last, in the order of time: after it an event
// is complete.
var finally = []step{dropWithoutVisit, putVisit}

// drop is why a hit is refused: an enumerated reason, counted for the site's
// owner to see.
type drop struct {
	reason string
	err    error // what is answered; nil: 202, as if it had been stored
}

func (d *drop) Error() string { return "dropped: " + d.reason }

// The reasons there are. These texts are stored: they never change.
var (
	dropHostname   = &drop{reason: "hostname"}                 // not on the site's list; detail: the hostname
	dropBots       = &drop{reason: "bot"}                      // detail: the bot's name
	dropSpam       = &drop{reason: "referrer_spam"}            // the referrer is on the list of spammers
	dropNoVisit    = &drop{reason: "engagement_without_visit"} // no visit in the six hours before
	dropQuotaSpent = &drop{reason: "quota", err: fault.New(fault.OverQuota,
		"This site's plan has no events left this month. Collecting goes on when the plan changes or the next month begins.")}
)

// dropReasons are all of them, for metrics and for those who explain them.
var dropReasons = []*drop{dropHostname, dropBots, dropSpam, dropNoVisit, dropQuotaSpent}

// DropReasons are the reasons' texts, as they are stored.
func DropReasons() []string {
	var texts []string
	for _, d := range dropReasons {
		texts = append(texts, d.reason)
	}
	return texts
}

// judge runs steps until one refuses the hit.
func (c *Collector) judge(ctx context.Context, h *hit, steps []step) error {
	for _, s := range steps {
		if err := s(ctx, c, h); err != nil {
			return err
		}
	}
	return nil
}

// drop counts a hit that is refused for a reason. What a page says when it is
// left is no second hit to its owner: the pageview was counted when it came.
func (c *Collector) drop(h *hit, d *drop) {
	c.metrics.dropped(d)
	if h.name == event.Engagement && d != dropNoVisit {
		return
	}
	c.drops.add(h.site.ID, h.now, d.reason, h.detail)
}

func putSite(_ context.Context, c *Collector, h *hit) error {
	if h.siteID == "" {
		return fault.Field(h.siteField(), h.siteField()+": it must be the site's ID, as in the snippet.")
	}
	s, known := c.sites.Lookup(h.siteID)
	switch {
	case known:
		h.site, h.event.Site = s, s.ID
		return nil
	case !c.sites.Ready():
		return errSitesUnknown
	}
	return &fault.Fault{Kind: fault.NotFound, Field: h.siteField(), Message: h.siteField() + ": there is no site with this ID."}
}

// siteField is what the sender calls the site.
func (h *hit) siteField() string {
	switch {
	case h.siteKey != "":
		return h.siteKey
	case h.batch:
		return "site_id"
	}
	return "site"
}

func putName(_ context.Context, _ *Collector, h *hit) error {
	if h.name == "" {
		h.name = event.Pageview
	}
	if !validName(h.name) {
		return fault.Field("event", "event: a name begins with a letter and has at most 64 letters, digits, spaces, dots, hyphens and underscores, all of them ASCII.")
	}
	h.event.Name = h.name
	return nil
}

// putWho decides who the visitor is said to be. An override is believed when
// the sender may write to this very site.
func putWho(_ context.Context, _ *Collector, h *hit) error {
	if h.trusted == nil {
		h.overrideIP, h.overrideAgent, h.overrideCountry = "", "", ""
		return nil
	}
	if !h.trusted.covers(h.site) {
		return &fault.Fault{Kind: fault.Forbidden, Field: h.siteField(), Message: h.siteField() + ": this API token is not for this site."}
	}
	if h.batch && h.visitorID == "" && (h.overrideIP == "") != (h.overrideAgent == "") {
		given, missing := "override_ip", "override_user_agent"
		if h.overrideIP == "" {
			given, missing = missing, given
		}
		return fault.Field(missing, missing+": it is missing. A visitor is named by "+given+" together with "+missing+", or by visitor_id.")
	}
	if h.overrideAgent != "" {
		h.ua = h.overrideAgent
	}
	if h.overrideIP != "" {
		ip, err := netip.ParseAddr(strings.TrimSpace(h.overrideIP))
		if err != nil {
			return fault.Field("override_ip", "override_ip: it must be an IP address, such as 203.0.113.7 or 2001:db8::7.")
		}
		h.ip = ip.Unmap().WithZone("")
	}
	if h.overrideCountry != "" {
		h.overrideCountry = strings.ToUpper(h.overrideCountry)
		if len(h.overrideCountry) != 2 || h.overrideCountry[0] < 'A' || h.overrideCountry[0] > 'Z' || h.overrideCountry[1] < 'A' || h.overrideCountry[1] > 'Z' {
			return fault.Field("override_country_code", "override_country_code: it must be two letters, such as KR.")
		}
	}
	return nil
}

func putAddress(_ context.Context, _ *Collector, h *hit) (err error) {
	if h.address, err = parseAddress(h.url); err != nil {
		return err
	}
	h.clickIDs = h.readQuery(h.address.query, h.clickIDs)
	h.event.Hostname, h.event.Path = h.address.hostname, h.address.path
	if h.address.fragment != "" && (h.fragment || h.site.KeepFragment) {
		h.event.Path = cut(h.event.Path+"#"+readable(h.address.fragment), maxPath)
	}
	return nil
}

func putProps(_ context.Context, _ *Collector, h *hit) (err error) {
	h.event.Props, err = checkProps(h.props)
	return err
}

func putRevenue(_ context.Context, _ *Collector, h *hit) error {
	if !h.hasValue {
		return nil
	}
	h.event.Revenue, h.event.Currency = h.value, strings.ToUpper(strings.TrimSpace(h.currency))
	if h.event.Currency == "" {
		h.event.Currency = h.site.Currency
		return nil
	}
	for i := range len(h.event.Currency) {
		if c := h.event.Currency[i]; c < 'A' || c > 'Z' || len(h.event.Currency) != 3 {
			return fault.Field("currency", "currency: it must be an ISO 4217 code of three letters, such as EUR or KRW.")
		}
	}
	return nil
}

func putMeasures(_ context.Context, _ *Collector, h *hit) error {
	h.event.Measures = h.measures
	h.event.ConnectionSpeed = speed(h.speed)
	if depth, ok := h.measures[event.ScrollDepth].Value(); ok {
		h.event.Measures[event.ScrollDepth] = event.Measured(int64(min(depth, 100)))
	}
	switch h.name {
	case event.Pageview, event.Engagement:
	default: // what a visitor did counts against a bounce, unless the sender knows better
		h.event.Interactive = h.interactive != no
	}
	return nil
}

func dropForeignHostname(_ context.Context, _ *Collector, h *hit) error {
	if h.site.Allows(h.address.hostname) {
		return nil
	}
	h.detail = h.address.hostname
	return dropHostname
}

// dropBot looks up the user agent, whose facts putDevice uses. A server that
// sends batches is no bot for being a program: only the visitor's agent it
// names counts.
func dropBot(_ context.Context, c *Collector, h *hit) error {
	if h.batch && h.ua == "" {
		return nil
	}
	h.agent = c.agents.find(h.ua)
	if h.agent.bot == "" {
		return nil
	}
	h.detail = h.agent.bot
	return dropBots
}

func dropReferrerSpam(_ context.Context, c *Collector, h *hit) error {
	if h.referrer == "" {
		return nil
	}
	if h.ownReferrer() {
		h.referrer = ownPage
		return nil
	}
	if c.sources.Spam(h.referrer) {
		return dropSpam
	}
	return nil
}

func dropOverQuota(_ context.Context, c *Collector, h *hit) error {
	if c.quota == nil || c.quota(h.site.ID) {
		return nil
	}
	return dropQuotaSpent
}
