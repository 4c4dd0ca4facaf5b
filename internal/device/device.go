// Package device tells browser, operating system and kind of device from a
// user agent string.
//
//	user agent → browsers (first rule that fits) → OS → kind → Facts
//
// Every name it gives is one of a closed list, and every version a number of
// bounded length, so that no piece of a user agent is ever stored and a
// dashboard has no more rows than there are browsers.
package device

import "strings"

// Facts is what a user agent tells; "" is "not known".
type Facts struct {
	Browser        string // "Chrome", "Samsung Internet", "KakaoTalk"
	BrowserVersion string // "131"; "17.4" for Safari, whose minors are releases of their own
	OS             string // "Windows", "macOS", "iOS", "iPadOS", "Android", "Linux", "ChromeOS", …
	OSVersion      string // "10", "14", "17.4"; frozen by browsers for Windows ("10" is 10 or 11) and macOS ("10.15" is 10.15 or later)
	Type           string // Desktop, Mobile, Tablet, TV, Other
}

// The kinds of device. Other is consoles, cars, watches and headsets, and
// every user agent that names no known system.
const (
	Desktop = "desktop"
	Mobile  = "mobile"
	Tablet  = "tablet"
	TV      = "tv"
	Other   = "other"
)

// maxLength bounds the work for a hostile header; the longest real user
// agents (in-app browsers) have about 600 bytes.
const maxLength = 2048

// Parse tells the facts of a user agent. It is pure and never fails: what it
// doesn't know is left out.
//
// An iPad whose browser asks for desktop sites (the default since iPadOS 13)
// sends a Mac's user agent, and so is a desktop here as everywhere else.
func Parse(ua string) Facts {
	if len(ua) > maxLength {
		ua = ua[:maxLength]
	}
	var f Facts
	f.OS, f.OSVersion = system(ua)
	f.Browser, f.BrowserVersion = browser(ua, f.OS)
	f.Type = kind(ua, f.OS)
	return f
}

// number reads a version at the start of s: digits in groups parted by '.' or
// '_', at most so many groups. Groups longer than four digits are not versions
// people tell apart (build numbers), so they end it.
func number(s string, groups int) string {
	end, digits := 0, 0
	for i := 0; i <= len(s); i++ {
		if i < len(s) && s[i] >= '0' && s[i] <= '9' {
			digits++
			continue
		}
		if digits == 0 || digits > 4 {
			break
		}
		end = i
		if groups--; groups == 0 || i == len(s) || s[i] != '.' && s[i] != '_' {
			break
		}
		digits = 0
	}
	if strings.Contains(s[:end], "_") {
		return strings.ReplaceAll(s[:end], "_", ".")
	}
	return s[:end]
}

// after gives what follows the first token in s; ok is false without one.
func after(s, token string) (rest string, ok bool) {
	i := strings.Index(s, token)
	if i < 0 {
		return "", false
	}
	return s[i+len(token):], true
}

func containsAny(s string, tokens ...string) bool {
	for _, t := range tokens {
		if strings.Contains(s, t) {
			return true
		}
	}
	return false
}
