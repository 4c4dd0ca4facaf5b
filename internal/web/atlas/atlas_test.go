package atlas

import (
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// iso is every code of ISO 3166-1 as of 2026, and Kosovo's.
const iso = `AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ
CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB
GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH
KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX
MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE
SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC
VE VG VI VN VU WF WS YE YT ZA ZM ZW XK`

// TestEveryCountryIsOnTheMap: no country an address can be in may be
// invisible or nameless.
func TestEveryCountryIsOnTheMap(t *testing.T) {
	at := map[string]Shape{}
	for _, s := range World().Shapes {
		if _, twice := at[s.Code]; twice {
			t.Errorf("%s is on the map twice", s.Code)
		}
		at[s.Code] = s
	}
	codes := strings.Fields(iso)
	if len(codes) != 250 || len(at) != 250 {
		t.Fatalf("%d codes, %d places on the map, want 250 of each", len(codes), len(at))
	}
	hangul := regexp.MustCompile(`\p{Hangul}`)
	seen := map[string]string{}
	for _, code := range codes {
		s, ok := at[code]
		switch {
		case !ok:
			t.Errorf("%s is nowhere on the map", code)
		case s.Path == "" && !s.Dot:
			t.Errorf("%s has neither shape nor dot", code)
		case s.X < 0 || s.Y < 0 || s.X > World().Width || s.Y > World().Height:
			t.Errorf("%s is off the map at %d, %d", code, s.X, s.Y)
		}
		for _, lang := range []string{"en", "ko"} {
			name := Country(lang, code)
			if name == code || name == "" || hangul.MatchString(name) != (lang == "ko") {
				t.Errorf("%s in %s is %q", code, lang, name)
			}
			if other := seen[lang+name]; other != "" {
				t.Errorf("%s and %s are both %q", code, other, name)
			}
			seen[lang+name] = code
			if len([]rune(name)) > 40 {
				t.Errorf("%s in %s is long: %q", code, lang, name)
			}
		}
	}
}

var coordinates = regexp.MustCompile(`-?\d+`)

// TestShapesAreTrue draws the paths by hand: every ring stays on the map, and
// well-known countries are where and as large as they are.
func TestShapesAreTrue(t *testing.T) {
	m, area := World(), map[string]float64{}
	for _, s := range m.Shapes {
		for _, ring := range strings.Split(strings.TrimSuffix(s.Path, "z"), "z") {
			if ring == "" {
				continue
			}
			n := coordinates.FindAllString(ring, -1)
			if len(n) < 6 || len(n)%2 != 0 {
				t.Fatalf("%s: ring %q", s.Code, ring)
			}
			x, y, twice := 0, 0, 0
			var firstX, firstY, lastX, lastY int
			for i := 0; i < len(n); i += 2 {
				dx, _ := strconv.Atoi(n[i])
				dy, _ := strconv.Atoi(n[i+1])
				lastX, lastY = x, y
				x, y = x+dx, y+dy
				if i == 0 {
					firstX, firstY = x, y
				} else {
					twice += lastX*y - x*lastY
				}
				if x < 0 || x > m.Width || y < -1 || y > m.Height {
					t.Errorf("%s reaches %d, %d", s.Code, x, y)
				}
			}
			twice += x*firstY - firstX*y
			area[s.Code] += float64(twice) / 2
		}
	}
	// Areas in 1,000 km²; the projection keeps their proportions, the rounding
	// to whole units and the 1:110m coasts do not quite.
	unit := area["BR"] / 8516
	for code, want := range map[string]float64{"AU": 7688, "US": 9526, "IN": 3287, "CN": 9597, "RU": 17098, "FR": 551, "CD": 2345, "JP": 378, "KR": 100, "ES": 506} {
		if got := area[code] / unit; got < want*0.8 || got > want*1.25 {
			t.Errorf("%s is %.0f thousand km² on the map, want about %.0f", code, got, want)
		}
	}
	for _, c := range []struct{ west, east string }{{"US", "FR"}, {"FR", "CN"}, {"CN", "KR"}, {"KR", "JP"}, {"JP", "NZ"}} {
		if m.find(c.west).X >= m.find(c.east).X {
			t.Errorf("%s isn't west of %s", c.west, c.east)
		}
	}
	if m.find("KR").Y >= m.find("AU").Y || m.find("FI").Y >= m.find("IT").Y {
		t.Error("north isn't up")
	}
}

func (m *Map) find(code string) Shape {
	for _, s := range m.Shapes {
		if s.Code == code {
			return s
		}
	}
	return Shape{}
}

func TestBrokenMaps(t *testing.T) {
	for _, text := range []string{"", "KR\t1\t2\t\tM1 1z", "# 10 10\nKR\t1\t2", "# 10 10\nKR\tx\t2\t\t", "# 10 10\nKOR\t1\t2\t\t"} {
		if _, err := parseWorld(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestRegions(t *testing.T) {
	for _, c := range []struct{ code, en, ko string }{
		{"KR-11", "Seoul", "서울"}, {"US-CA", "California", "캘리포니아"}, {"JP-13", "Tokyo", "도쿄도"}, {"CN-NM", "Inner Mongolia", "네이멍구 자치구"},
		{"GB-ENG", "England", "잉글랜드"}, {"FR-IDF", "Île-de-France", "Île-de-France"}, {"KR-99", "KR-99", "KR-99"}, {"", "", ""},
	} {
		if en, ko := Region("en", c.code), Region("ko", c.code); en != c.en || ko != c.ko {
			t.Errorf("%s is %q and %q, want %q and %q", c.code, en, ko, c.en, c.ko)
		}
	}
	for code := range regions()["ko"] {
		if regions()["en"][code] == "" {
			t.Errorf("%s has a Korean name but no English one", code)
		}
	}
	if n := len(regions()["en"]); n < 4500 {
		t.Errorf("%d regions have names", n)
	}
}
