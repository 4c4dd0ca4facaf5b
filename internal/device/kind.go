package device

import "strings"

// kind tells what sort of device it is.
func kind(ua, os string) string {
	switch os {
	case "PlayStation", "Xbox", "Nintendo":
		return Other
	case "tvOS", "Roku OS", "VIDAA":
		return TV
	}
	if isTV(ua, os) {
		return TV
	}
	if containsAny(ua, "OculusBrowser", "QtCarBrowser", "Tesla/", "AndroidAuto", "Watch") {
		return Other
	}
	switch os {
	case "iPadOS":
		return Tablet
	case "iOS":
		if strings.Contains(ua, "iPad") {
			return Tablet
		}
		return Mobile
	case "Android", "HarmonyOS":
		return android(ua)
	case "BlackBerry":
		if strings.Contains(ua, "PlayBook") {
			return Tablet
		}
		return Mobile
	case "Windows Phone", "KaiOS", "Symbian", "Windows CE", "Tizen":
		return Mobile
	case "webOS":
		if strings.Contains(ua, "hpwOS") || strings.Contains(ua, "TouchPad") {
			return Tablet
		}
		return Mobile
	case "Linux":
		return linux(ua)
	case "":
		if containsAny(ua, "Mobile", "MIDP", "Opera Mini", "UCWEB") {
			return Mobile
		}
		return Other
	}
	return Desktop
}

// linux is a desktop, but for the phones and tablets that hide behind it when
// they ask for desktop sites.
func linux(ua string) string {
	switch {
	case containsAny(ua, "Silk/", "Kindle"):
		return Tablet
	case containsAny(ua, "Mobile", "Opera Mini"):
		return Mobile
	}
	return Desktop
}

// tvTokens are what sets, sticks and boxes send. "TV" alone would also find
// apps and models that aren't.
var tvTokens = []string{
	"SMART-TV", "SmartTV", "Smart TV", "HbbTV", "NetCast", "NETTV", "BRAVIA", "Android TV", "GoogleTV", "Google TV",
	"AppleTV", "Apple TV", "CrKey", "Chromecast", "MiTV", "MIBOX", "MiBOX", "TV Safari", "DTV", "Viera", "VIERA", "InettvBrowser", "Roku", "VIDAA",
	"PhilipsTV", "AQUOS", "SHIELD", "Hisense", "TCL TV", "Opera TV", "OPR TV", "TV Store", "LGE; ", "tv; ", "Large Screen", "LG Browser",
}

func isTV(ua, os string) bool {
	switch os {
	case "Tizen":
		return containsAny(ua, " TV", "SMART-TV", "Family Hub")
	case "webOS":
		return containsAny(ua, "Web0S", "SmartTV", "Large Screen", "TV")
	case "Android", "Linux", "":
		// No set says "Mobile"; most phones do, and are spared 40 searches.
		return !strings.Contains(ua, "Mobile") && (fireTV(ua) || containsAny(ua, tvTokens...))
	}
	return false
}

// fireTV finds Amazon's stick and set models: "AFT" and more capitals ("AFTSSS", "AFTMM").
func fireTV(ua string) bool {
	rest, ok := after(ua, "; AFT")
	return ok && rest != "" && (rest[0] >= 'A' && rest[0] <= 'Z' || rest[0] >= '0' && rest[0] <= '9' || rest[0] == ' ')
}

// tabletModels are models whose apps say "Mobile" all the same.
var tabletModels = []string{
	"Tablet", "; SM-T", "; SM-X", "; SM-P", "; GT-P", "; Nexus 7", "; Nexus 9", "; Nexus 10", "; Pixel C", "; Pixel Tablet", "; Lenovo TB", "; TB-", "; TB3",
	"; KF", "MediaPad", "MatePad", "; Xoom", "; LG-V", "; SHT-", "; AGS", "; BAH", "; Pad ", "Redmi Pad", "Xiaomi Pad", "; Mi Pad", "; MI PAD",
	"; OPD2", "; iPlay", "; Transformer", "; K00", "; P00", "Kindle",
}

// android: a phone says "Mobile", a tablet doesn't; old and odd browsers
// break the rule both ways.
func android(ua string) string {
	switch {
	case containsAny(platform(ua), tabletModels...):
		return Tablet
	case containsAny(ua, "Mobile", "Opera Mini", "Opera Mobi", "Phone", "UCBrowser/", "UCWEB"):
		return Mobile
	}
	return Tablet
}

// platform is the first part in parentheses, where system and model stand.
func platform(ua string) string {
	_, rest, _ := strings.Cut(ua, "(")
	inside, _, _ := strings.Cut(rest, ")")
	return inside
}
