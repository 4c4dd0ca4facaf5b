package demo

import (
	"strings"
	"time"

	"moonbear/internal/event"
)

type page struct{ path string }

// pages by how often they are read; the first is read most.
var pages = []page{
	{"/"}, {"/shop"}, {"/shop/halla-blend"}, {"/journal/brew-guide"}, {"/shop/jeju-decaf"},
	{"/journal"}, {"/basket"}, {"/shop/ethiopia-guji"}, {"/about"}, {"/journal/why-we-roast-light"},
	{"/shop/subscription"}, {"/journal/water"}, {"/shop/gift-card"}, {"/journal/grinders-compared"},
	{"/shop/colombia-huila"}, {"/contact"}, {"/journal/cold-brew"}, {"/shipping"}, {"/journal/cupping-notes"},
	{"/shop/kenya-nyeri"}, {"/wholesale"}, {"/journal/moka-pot"}, {"/shop/filters"}, {"/returns"},
	{"/journal/decaf-explained"}, {"/shop/kettle"}, {"/privacy"}, {"/journal/farm-visit-2026"},
}

// cost is what makes a page slower than others: what is drawn on it, and the
// work of the server. Pages that aren't here cost 1.
type cost struct{ draw, server float64 }

var costs = map[string]cost{
	"/":                           {1.25, 1},
	"/shop":                       {1.4, 1.3},
	"/basket":                     {0.8, 1.9},
	"/checkout":                   {1.1, 2.6},
	"/journal/grinders-compared":  {2.4, 1},
	"/journal/farm-visit-2026":    {3.2, 1},
	"/journal/cupping-notes":      {1.6, 1},
	"/journal/why-we-roast-light": {0.8, 1},
	"/privacy":                    {0.5, 0.8},
	"/contact":                    {0.6, 0.8},
}

var roasts = []string{"light", "medium", "dark"}

type place struct {
	country, region, city, language, zone string
	offset, weight, slow                  float64 // hours from UTC; share; 1 is close to the server
}

var places = []place{
	{"KR", "KR-11", "Seoul", "ko-KR", "Asia/Seoul", 9, 0.24, 0.9},
	{"KR", "KR-26", "Busan", "ko-KR", "Asia/Seoul", 9, 0.07, 1.0},
	{"KR", "KR-49", "Jeju", "ko-KR", "Asia/Seoul", 9, 0.03, 1.1},
	{"US", "US-CA", "San Francisco", "en-US", "America/Los_Angeles", -8, 0.12, 1.5},
	{"US", "US-NY", "New York", "en-US", "America/New_York", -5, 0.11, 1.6},
	{"DE", "DE-BE", "Berlin", "de-DE", "Europe/Berlin", 1, 0.10, 1.3},
	{"GB", "GB-ENG", "London", "en-GB", "Europe/London", 0, 0.08, 1.3},
	{"JP", "JP-13", "Tokyo", "ja-JP", "Asia/Tokyo", 9, 0.08, 1.0},
	{"FR", "FR-IDF", "Paris", "fr-FR", "Europe/Paris", 1, 0.05, 1.3},
	{"IN", "IN-KA", "Bengaluru", "en-IN", "Asia/Kolkata", 5.5, 0.05, 2.2},
	{"BR", "BR-SP", "São Paulo", "pt-BR", "America/Sao_Paulo", -3, 0.04, 2.4},
	{"AU", "AU-VIC", "Melbourne", "en-AU", "Australia/Melbourne", 11, 0.03, 1.8},
}

type machine struct {
	browser, version, os, osVersion, device, speed string
	width                                          []int32
	weight                                         float64
	korean                                         bool // found mostly in Korea
}

var machines = []machine{
	{"Chrome", "156", "Windows", "10", event.DeviceDesktop, "4g", []int32{1300, 1500, 1900, 2500}, 0.24, false},
	{"Chrome", "156", "Android", "15", event.DeviceMobile, "4g", []int32{300, 400}, 0.22, false},
	{"Safari", "26.1", "iOS", "26", event.DeviceMobile, "", []int32{300, 400}, 0.20, false},
	{"Safari", "26.1", "macOS", "10.15", event.DeviceDesktop, "", []int32{1400, 1700}, 0.09, false},
	{"Chrome", "155", "macOS", "10.15", event.DeviceDesktop, "4g", []int32{1400, 1700, 1900}, 0.09, false},
	{"Firefox", "150", "Windows", "10", event.DeviceDesktop, "", []int32{1500, 1900}, 0.05, false},
	{"Firefox", "150", "Linux", "", event.DeviceDesktop, "", []int32{1900, 2500}, 0.03, false},
	{"Edge", "156", "Windows", "10", event.DeviceDesktop, "4g", []int32{1500, 1900}, 0.06, false},
	{"Samsung Internet", "29", "Android", "15", event.DeviceMobile, "4g", []int32{300, 400}, 0.06, true},
	{"KakaoTalk", "25", "Android", "15", event.DeviceMobile, "4g", []int32{300, 400}, 0.05, true},
	{"Naver", "12", "iOS", "26", event.DeviceMobile, "", []int32{300, 400}, 0.05, true},
	{"Whale", "4", "Windows", "10", event.DeviceDesktop, "4g", []int32{1500, 1900}, 0.03, true},
	{"Safari", "26.1", "iPadOS", "26", event.DeviceTablet, "", []int32{800, 1000}, 0.03, false},
}

func machineBias(p place, m machine) float64 {
	switch {
	case m.korean && p.country == "KR":
		return 3
	case m.korean:
		return 0.05
	}
	return 1
}

type origin struct {
	source, channel, referrer      string
	utmSource, utmMedium, campaign string
	path                           string // where it leads; "" anywhere
	weight, bounce                 float64
}

var origins = []origin{
	{channel: "Direct", weight: 0.30, bounce: 0.42},
	{source: "Google", channel: "Organic Search", referrer: "google.com", weight: 0.24, bounce: 0.45},
	{source: "Naver", channel: "Organic Search", referrer: "search.naver.com/search.naver", weight: 0.10, bounce: 0.44},
	{source: "KakaoTalk", channel: "Organic Social", weight: 0.04, bounce: 0.5},
	{source: "Daum", channel: "Organic Search", referrer: "search.daum.net/search", weight: 0.02, bounce: 0.5},
	{source: "Instagram", channel: "Organic Social", referrer: "l.instagram.com", weight: 0.07, bounce: 0.6},
	{source: "Bing", channel: "Organic Search", referrer: "bing.com", weight: 0.03, bounce: 0.45},
	{source: "DuckDuckGo", channel: "Organic Search", referrer: "duckduckgo.com", weight: 0.02, bounce: 0.42},
	{source: "Reddit", channel: "Organic Social", referrer: "reddit.com/r/coffee", weight: 0.03, bounce: 0.63, path: "/journal/grinders-compared"},
	{source: "Hacker News", channel: "Organic Social", referrer: "news.ycombinator.com/item", weight: 0.01, bounce: 0.78, path: "/journal/why-we-roast-light"},
	{source: "newsletter", channel: "Email", utmSource: "newsletter", utmMedium: "email", campaign: "autumn-roast", weight: 0.06, bounce: 0.25, path: "/shop/halla-blend"},
	{source: "Google", channel: "Paid Search", referrer: "google.com", utmSource: "google", utmMedium: "cpc", campaign: "brand-search", weight: 0.05, bounce: 0.38, path: "/shop"},
	{source: "sprudge.com", channel: "Referral", referrer: "sprudge.com/best-roasters-of-the-year", weight: 0.03, bounce: 0.5, path: "/about"},
}

func originBias(p place, o origin, m time.Time) float64 {
	korean := o.source == "Naver" || o.source == "KakaoTalk" || o.source == "Daum"
	switch {
	case korean && p.country == "KR":
		return 2.2
	case korean:
		return 0.02
	case o.source == "Hacker News":
		return 1 + 60*launch(m)
	case o.source == "newsletter" && m.Weekday() != time.Wednesday:
		return 0.3
	case strings.HasPrefix(o.referrer, "google.") && p.country == "KR":
		return 0.8
	}
	return 1
}

// bots and others that are not counted, per day at 1,000 visits a day.
var bots = []struct {
	reason, name string
	perDay       float64
}{
	{"bot", "Googlebot", 90}, {"bot", "Yeti", 34}, {"bot", "GPTBot", 28}, {"bot", "Bingbot", 25},
	{"bot", "AhrefsBot", 22}, {"bot", "HeadlessChrome", 15}, {"bot", "curl", 6},
	{"hostname", "hallacoffee-staging.example", 9}, {"referrer_spam", "", 4},
}
