package source

import "testing"

func TestSmoke(t *testing.T) {
	s, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []Input{
		{Referrer: "https://www.google.co.kr/search?q=x"}, {Referrer: "https://m.search.naver.com/search.naver?query=x"},
		{Referrer: "android-app://com.google.android.gm/"}, {UTMSource: "fb", UTMMedium: "cpc"}, {Referrer: "https://www.example.com/a/", Hostname: "example.com"},
		{Referrer: "https://news.ycombinator.com/item?id=1"}, {},
	} {
		t.Logf("%+v", s.Find(in))
	}
}
