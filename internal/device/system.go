package device

import "strings"

// windows are the names people use for the numbers Windows sends. Windows 11
// sends 10.0 too.
var windows = []struct{ nt, name string }{
	{"10.0", "10"}, {"6.3", "8.1"}, {"6.2", "8"}, {"6.1", "7"}, {"6.0", "Vista"}, {"5.2", "XP"}, {"5.1", "XP"}, {"5.0", "2000"},
}

// system tells the operating system. Order matters: phones say "like Mac OS X"
// and "Linux" too, and Windows Phone said "Android" and "iPhone".
func system(ua string) (name, version string) {
	if rest, ok := after(ua, "Windows Phone "); ok {
		return "Windows Phone", number(strings.TrimPrefix(rest, "OS "), 2)
	}
	if strings.Contains(ua, "Xbox") {
		return "Xbox", ""
	}
	if rest, ok := after(ua, "Windows NT "); ok {
		for _, w := range windows {
			if strings.HasPrefix(rest, w.nt) {
				return "Windows", w.name
			}
		}
		return "Windows", ""
	}
	if os, v, ok := apple(ua); ok {
		return os, v
	}
	if rest, ok := after(ua, "KAIOS/"); ok {
		return "KaiOS", number(rest, 2)
	}
	if rest, ok := after(ua, "Tizen"); ok {
		return "Tizen", number(strings.TrimLeft(rest, "/ "), 2)
	}
	if containsAny(ua, "Web0S", "webOS", "hpwOS") {
		return "webOS", ""
	}
	if rest, ok := after(ua, "OpenHarmony"); ok {
		return "HarmonyOS", number(strings.TrimLeft(rest, "/ "), 1)
	}
	if rest, ok := after(ua, "HarmonyOS"); ok {
		return "HarmonyOS", number(strings.TrimLeft(rest, "/ "), 1)
	}
	if rest, ok := after(ua, "Android"); ok {
		return "Android", androidVersion(strings.TrimLeft(rest, " /-;"))
	}
	return other(ua)
}

// apple tells Apple's systems apart. Macs have sent 10.15.7 for every later
// version since 2020, so 10.15 is "10.15 or later".
func apple(ua string) (name, version string, ok bool) {
	switch {
	case containsAny(ua, "AppleTV", "Apple TV"):
		return "tvOS", "", true
	case strings.Contains(ua, "iPad"):
		v := appleVersion(ua)
		// The iPad's system got a name of its own with version 13.
		if len(v) < 2 || v[1] == '.' || strings.HasPrefix(v, "10") || strings.HasPrefix(v, "11") || strings.HasPrefix(v, "12") {
			return "iOS", v, true
		}
		return "iPadOS", v, true
	case containsAny(ua, "iPhone", "iPod"):
		return "iOS", appleVersion(ua), true
	}
	rest, mac := after(ua, "Mac OS X")
	if !mac {
		return "macOS", "", strings.Contains(ua, "Macintosh")
	}
	v := number(strings.TrimLeft(rest, " ;"), 2)
	if !strings.HasPrefix(v, "10.") {
		v, _, _ = strings.Cut(v, ".") // from 11 on the major is the release
	}
	return "macOS", v, true
}

// appleVersion reads "CPU iPhone OS 17_4_1 like Mac OS X" and "CPU OS 17_4",
// and what apps write ("iOS 17.4", "iOS/17.4").
func appleVersion(ua string) string {
	for _, token := range []string{" OS ", "iOS ", "iOS/", "FBSV/"} {
		if rest, ok := after(ua, token); ok {
			if v := number(rest, 2); v != "" {
				return v
			}
		}
	}
	return ""
}

// androidVersion is the major; before 5 the minor told releases apart.
func androidVersion(rest string) string {
	v := number(rest, 2)
	major, _, _ := strings.Cut(v, ".")
	if len(major) == 1 && major < "5" {
		return v
	}
	return major
}

var others = []struct{ token, name string }{
	{"CrOS", "ChromeOS"},
	{"PlayStation", "PlayStation"},
	{"PLAYSTATION", "PlayStation"},
	{"Nintendo", "Nintendo"},
	{"Roku", "Roku OS"},
	{"VIDAA", "VIDAA"},
	{"BlackBerry", "BlackBerry"},
	{"BB10", "BlackBerry"},
	{"PlayBook", "BlackBerry"},
	{"Symbian", "Symbian"},
	{"Windows CE", "Windows CE"},
	{"Windows", "Windows"},
	{"FreeBSD", "FreeBSD"},
	{"OpenBSD", "OpenBSD"},
	{"NetBSD", "NetBSD"},
	{"SunOS", "Solaris"},
	{"Fuchsia", "Fuchsia"},
	{"Linux", "Linux"},
	{"X11", "Linux"},
}

func other(ua string) (name, version string) {
	for _, o := range others {
		if strings.Contains(ua, o.token) {
			return o.name, ""
		}
	}
	return "", ""
}
