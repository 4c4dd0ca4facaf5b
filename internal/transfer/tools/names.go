package tools

import (
	"slices"
	"strings"
	"unicode/utf8"

	"moonbear/internal/event"
)

// browsers are others' names of browsers, in lower case, and ours. Names that
// differ only in their letters' case are in it too, since ours are a closed
// list: what isn't in it is kept as given, but cut.
var browsers = map[string]string{
	"chrome": "Chrome", "chrome mobile": "Chrome", "chrome mobile ios": "Chrome", "crios": "Chrome", "mobile app": "",
	"firefox": "Firefox", "firefox mobile": "Firefox", "firefox ios": "Firefox", "fxios": "Firefox", "mozilla compatible agent": "", "mozilla": "",
	"safari": "Safari", "mobile safari": "Safari", "ios": "Safari", "safari (in-app)": "Safari", "ios-webview": "Safari",
	"edge": "Edge", "microsoft edge": "Edge", "edge mobile": "Edge", "edge-chromium": "Edge", "edge-ios": "Edge", "edgeios": "Edge",
	"opera": "Opera", "opera mobile": "Opera", "opera touch": "Opera", "opera gx": "Opera", "opera mini": "Opera Mini", "opera-mini": "Opera Mini",
	"samsung": "Samsung Internet", "samsung internet": "Samsung Internet", "samsung browser": "Samsung Internet",
	"android": "Android Browser", "android browser": "Android Browser", "android webview": "Android WebView", "chromium-webview": "Android WebView", "chrome webview": "Android WebView",
	"ie": "Internet Explorer", "internet explorer": "Internet Explorer", "iemobile": "Internet Explorer",
	"yandex": "Yandex Browser", "yandexbrowser": "Yandex Browser", "yandex browser": "Yandex Browser",
	"uc browser": "UC Browser", "ucbrowser": "UC Browser", "miui": "Mi Browser", "miui browser": "Mi Browser", "mi browser": "Mi Browser",
	"silk": "Amazon Silk", "amazon silk": "Amazon Silk", "whale": "Whale", "whale browser": "Whale", "naver whale": "Whale",
	"kakaotalk": "KakaoTalk", "facebook": "Facebook", "instagram": "Instagram", "duckduckgo": "DuckDuckGo", "duckduckgo privacy browser": "DuckDuckGo",
	"brave": "Brave", "vivaldi": "Vivaldi", "ecosia": "Ecosia", "chromium": "Chromium", "electron": "Electron", "qq browser": "QQ Browser",
	"huawei browser": "Huawei Browser", "coc_coc_browser": "Coc Coc", "cốc cốc": "Coc Coc", "seamonkey": "SeaMonkey", "pale moon": "Pale Moon",
}

// systems are others' names of operating systems, in lower case, and ours.
var systems = map[string]string{
	"windows": "Windows", "mac": "macOS", "mac os": "macOS", "mac os x": "macOS", "macos": "macOS", "macintosh": "macOS", "os x": "macOS",
	"ios": "iOS", "ipados": "iPadOS", "iphone": "iOS", "android": "Android", "android os": "Android",
	"linux": "Linux", "gnu/linux": "Linux", "ubuntu": "Linux", "fedora": "Linux", "debian": "Linux",
	"chrome os": "ChromeOS", "chromeos": "ChromeOS", "chromium os": "ChromeOS",
	"windows phone": "Windows Phone", "windows mobile": "Windows Phone", "blackberry os": "BlackBerry", "blackberry": "BlackBerry",
	"freebsd": "FreeBSD", "openbsd": "OpenBSD", "netbsd": "NetBSD", "tizen": "Tizen", "kaios": "KaiOS", "harmonyos": "HarmonyOS",
	"playstation": "PlayStation", "nintendo": "Nintendo", "xbox": "Xbox", "tvos": "tvOS", "fuchsia": "Fuchsia", "fire os": "Android",
}

// devices are others' kinds of device, in lower case, and ours.
var devices = map[string]string{
	"desktop": event.DeviceDesktop, "laptop": event.DeviceDesktop, "mobile": event.DeviceMobile, "tablet": event.DeviceTablet,
	"tv": event.DeviceTV, "smart tv": event.DeviceTV, "smarttv": event.DeviceTV, "console": event.DeviceOther, "wearable": event.DeviceOther,
	"ultra-wide": event.DeviceDesktop,
}

// nothing are words for "we don't know".
var nothing = []string{"", "(not set)", "(not provided)", "(none)", "(other)", "(data not available)", "unknown", "(unknown)", "n/a", "null", "<undefined>"}

// told is s, or "" where s is a word for nothing.
func told(s string) string {
	s = strings.TrimSpace(s)
	if slices.Contains(nothing, strings.ToLower(s)) {
		return ""
	}
	return s
}

// browserName gives our name of a browser.
func browserName(s string) string { return ours(browsers, s) }

// systemName gives our name of an operating system.
func systemName(s string) string { return ours(systems, s) }

// deviceName gives our kind of device; a kind we don't have is not known.
func deviceName(s string) string { return devices[strings.ToLower(told(s))] }

func ours(table map[string]string, s string) string {
	s = told(s)
	if name, ok := table[strings.ToLower(s)]; ok {
		return name
	}
	return cut(printable(s), 50)
}

// nameAndVersion parts "Chrome 86", "Windows 8.1" and "macOS 10.15". A name
// without a version ("Linux", "Windows XP") stays whole.
func nameAndVersion(s string) (name, version string) {
	s = told(s)
	i := strings.LastIndexByte(s, ' ')
	if i < 0 {
		return s, ""
	}
	switch last := s[i+1:]; {
	case last != "" && last[0] >= '0' && last[0] <= '9':
		return s[:i], versionOf(last, 2)
	case last == "XP" || last == "Vista":
		return s[:i], last
	}
	return s, ""
}

// versionOf keeps so many groups of a version, as our own rules for user
// agents do; what isn't a version is not known.
func versionOf(s string, groups int) string {
	s = told(s)
	end, seen := 0, 0
	for end < len(s) && seen < groups {
		start := end
		for end < len(s) && s[end] >= '0' && s[end] <= '9' {
			end++
		}
		if end == start || end-start > 4 {
			return strings.TrimSuffix(s[:start], ".")
		}
		if seen++; end == len(s) || s[end] != '.' || seen == groups {
			return s[:end]
		}
		end++
	}
	return strings.TrimSuffix(s[:end], ".")
}

// browserVersion keeps what tells versions of a browser apart: for Safari
// major.minor, for the others major.
func browserVersion(browser, s string) string {
	if browser == "Safari" {
		return versionOf(s, 2)
	}
	return versionOf(s, 1)
}

// width reads the first number of "1920x1080" or "1280,768,2".
func width(s string) int32 {
	n := 0
	for i := 0; i < len(s) && s[i] >= '0' && s[i] <= '9' && n < 100_000; i++ {
		n = n*10 + int(s[i]-'0')
	}
	if n < 100 || n > 20_000 {
		return 0
	}
	return int32(n - n%100)
}

// cut shortens s to at most n bytes of whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// printable is s without control characters and broken UTF-8.
func printable(s string) string {
	clean := true
	for _, c := range s {
		if c < ' ' || c == 0x7f || c == utf8.RuneError {
			clean = false
			break
		}
	}
	if clean {
		return s
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == utf8.RuneError {
			return -1
		}
		return c
	}, s)
}
