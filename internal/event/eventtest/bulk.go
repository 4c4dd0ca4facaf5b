package eventtest

import (
	"fmt"
	"math/rand/v2"
	"time"

	"moonbear/internal/event"
)

// Bulk makes any number of events that look like a real day's: visits of one
// to many pageviews that interleave, skewed paths, sources and places, timings
// on pageviews, an engagement message at the end of a page. The same Bulk
// makes the same events.
type Bulk struct {
	Seed uint64
	// Weights are the sites' shares of the visits: {1: 98, 2: 2}.
	Weights map[int64]int
	// From is the first event's time; Gap the mean time between events.
	From time.Time
	Gap  time.Duration

	r     *rand.Rand
	now   int64
	sites []int64 // each as often as it weighs
	paths [][]string
	open  []visiting // visits that go on
	next  int64
}

type visiting struct {
	last event.Event
	left int // events still to come
}

var (
	bulkSources = []struct{ source, channel, referrer string }{
		{"", "Direct", ""}, {"", "Direct", ""}, {"", "Direct", ""},
		{"Google", "Organic Search", "www.google.com"}, {"Google", "Organic Search", "www.google.com"}, {"Naver", "Organic Search", "search.naver.com/search.naver"},
		{"Hacker News", "Referral", "news.ycombinator.com/item"}, {"newsletter", "Email", ""}, {"Facebook", "Paid Social", "l.facebook.com"},
		{"Reddit", "Organic Social", "www.reddit.com/r/selfhosted"},
	}
	bulkPlaces = []struct{ country, region, city, language, zone string }{
		{"KR", "KR-11", "Seoul", "ko-KR", "Asia/Seoul"}, {"KR", "KR-26", "Busan", "ko-KR", "Asia/Seoul"}, {"US", "US-CA", "San Francisco", "en-US", "America/Los_Angeles"},
		{"US", "US-NY", "New York", "en-US", "America/New_York"}, {"DE", "DE-BE", "Berlin", "de-DE", "Europe/Berlin"}, {"FR", "FR-IDF", "Paris", "fr-FR", "Europe/Paris"},
		{"JP", "JP-13", "Tokyo", "ja-JP", "Asia/Tokyo"}, {"BR", "BR-SP", "São Paulo", "pt-BR", "America/Sao_Paulo"}, {"GB", "GB-ENG", "London", "en-GB", "Europe/London"},
	}
	bulkDevices = []struct {
		browser, version, os, osVersion, device string
		width                                   int32
	}{
		{"Chrome", "142", "Windows", "11", event.DeviceDesktop, 1900}, {"Chrome", "142", "Android", "16", event.DeviceMobile, 400}, {"Safari", "26.1", "iOS", "26.1", event.DeviceMobile, 300},
		{"Firefox", "146", "Linux", "", event.DeviceDesktop, 2500}, {"Safari", "26.1", "macOS", "26", event.DeviceDesktop, 1400}, {"Edge", "142", "Windows", "10", event.DeviceDesktop, 1300},
		{"Samsung Internet", "29", "Android", "15", event.DeviceMobile, 400}, {"KakaoTalk", "26", "Android", "16", event.DeviceMobile, 400},
	}
)

const bulkPaths = 500

func (b *Bulk) start() {
	b.r = rand.New(rand.NewPCG(b.Seed, 0x6d6f6f6e))
	if b.Weights == nil {
		b.Weights = map[int64]int{Site: 1}
	}
	if b.From.IsZero() {
		b.From = Start
	}
	if b.Gap == 0 {
		b.Gap = time.Second
	}
	b.now = b.From.UnixMilli()
	for id := int64(0); len(b.sites) < sum(b.Weights); id++ {
		for range b.Weights[id] {
			b.sites = append(b.sites, id)
		}
	}
	b.paths = make([][]string, 7)
	for i := range b.paths {
		for j := range bulkPaths {
			b.paths[i] = append(b.paths[i], fmt.Sprintf("/%s/%s-%d", []string{"docs", "blog", "pricing", "product"}[j%4], []string{"getting-started", "a-longer-title-about-analytics", "faq"}[(i+j)%3], j))
		}
	}
}

func sum(m map[int64]int) int {
	n := 0
	for _, v := range m {
		n += v
	}
	return n
}

// Next makes n events, by time.
func (b *Bulk) Next(n int) []event.Event {
	if b.r == nil {
		b.start()
	}
	events := make([]event.Event, n)
	for i := range events {
		b.now += int64(b.r.ExpFloat64() * float64(b.Gap.Milliseconds()))
		events[i] = b.one()
	}
	return events
}

func (b *Bulk) one() event.Event {
	// A third of the events open a visit; 200 visits are open at a time.
	if len(b.open) < 200 && b.r.IntN(3) == 0 || len(b.open) == 0 {
		return b.visit()
	}
	i := b.r.IntN(len(b.open))
	v := &b.open[i]
	e := v.last
	e.Time = b.now
	v.left--
	switch {
	case v.left <= 0:
		e.Name, e.Interactive, e.Props = event.Engagement, false, nil
		e.Measures = [event.MeasureCount]event.Measure{}
		e.Measures[event.EngagementTime] = event.Measured(b.r.Int64N(90_000))
		e.Measures[event.ScrollDepth] = event.Measured(b.r.Int64N(101))
		e.Measures[event.LCP] = event.Measured(500 + b.r.Int64N(3000))
		e.Measures[event.CLS] = event.Measured(b.r.Int64N(2500))
		e.Measures[event.INP] = event.Measured(8 * b.r.Int64N(60))
		e.Measures[event.FCP] = event.Measured(300 + b.r.Int64N(2000))
		e.Measures[event.TTFB] = event.Measured(20 + b.r.Int64N(900))
		b.open[i] = b.open[len(b.open)-1]
		b.open = b.open[:len(b.open)-1]
		return e
	case b.r.IntN(12) == 0:
		e.Name, e.Interactive = "signup", true
		e.Measures = [event.MeasureCount]event.Measure{}
		e.Props = []event.Prop{{Key: "plan", Value: []string{"free", "basic", "premium"}[b.r.IntN(3)]}, {Key: "position", Value: fmt.Sprint(b.r.IntN(5))}}
		return e
	}
	e.Path = b.path(e.Site)
	e.Name, e.Interactive, e.Props = event.Pageview, false, nil
	b.timings(&e)
	v.last = e
	return e
}

func (b *Bulk) visit() event.Event {
	b.next++
	s, p, d := bulkSources[b.skew(len(bulkSources))], bulkPlaces[b.skew(len(bulkPlaces))], bulkDevices[b.skew(len(bulkDevices))]
	e := event.Event{
		Site: b.sites[b.r.IntN(len(b.sites))], Time: b.now, Name: event.Pageview,
		Visitor: int64(b.r.Uint64()), Visit: int64(b.r.Uint64()),
		ConnectionSpeed: "4g",
	}
	e.Hostname = fmt.Sprintf("www.site%d.example", e.Site)
	e.Path = b.path(e.Site)
	e.Entry = event.Entry{
		VisitStart: b.now, EntryPath: e.Path, Referrer: s.referrer, Source: s.source, Channel: s.channel,
		Country: p.country, Region: p.region, City: p.city, Language: p.language, TimeZone: p.zone,
		Browser: d.browser, BrowserVersion: d.version, OS: d.os, OSVersion: d.osVersion, Device: d.device, ScreenWidth: d.width,
	}
	if s.channel == "Email" || s.channel == "Paid Social" {
		e.UTMSource, e.UTMMedium, e.UTMCampaign = s.source, "email", fmt.Sprintf("week-%d", b.r.IntN(8))
	}
	b.timings(&e)
	b.open = append(b.open, visiting{last: e, left: 1 + b.r.IntN(4)})
	return e
}

func (b *Bulk) timings(e *event.Event) {
	e.Measures = [event.MeasureCount]event.Measure{}
	if b.r.IntN(5) == 0 {
		return // a fifth of the browsers tell none
	}
	ttfb := 20 + b.r.Int64N(600)
	e.Measures[event.DNS] = event.Measured(b.r.Int64N(40))
	e.Measures[event.Connect] = event.Measured(b.r.Int64N(80))
	e.Measures[event.TLS] = event.Measured(b.r.Int64N(60))
	e.Measures[event.TTFBTiming] = event.Measured(ttfb)
	e.Measures[event.DownloadTiming] = event.Measured(b.r.Int64N(100))
	e.Measures[event.DOMContentLoaded] = event.Measured(ttfb + b.r.Int64N(900))
	e.Measures[event.Render] = event.Measured(b.r.Int64N(500))
	e.Measures[event.PageLoad] = event.Measured(ttfb + 900 + b.r.Int64N(2000))
	e.Measures[event.TransferSize] = event.Measured(2000 + b.r.Int64N(80_000))
}

func (b *Bulk) path(site int64) string {
	ps := b.paths[int(site)%len(b.paths)]
	return ps[b.skew(len(ps))]
}

// skew picks from n, the first ones much more often.
func (b *Bulk) skew(n int) int {
	f := b.r.Float64()
	return int(f * f * f * float64(n))
}
