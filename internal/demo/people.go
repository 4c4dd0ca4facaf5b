package demo

import (
	"fmt"
	"time"

	"moonbear/internal/event"
)

type place struct {
	country, region, city, language, zone string
	offset, weight                        float64 // hours from UTC; share
	slow                                  int64   // thousandths; 1000 is close to the server
}

// places by how often the first shop is read there; others' homes weigh more.
var places = []place{
	{"KR", "KR-11", "Seoul", "ko-KR", "Asia/Seoul", 9, 0.24, 900},
	{"KR", "KR-26", "Busan", "ko-KR", "Asia/Seoul", 9, 0.05, 1000},
	{"KR", "KR-27", "Daegu", "ko-KR", "Asia/Seoul", 9, 0.015, 1000},
	{"KR", "KR-30", "Daejeon", "ko-KR", "Asia/Seoul", 9, 0.012, 1000},
	{"KR", "KR-49", "Jeju", "ko-KR", "Asia/Seoul", 9, 0.03, 1100},
	{"US", "US-CA", "San Francisco", "en-US", "America/Los_Angeles", -8, 0.08, 1500},
	{"US", "US-WA", "Seattle", "en-US", "America/Los_Angeles", -8, 0.03, 1500},
	{"US", "US-CA", "Los Angeles", "en-US", "America/Los_Angeles", -8, 0.02, 1500},
	{"US", "US-NY", "New York", "en-US", "America/New_York", -5, 0.08, 1600},
	{"US", "US-IL", "Chicago", "en-US", "America/Chicago", -6, 0.02, 1600},
	{"US", "US-TX", "Austin", "en-US", "America/Chicago", -6, 0.014, 1600},
	{"CA", "CA-ON", "Toronto", "en-CA", "America/Toronto", -5, 0.012, 1600},
	{"CA", "CA-QC", "Montreal", "fr-CA", "America/Toronto", -5, 0.006, 1600},
	{"DE", "DE-BE", "Berlin", "de-DE", "Europe/Berlin", 1, 0.06, 1300},
	{"DE", "DE-HH", "Hamburg", "de-DE", "Europe/Berlin", 1, 0.02, 1300},
	{"DE", "DE-BY", "Munich", "de-DE", "Europe/Berlin", 1, 0.02, 1300},
	{"GB", "GB-ENG", "London", "en-GB", "Europe/London", 0, 0.06, 1300},
	{"GB", "GB-ENG", "Manchester", "en-GB", "Europe/London", 0, 0.015, 1300},
	{"GB", "GB-SCT", "Edinburgh", "en-GB", "Europe/London", 0, 0.01, 1350},
	{"JP", "JP-13", "Tokyo", "ja-JP", "Asia/Tokyo", 9, 0.06, 1000},
	{"JP", "JP-27", "Osaka", "ja-JP", "Asia/Tokyo", 9, 0.02, 1000},
	{"FR", "FR-IDF", "Paris", "fr-FR", "Europe/Paris", 1, 0.04, 1300},
	{"FR", "FR-ARA", "Lyon", "fr-FR", "Europe/Paris", 1, 0.01, 1350},
	{"NL", "NL-NH", "Amsterdam", "nl-NL", "Europe/Amsterdam", 1, 0.014, 1250},
	{"NO", "NO-03", "Oslo", "nb-NO", "Europe/Oslo", 1, 0.008, 1300},
	{"SE", "SE-AB", "Stockholm", "sv-SE", "Europe/Stockholm", 1, 0.008, 1300},
	{"DK", "DK-84", "Copenhagen", "da-DK", "Europe/Copenhagen", 1, 0.008, 1300},
	{"IT", "IT-25", "Milan", "it-IT", "Europe/Rome", 1, 0.012, 1350},
	{"ES", "ES-CT", "Barcelona", "es-ES", "Europe/Madrid", 1, 0.01, 1350},
	{"PL", "PL-14", "Warsaw", "pl-PL", "Europe/Warsaw", 1, 0.008, 1400},
	{"TR", "TR-34", "Istanbul", "tr-TR", "Europe/Istanbul", 3, 0.006, 1700},
	{"IN", "IN-KA", "Bengaluru", "en-IN", "Asia/Kolkata", 5.5, 0.04, 2200},
	{"IN", "IN-MH", "Mumbai", "en-IN", "Asia/Kolkata", 5.5, 0.012, 2200},
	{"BR", "BR-SP", "São Paulo", "pt-BR", "America/Sao_Paulo", -3, 0.03, 2400},
	{"BR", "BR-RJ", "Rio de Janeiro", "pt-BR", "America/Sao_Paulo", -3, 0.01, 2400},
	{"CO", "CO-DC", "Bogotá", "es-CO", "America/Bogota", -5, 0.006, 2300},
	{"MX", "MX-CMX", "Mexico City", "es-MX", "America/Mexico_City", -6, 0.006, 2000},
	{"AU", "AU-VIC", "Melbourne", "en-AU", "Australia/Melbourne", 11, 0.02, 1800},
	{"AU", "AU-NSW", "Sydney", "en-AU", "Australia/Sydney", 11, 0.012, 1800},
	{"NZ", "NZ-WGN", "Wellington", "en-NZ", "Pacific/Auckland", 13, 0.006, 1900},
	{"TW", "TW-TPE", "Taipei", "zh-TW", "Asia/Taipei", 8, 0.014, 1050},
	{"SG", "SG", "Singapore", "en-SG", "Asia/Singapore", 8, 0.01, 1200},
	{"VN", "VN-SG", "Ho Chi Minh City", "vi-VN", "Asia/Ho_Chi_Minh", 7, 0.008, 1800},
	{"ID", "ID-JK", "Jakarta", "id-ID", "Asia/Jakarta", 7, 0.008, 2000},
	{"KE", "KE-30", "Nairobi", "en-KE", "Africa/Nairobi", 3, 0.005, 2800},
	{"ET", "ET-AA", "Addis Ababa", "am-ET", "Africa/Addis_Ababa", 3, 0.003, 3200},
}

// placesFor weighs the places for a shop: its own country reads it most.
func placesFor(home string) []place {
	out := make([]place, len(places))
	for i, p := range places {
		if home != "KR" && p.country == "KR" {
			p.weight *= 0.2
		}
		if home != "KR" && p.country == home {
			p.weight *= 9
		}
		out[i] = p
	}
	return out
}

type machine struct {
	browser, os, osVersion, device, speed string
	version                               versioning
	width                                 []int32
	weight                                float64
	korean                                bool // found mostly in Korea
}

var machines = []machine{
	{"Chrome", "Windows", "10", event.DeviceDesktop, "4g", chrome, []int32{1300, 1500, 1900, 2500}, 0.24, false},
	{"Chrome", "Android", "15", event.DeviceMobile, "4g", chrome, []int32{300, 400}, 0.22, false},
	{"Safari", "iOS", "", event.DeviceMobile, "", safari, []int32{300, 400}, 0.20, false},
	{"Safari", "macOS", "10.15", event.DeviceDesktop, "", safari, []int32{1400, 1700}, 0.09, false},
	{"Chrome", "macOS", "10.15", event.DeviceDesktop, "4g", chrome, []int32{1400, 1700, 1900}, 0.09, false},
	{"Firefox", "Windows", "10", event.DeviceDesktop, "", firefox, []int32{1500, 1900}, 0.05, false},
	{"Firefox", "Linux", "", event.DeviceDesktop, "", firefox, []int32{1900, 2500}, 0.03, false},
	{"Edge", "Windows", "10", event.DeviceDesktop, "4g", chrome, []int32{1500, 1900}, 0.06, false},
	{"Samsung Internet", "Android", "15", event.DeviceMobile, "4g", samsung, []int32{300, 400}, 0.06, true},
	{"KakaoTalk", "Android", "15", event.DeviceMobile, "4g", kakao, []int32{300, 400}, 0.05, true},
	{"Naver", "iOS", "", event.DeviceMobile, "", naver, []int32{300, 400}, 0.05, true},
	{"Whale", "Windows", "10", event.DeviceDesktop, "4g", whale, []int32{1500, 1900}, 0.03, true},
	{"Safari", "iPadOS", "", event.DeviceTablet, "", safari, []int32{800, 1000}, 0.03, false},
	{"Chrome", "Android", "14", event.DeviceMobile, "3g", chrome, []int32{300}, 0.02, false},
	{"Opera", "Windows", "10", event.DeviceDesktop, "4g", opera, []int32{1500, 1900}, 0.01, false},
}

// machinesFor are the tables of machines, [1] in Korea.
func machinesFor() (t [2]alias) {
	for korea := range t {
		t[korea] = aliasOf(machines, func(m machine) float64 {
			switch {
			case m.korean && korea == 1:
				return m.weight * 3
			case m.korean:
				return m.weight * 0.05
			}
			return m.weight
		})
	}
	return t
}

// versioning is how a browser numbers its versions: in November 2026 it is at
// now, and another comes every so many days.
type versioning struct {
	now, days int64
	minor     bool // yearly, with minor ones that count up: 26.1
}

var (
	chrome  = versioning{156, 28, false}
	firefox = versioning{150, 28, false}
	opera   = versioning{131, 28, false}
	samsung = versioning{31, 120, false}
	kakao   = versioning{26, 180, false}
	naver   = versioning{12, 400, false}
	whale   = versioning{4, 300, false}
	safari  = versioning{27, 365, true}
)

// counted is when the numbers above were the newest for a day.
var counted = time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)

// text names the version that was the newest at a time, or one behind it.
func (v versioning) text(at time.Time, behind int64) string {
	if v.minor {
		major, minor := v.yearly(at, behind)
		return fmt.Sprintf("%d.%d", major, minor)
	}
	days := int64(at.Sub(counted).Hours() / 24)
	steps := days / v.days
	if days%v.days < 0 {
		steps--
	}
	return fmt.Sprint(max(1, v.now+steps-behind))
}

// yearly is a version that comes in the middle of September, a minor one of it
// every eight weeks.
func (v versioning) yearly(at time.Time, behind int64) (major, minor int64) {
	at = at.AddDate(0, 0, int(-behind*56))
	major, minor = v.now+int64(at.Year()-counted.Year()), int64(at.YearDay()-258)
	if minor < 0 {
		major, minor = major-1, minor+365
	}
	return major, minor / 56
}

// look is what a machine says of itself in one week, and whether its browser
// measures the largest paint and the slowest answer.
type look struct {
	version, osVersion string
	vitals             bool
}

// fashion is the looks of one week: of each machine's newest version, and of
// the two behind it.
type fashion [][3]look

// fashions keeps the weeks that were asked for.
type fashions map[int64]fashion

func (f fashions) at(t time.Time) fashion {
	n := t.Unix() / (7 * 86400)
	if w, ok := f[n]; ok {
		return w
	}
	w := make(fashion, len(machines))
	for i, m := range machines {
		for behind := range w[i] {
			w[i][behind] = m.look(time.Unix(n*7*86400, 0).UTC(), int64(behind))
		}
	}
	f[n] = w
	return w
}

// look asks Apple's machines for their yearly version; their browsers are all
// Safari inside, which measures those vitals from 26.2 on.
func (m machine) look(at time.Time, behind int64) look {
	l := look{m.version.text(at, behind), m.osVersion, true}
	if m.os == "iOS" || m.os == "iPadOS" || m.browser == "Safari" {
		major, minor := safari.yearly(at, behind)
		l.vitals = major > 26 || major == 26 && minor >= 2
		if m.os != "macOS" {
			l.osVersion = fmt.Sprint(major)
		}
	}
	return l
}
