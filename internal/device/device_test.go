package device

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mileusna/useragent"
)

type sample struct {
	want Facts
	ua   string
}

func samples(tb testing.TB) []sample {
	tb.Helper()
	b, err := os.ReadFile("testdata/useragents.tsv")
	if err != nil {
		tb.Fatal(err)
	}
	var all []sample
	for line := range strings.Lines(string(b)) {
		line = strings.TrimRight(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		col := strings.Split(line, "\t")
		if len(col) != 6 {
			tb.Fatalf("line %q has %d columns, wants 6", line, len(col))
		}
		all = append(all, sample{Facts{col[0], col[1], col[2], col[3], col[4]}, col[5]})
	}
	if len(all) < 100 {
		tb.Fatalf("only %d samples", len(all))
	}
	return all
}

func TestParse(t *testing.T) {
	for _, s := range samples(t) {
		if got := Parse(s.ua); got != s.want {
			t.Errorf("%s\n got %+v\nwant %+v", s.ua, got, s.want)
		}
	}
}

// Strings that are no browser's must give facts that can be stored all the same.
func TestParseOdd(t *testing.T) {
	tests := []struct {
		name, ua string
		want     Facts
	}{
		{"empty", "", Facts{Type: Other}},
		{"a tool", "curl/8.5.0", Facts{Type: Other}},
		{"half a browser", "Mozilla/5.0 (", Facts{Type: Other}},
		{"a version that is no number", "Mozilla/5.0 (X11; Linux) Chrome/x", Facts{Browser: "Chrome", OS: "Linux", Type: Desktop}},
		{"a version of many digits", "Mozilla/5.0 (X11; Linux) Firefox/1234567890", Facts{Browser: "Firefox", OS: "Linux", Type: Desktop}},
		{"not UTF-8", "Mozilla/5.0 (Windows NT 10.0) \xff\xfe Firefox/\xff", Facts{Browser: "Firefox", OS: "Windows", OSVersion: "10", Type: Desktop}},
		{"longer than is looked at", strings.Repeat("a", maxLength) + " Firefox/100.0", Facts{Type: Other}},
		{"Naver without a version", "Mozilla/5.0 (Linux; Android 14) Mobile NAVER(inapp)", Facts{Browser: "Naver", OS: "Android", OSVersion: "14", Type: Mobile}},
		{"an unknown Windows", "Mozilla/5.0 (Windows NT 99.0) Firefox/100.0", Facts{Browser: "Firefox", BrowserVersion: "100", OS: "Windows", Type: Desktop}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Parse(tt.ua); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// TestAgainstLibrary holds our rules against mileusna/useragent: every sample
// our expectations and the library's answer disagree on must be one we know
// the library has wrong. It keeps the decision to have rules of our own honest.
func TestAgainstLibrary(t *testing.T) {
	kinds := map[bool]string{true: "agree", false: "differ"}
	count := map[string]int{}
	for _, s := range samples(t) {
		lib := useragent.Parse(s.ua)
		libType := Other
		switch {
		case lib.Tablet:
			libType = Tablet
		case lib.Mobile:
			libType = Mobile
		case lib.Desktop:
			libType = Desktop
		}
		count["type "+kinds[libType == s.want.Type]]++
		count["browser "+kinds[strings.EqualFold(lib.Name, s.want.Browser)]]++
		if lib.Bot {
			count["called a bot"]++
		}
		// Where the library is sure of a desktop or tablet we call a phone, one
		// of us is wrong; the samples have the truth.
		if libType == Desktop && s.want.Type == Mobile && Parse(s.ua).Type != Mobile {
			t.Errorf("both wrong about %s", s.ua)
		}
	}
	t.Log(count)
	if count["type agree"] == 0 || count["type differ"] == 0 {
		t.Error("the library agrees on all or none: if all, our own rules can go")
	}
}

var storable = regexp.MustCompile(`^[0-9]{0,4}(?:\.[0-9]{1,4})?$`)

func FuzzParse(f *testing.F) {
	for _, s := range samples(f) {
		f.Add(s.ua)
	}
	f.Add("NAVER(;;;1")
	f.Add("Mac OS X ")
	names := []string{""}
	for _, r := range rules {
		names = append(names, r.name)
	}
	names = append(names, "Chrome", "Android WebView", "Android Browser", "Safari", "Safari (in-app)")
	f.Fuzz(func(t *testing.T, ua string) {
		got := Parse(ua)
		if !slices.Contains(names, got.Browser) {
			t.Errorf("browser %q is not of the list", got.Browser)
		}
		if !storable.MatchString(got.BrowserVersion) {
			t.Errorf("browser version %q", got.BrowserVersion)
		}
		if !storable.MatchString(got.OSVersion) && got.OSVersion != "XP" && got.OSVersion != "Vista" {
			t.Errorf("os version %q", got.OSVersion)
		}
		if !slices.Contains([]string{Desktop, Mobile, Tablet, TV, Other}, got.Type) {
			t.Errorf("type %q", got.Type)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	all := samples(b)
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			Parse(all[i%len(all)].ua)
		}
	})
	b.Run("mileusna", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			useragent.Parse(all[i%len(all)].ua)
		}
	})
}
