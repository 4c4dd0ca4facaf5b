package demo

import (
	"fmt"
	"math"
	"time"
)

type origin struct {
	source, channel, referrer      string
	utmSource, utmMedium, campaign string // campaign "season" is the season's
	term, content                  []string
	path                           string // where it leads; "" anywhere
	weight                         float64
	bounce                         int // in a thousand
}

const season = "season"

// origins of a visit. The first sites' own; the long tail of blogs and forums
// comes after them.
var origins = []origin{
	{channel: "Direct", weight: 0.30, bounce: 420},
	{source: "Google", channel: "Organic Search", referrer: "google.com", weight: 0.24, bounce: 450},
	{source: "Naver", channel: "Organic Search", referrer: "search.naver.com/search.naver", weight: 0.10, bounce: 440},
	{source: "KakaoTalk", channel: "Organic Social", weight: 0.04, bounce: 500},
	{source: "Daum", channel: "Organic Search", referrer: "search.daum.net/search", weight: 0.02, bounce: 500},
	{source: "Instagram", channel: "Organic Social", referrer: "l.instagram.com", weight: 0.06, bounce: 600},
	{source: "Bing", channel: "Organic Search", referrer: "bing.com", weight: 0.03, bounce: 450},
	{source: "DuckDuckGo", channel: "Organic Search", referrer: "duckduckgo.com", weight: 0.02, bounce: 420},
	{source: "Reddit", channel: "Organic Social", referrer: "reddit.com/r/coffee", weight: 0.03, bounce: 630, path: "/journal/grinders-compared"},
	{source: "Hacker News", channel: "Organic Social", referrer: "news.ycombinator.com/item", weight: 0.005, bounce: 780, path: "/journal/why-we-roast-light"},
	{source: "newsletter", channel: "Email", utmSource: "newsletter", utmMedium: "email", campaign: season, weight: 0.06, bounce: 250, path: "/shop/halla-blend",
		content: []string{"button", "picture", "footer"}},
	{source: "Google", channel: "Paid Search", referrer: "google.com", utmSource: "google", utmMedium: "cpc", campaign: "brand-search", weight: 0.04, bounce: 380, path: "/shop",
		term: []string{"specialty coffee", "fresh beans", "jeju coffee", "coffee subscription", "light roast"}},
	{source: "Google", channel: "Paid Search", referrer: "google.com", utmSource: "google", utmMedium: "cpc", campaign: "gift-guide", weight: 0.012, bounce: 410, path: "/shop/gift-card",
		term: []string{"coffee gift", "gift for coffee lovers"}},
	{source: "Instagram", channel: "Paid Social", referrer: "l.instagram.com", utmSource: "instagram", utmMedium: "paid-social", campaign: season, weight: 0.014, bounce: 560,
		content: []string{"reel-a", "reel-b", "story"}},
	{source: "Naver", channel: "Paid Search", referrer: "search.naver.com/search.naver", utmSource: "naver", utmMedium: "cpc", campaign: "brand-search", weight: 0.012, bounce: 400, path: "/shop",
		term: []string{"제주 커피", "원두 추천", "드립백"}},
	{source: "YouTube", channel: "Organic Social", referrer: "youtube.com/watch", weight: 0.014, bounce: 520},
	{source: "sprudge.com", channel: "Referral", referrer: "sprudge.com/best-roasters-of-the-year", weight: 0.025, bounce: 500, path: "/about"},
}

// seasons name the campaigns of each month.
var seasons = [12]string{"new-year-set", "new-year-set", "spring-harvest", "spring-harvest", "spring-harvest", "summer-cold-brew",
	"summer-cold-brew", "summer-cold-brew", "autumn-roast", "autumn-roast", "autumn-roast", "winter-gift"}

// The long tail of referrers.
var (
	hostsA = []string{"bean", "brew", "crema", "filter", "grinder", "kettle", "roast", "barista", "cupping", "espresso", "arabica", "moka", "pour-over",
		"slow-coffee", "second-cup", "early-riser"}
	hostsB = []string{"notes", "board", "letters", "weekly", "diary", "forum", "finds", "journal", "club", "reviews", "people", "corner", "talk"}
	hostsC = []string{".example", "-blog.example", "-ko.example", "-online.example"}
)

// referrers is how many blogs and forums link to a site.
func referrers(perDay float64) int { return int(math.Min(1500, 12+perDay/60)) }

// linkedFrom is one of them: a blog's article or a forum's thread.
func linkedFrom(i int) origin {
	host := hostsA[i*5%16] + "-" + hostsB[i*7%13] + hostsC[i/208%4]
	path := fmt.Sprintf("/%d/%02d/a-cup-worth-the-walk", 2021+i%6, 1+i%12)
	if i%3 == 0 {
		path = fmt.Sprintf("/t/%s/%d", subjects[i%26], 1200+37*i)
	}
	if n := i / 832; n > 0 {
		path += fmt.Sprintf("-%d", n+1)
	}
	return origin{source: host, channel: "Referral", referrer: host + path, weight: 0.06, bounce: 400 + i%7*30}
}

// originsFor are a shop's origins and the tables to draw from them: [1] in
// Korea, then [1] on the newsletter's day.
func originsFor(perDay float64) (list []origin, tables [2][2]alias) {
	list = append(list, origins...)
	n := referrers(perDay)
	var sum float64
	for i := range n {
		sum += 1 / float64(i+1)
	}
	for i := range n {
		o := linkedFrom(i)
		o.weight /= float64(i+1) * sum
		list = append(list, o)
	}
	for korea := range tables {
		for letter := range tables[korea] {
			tables[korea][letter] = aliasOf(list, func(o origin) float64 { return o.weight * bias(o, korea == 1, letter == 1) })
		}
	}
	return list, tables
}

func bias(o origin, korea, letter bool) float64 {
	korean := o.source == "Naver" || o.source == "KakaoTalk" || o.source == "Daum"
	switch {
	case korean && korea:
		return 2.2
	case korean:
		return 0.02
	case o.source == "newsletter" && !letter:
		return 0.3
	case o.source == "Google" && korea:
		return 0.8
	}
	return 1
}

// hackerNews is where a launch's crowd comes from.
var hackerNews = func() int {
	for i, o := range origins {
		if o.source == "Hacker News" {
			return i
		}
	}
	panic("demo: nobody comes from Hacker News")
}()

// botsAndOthers are not counted; per day at 1,000 visits a day.
var botsAndOthers = []struct {
	reason, name string
	perDay       float64
}{
	{"bot", "Googlebot", 90}, {"bot", "Yeti", 34}, {"bot", "GPTBot", 28}, {"bot", "Bingbot", 25},
	{"bot", "AhrefsBot", 22}, {"bot", "ClaudeBot", 18}, {"bot", "HeadlessChrome", 15}, {"bot", "SemrushBot", 11}, {"bot", "curl", 6},
	{"hostname", "", 9}, {"referrer_spam", "", 4},
}

// crawls says in which minute of an hour a bot comes: each comes once an hour
// and reads a few pages then.
func (t *Traffic) crawls(bot int, hour int64) (minute int64, pages int) {
	d := dice{hash(t.seed, 3, uint64(bot), uint64(hour))}
	minute = hour*60 + int64(d.below(60))
	at := time.Unix(hour*3600, 0).UTC()
	return minute, d.poisson(botsAndOthers[bot].perDay / 24 * t.o.PerDay / 1000 * t.growth(at))
}
