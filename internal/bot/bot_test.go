package bot

import "testing"

func TestSmoke(t *testing.T) {
	m, err := New()
	if err != nil {
		t.Fatal(err)
	}
	t.Log(len(m.rules), len(m.shapes), len(m.finder.hits), m.finder.classes)
	n := 0
	for _, r := range m.rules {
		if r.re != nil {
			n++
		}
	}
	t.Log("regexes", n)
	for _, r := range m.shapes {
		t.Log(r.name, r.re, r.plain)
	}
	for _, ua := range []string{"", "curl/8.1", "Mozilla/5.0 (compatible; Yeti/1.1; +https://naver.me/spd)", "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"} {
		t.Log(m.Match(ua))
	}
}

func BenchmarkMatch(b *testing.B) {
	m, err := New()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		m.Match("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36")
	}
}
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(); err != nil {
			b.Fatal(err)
		}
	}
}
