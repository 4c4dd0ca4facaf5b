package source

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func sources(tb testing.TB) *Sources {
	tb.Helper()
	s, err := New()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

// referrers as browsers send them: most are an origin alone, for that is what
// the default referrer policy leaves.
var referrers = []struct{ url, referrer, source, channel string }{
	{"https://www.google.com/", "google.com", "Google", OrganicSearch},
	{"https://www.google.co.kr/search?q=secret", "google.co.kr/search", "Google", OrganicSearch},
	{"https://www.google.com.au/", "google.com.au", "Google", OrganicSearch},
	{"https://www.google.de/", "google.de", "Google", OrganicSearch},
	{"https://www.google.cat/", "google.cat", "Google", OrganicSearch},
	{"https://images.google.fr/", "images.google.fr", "Google Images", OrganicSearch},
	{"https://news.google.com/", "news.google.com", "Google News", Referral},
	{"https://mail.google.com/", "mail.google.com", "Gmail", Email},
	{"https://docs.google.com/document/d/1", "docs.google.com/document/d/1", "Google Docs", Referral},
	{"https://gemini.google.com/", "gemini.google.com", "Gemini", AIAssistant},
	{"https://google.evil.example/", "google.evil.example", "google.evil.example", Referral},
	{"https://notgoogle.com/", "notgoogle.com", "notgoogle.com", Referral},
	{"https://search.naver.com/search.naver?query=x", "search.naver.com/search.naver", "Naver", OrganicSearch},
	{"https://m.search.naver.com/", "m.search.naver.com", "Naver", OrganicSearch},
	{"https://www.naver.com/", "naver.com", "Naver", OrganicSearch},
	{"https://m.naver.com/", "m.naver.com", "Naver", OrganicSearch},
	{"https://blog.naver.com/someone/223", "blog.naver.com/someone/223", "Naver Blog", OrganicSocial},
	{"https://m.blog.naver.com/", "m.blog.naver.com", "Naver Blog", OrganicSocial},
	{"https://cafe.naver.com/", "cafe.naver.com", "Naver Cafe", OrganicSocial},
	{"https://m.cafe.naver.com/ca-fe/", "m.cafe.naver.com/ca-fe", "Naver Cafe", OrganicSocial},
	{"https://kin.naver.com/", "kin.naver.com", "Naver Knowledge iN", OrganicSocial},
	{"https://smartstore.naver.com/shop", "smartstore.naver.com/shop", "Naver Shopping", OrganicShopping},
	{"https://n.news.naver.com/article/1", "n.news.naver.com/article/1", "Naver News", Referral},
	{"https://mail.naver.com/", "mail.naver.com", "Naver Mail", Email},
	{"https://dict.naver.com/", "dict.naver.com", "Naver", Referral},
	{"https://search.daum.net/", "search.daum.net", "Daum", OrganicSearch},
	{"https://m.search.daum.net/", "m.search.daum.net", "Daum", OrganicSearch},
	{"https://v.daum.net/v/2026", "v.daum.net/v/2026", "Daum News", Referral},
	{"https://cafe.daum.net/", "cafe.daum.net", "Daum Cafe", OrganicSocial},
	{"https://search.zum.com/", "search.zum.com", "Zum", OrganicSearch},
	{"https://zum.com/", "zum.com", "Zum", OrganicSearch},
	{"https://someone.tistory.com/12", "someone.tistory.com/12", "Tistory", OrganicSocial},
	{"https://pf.kakao.com/_abc", "pf.kakao.com/_abc", "KakaoTalk Channel", OrganicSocial},
	{"https://www.bing.com/", "bing.com", "Bing", OrganicSearch},
	{"https://cn.bing.com/", "cn.bing.com", "Bing", OrganicSearch},
	{"https://duckduckgo.com/", "duckduckgo.com", "DuckDuckGo", OrganicSearch},
	{"https://r.search.yahoo.com/", "r.search.yahoo.com", "Yahoo!", OrganicSearch},
	{"https://search.yahoo.co.jp/", "search.yahoo.co.jp", "Yahoo!", OrganicSearch},
	{"https://mail.yahoo.com/", "mail.yahoo.com", "Yahoo! Mail", Email},
	{"https://www.baidu.com/link", "baidu.com/link", "Baidu", OrganicSearch},
	{"https://yandex.ru/", "yandex.ru", "Yandex", OrganicSearch},
	{"https://yandex.com.tr/", "yandex.com.tr", "Yandex", OrganicSearch},
	{"https://ya.ru/", "ya.ru", "Yandex", OrganicSearch},
	{"https://www.ecosia.org/", "ecosia.org", "Ecosia", OrganicSearch},
	{"https://search.brave.com/", "search.brave.com", "Brave Search", OrganicSearch},
	{"https://kagi.com/", "kagi.com", "Kagi", OrganicSearch},
	{"https://www.qwant.com/", "qwant.com", "Qwant", OrganicSearch},
	{"https://chatgpt.com/", "chatgpt.com", "ChatGPT", AIAssistant},
	{"https://claude.ai/", "claude.ai", "Claude", AIAssistant},
	{"https://www.perplexity.ai/", "perplexity.ai", "Perplexity", AIAssistant},
	{"https://copilot.microsoft.com/", "copilot.microsoft.com", "Microsoft Copilot", AIAssistant},
	{"https://news.ycombinator.com/item?id=1", "news.ycombinator.com/item", "Hacker News", OrganicSocial},
	{"https://www.reddit.com/", "reddit.com", "Reddit", OrganicSocial},
	{"https://old.reddit.com/r/golang/", "old.reddit.com/r/golang", "Reddit", OrganicSocial},
	{"https://t.co/AbC", "t.co/AbC", "X", OrganicSocial},
	{"https://x.com/", "x.com", "X", OrganicSocial},
	{"https://netflix.com/", "netflix.com", "Netflix", OrganicVideo},
	{"https://l.facebook.com/", "l.facebook.com", "Facebook", OrganicSocial},
	{"https://lm.facebook.com/l.php?u=x", "lm.facebook.com/l.php", "Facebook", OrganicSocial},
	{"http://m.facebook.com", "m.facebook.com", "Facebook", OrganicSocial},
	{"https://l.instagram.com/", "l.instagram.com", "Instagram", OrganicSocial},
	{"https://l.threads.com/", "l.threads.com", "Threads", OrganicSocial},
	{"https://www.linkedin.com/", "linkedin.com", "LinkedIn", OrganicSocial},
	{"https://lnkd.in/x", "lnkd.in/x", "LinkedIn", OrganicSocial},
	{"https://www.youtube.com/", "youtube.com", "YouTube", OrganicVideo},
	{"https://go.bsky.app/", "go.bsky.app", "Bluesky", OrganicSocial},
	{"https://mastodon.social/@a/1", "mastodon.social/@a/1", "Mastodon", OrganicSocial},
	{"https://kr.pinterest.com/", "kr.pinterest.com", "Pinterest", OrganicSocial},
	{"https://www.pinterest.co.kr/", "pinterest.co.kr", "Pinterest", OrganicSocial},
	{"https://www.tiktok.com/", "tiktok.com", "TikTok", OrganicSocial},
	{"https://web.telegram.org/", "web.telegram.org", "Telegram", OrganicSocial},
	{"https://web.whatsapp.com/", "web.whatsapp.com", "WhatsApp", OrganicSocial},
	{"https://app.slack.com/", "app.slack.com", "Slack", OrganicSocial},
	{"https://github.com/a/b", "github.com/a/b", "GitHub", OrganicSocial},
	{"https://stackoverflow.com/", "stackoverflow.com", "Stack Overflow", OrganicSocial},
	{"https://outlook.live.com/", "outlook.live.com", "Outlook", Email},
	{"https://www.amazon.co.jp/", "amazon.co.jp", "Amazon", OrganicShopping},
	{"https://en.wikipedia.org/wiki/Bear", "en.wikipedia.org/wiki/Bear", "Wikipedia", Referral},
	{"android-app://com.google.android.gm/", "com.google.android.gm", "Gmail", Email},
	{"android-app://com.google.android.googlequicksearchbox/https/www.google.com", "com.google.android.googlequicksearchbox", "Google", OrganicSearch},
	{"android-app://com.kakao.talk/", "com.kakao.talk", "KakaoTalk", OrganicSocial},
	{"android-app://com.nhn.android.search", "com.nhn.android.search", "Naver", OrganicSearch},
	{"android-app://com.Slack", "com.slack", "Slack", OrganicSocial},
	{"android-app://org.example.app/", "org.example.app", "org.example.app", Referral},
	{"https://www.Example.org:8443/a/b/?q=1#c", "example.org/a/b", "example.org", Referral},
	{"https://user:secret@example.org/", "example.org", "example.org", Referral},
	{"https://example.org./", "example.org", "example.org", Referral},
	{"https://example.org/%EB%B8%94%EB%A1%9C%EA%B7%B8", "example.org/블로그", "example.org", Referral},
	{"example.org/page", "example.org/page", "example.org", Referral},
	{"https://docs.shop.example/", "docs.shop.example", "docs.shop.example", Referral},
	// What is no place, or the site itself.
	{"", "", "", Direct},
	{"https://shop.example/a", "", "", Direct},
	{"https://www.shop.example/a", "", "", Direct},
	{"https://SHOP.example:443/", "", "", Direct},
	{"about:blank", "", "", Direct},
	{"file:///home/me/a.html", "", "", Direct},
	{"chrome-extension://abcdef/page.html", "", "", Direct},
	{"http://localhost:3000/", "", "", Direct},
	{"http://192.168.0.1/admin", "", "", Direct},
	{"http://[::1]/", "", "", Direct},
	{"http://router.local/", "", "", Direct},
	{"https://", "", "", Direct},
	{"https://%zz/", "", "", Direct},
	{"android-app://x", "", "", Direct},
	{"null", "", "", Direct},
}

func TestReferrers(t *testing.T) {
	s := sources(t)
	for _, tt := range referrers {
		got := s.Find(Input{Referrer: tt.url, Hostname: "shop.example"})
		want := Facts{tt.referrer, tt.source, tt.channel, tt.channel != Direct}
		if got != want {
			t.Errorf("%s\n got %+v\nwant %+v", tt.url, got, want)
		}
	}
}

const (
	kakaoUA     = "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 KAKAOTALK 10.1.7"
	naverUA     = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 NAVER(inapp; search; 2000; 12.5.3; 14PROMAX)"
	instagramUA = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/21A360 Instagram 309.1.1.28.108 (iPhone15,3; iOS 17_0_3; ko_KR)"
	chromeUA    = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
)

func TestFind(t *testing.T) {
	s := sources(t)
	const google, own = "https://www.google.com/", "https://shop.example/"
	tests := []struct {
		name            string
		in              Input
		source, channel string
		external        bool
	}{
		{"nothing", Input{}, "", Direct, false},
		{"a browser's name is no source", Input{InAppUA: chromeUA}, "", Direct, false},
		{"utm_source known", Input{UTMSource: "google"}, "Google", OrganicSearch, true},
		{"utm_source known, other case", Input{UTMSource: " FaceBook "}, "Facebook", OrganicSocial, true},
		{"utm_source as a host", Input{UTMSource: "m.search.naver.com"}, "Naver", OrganicSearch, true},
		{"utm_source as a host with www", Input{UTMSource: "www.linkedin.com"}, "LinkedIn", OrganicSocial, true},
		{"utm_source unknown", Input{UTMSource: "Spring-Mailing"}, "Spring-Mailing", Referral, true},
		{"ref", Input{Ref: "producthunt"}, "Product Hunt", OrganicSocial, true},
		{"ref unknown", Input{Ref: "friend"}, "friend", Referral, true},
		{"utm_source before source before ref", Input{UTMSource: "a", Source: "b", Ref: "c"}, "a", Referral, true},
		{"source before ref", Input{Source: "b", Ref: "c"}, "b", Referral, true},
		{"a tag before the referrer", Input{Ref: "friend", Referrer: google}, "friend", Referral, true},
		{"control characters", Input{UTMSource: "a\x00\nb\xff"}, "ab", Referral, true},
		{"blank", Input{UTMSource: " \t ", Ref: "friend"}, "friend", Referral, true},
		{"the newsletter", Input{UTMSource: "Newsletter"}, "newsletter", Email, true},
		{"chatgpt tags its links", Input{UTMSource: "chatgpt.com"}, "ChatGPT", AIAssistant, true},

		{"paid search", Input{UTMSource: "google", UTMMedium: "cpc"}, "Google", PaidSearch, true},
		{"paid search, Naver", Input{UTMSource: "naver", UTMMedium: "CPC"}, "Naver", PaidSearch, true},
		{"paid social", Input{UTMSource: "fb", UTMMedium: "paid_social"}, "Facebook", PaidSocial, true},
		{"paid video", Input{UTMSource: "youtube", UTMMedium: "cpv-cp"}, "YouTube", PaidVideo, true},
		{"paid shopping by campaign", Input{UTMSource: "google", UTMMedium: "cpc", UTMCampaign: "kr-shopping"}, "Google", PaidShopping, true},
		{"workshop is no shop", Input{UTMSource: "google", UTMMedium: "cpc", UTMCampaign: "autumn-seekshop"}, "Google", PaidSearch, true},
		{"paid other", Input{UTMSource: "podlist", UTMMedium: "ppc"}, "podlist", PaidOther, true},
		{"display", Input{UTMSource: "kakao", UTMMedium: "banner"}, "KakaoTalk", Display, true},
		{"display by cpm", Input{UTMSource: "somenet", UTMMedium: "cpm"}, "somenet", Display, true},
		{"cross-network", Input{UTMSource: "google", UTMMedium: "cpc", UTMCampaign: "pmax cross-network"}, "Google", CrossNetwork, true},
		{"email", Input{UTMSource: "stibee", UTMMedium: "email"}, "Stibee", Email, true},
		{"email beats the source's class", Input{UTMSource: "google", UTMMedium: "email"}, "Google", Email, true},
		{"social medium", Input{UTMSource: "meetup", UTMMedium: "social"}, "meetup", OrganicSocial, true},
		{"video medium", Input{UTMSource: "wistia", UTMMedium: "video"}, "wistia", OrganicVideo, true},
		{"organic medium", Input{UTMSource: "lycos9", UTMMedium: "organic"}, "lycos9", OrganicSearch, true},
		{"referral medium", Input{UTMSource: "partner", UTMMedium: "referral"}, "partner", Referral, true},
		{"affiliate", Input{UTMSource: "partner", UTMMedium: "affiliate"}, "partner", Affiliates, true},
		{"audio", Input{UTMSource: "show", UTMMedium: "audio"}, "show", Audio, true},
		{"sms", Input{UTMSource: "crm", UTMMedium: "sms"}, "crm", SMS, true},
		{"push", Input{UTMSource: "app", UTMMedium: "web_push"}, "app", PushNotification, true},
		{"a medium no rule knows", Input{UTMSource: "poster", UTMMedium: "qr"}, "poster", Unassigned, true},
		{"a medium alone", Input{UTMMedium: "email"}, "", Email, true},

		{"gclid alone", Input{ClickIDs: []string{"gclid"}}, "Google", PaidSearch, true},
		{"gclid with Google", Input{Referrer: google, ClickIDs: []string{"gclid"}}, "Google", PaidSearch, true},
		{"gclid on YouTube", Input{Referrer: "https://www.youtube.com/", ClickIDs: []string{"gclid"}}, "YouTube", PaidVideo, true},
		{"gclid in an e-mail", Input{UTMSource: "crm", UTMMedium: "email", ClickIDs: []string{"gclid"}}, "crm", Email, true},
		{"fbclid isn't paid", Input{ClickIDs: []string{"fbclid"}}, "Facebook", OrganicSocial, true},
		{"fbclid in Instagram", Input{ClickIDs: []string{"fbclid"}, InAppUA: instagramUA}, "Instagram", OrganicSocial, true},
		{"a paid one beside fbclid", Input{ClickIDs: []string{"fbclid", "gclid"}}, "Google", PaidSearch, true},
		{"Naver Ads", Input{Referrer: "https://m.search.naver.com/", ClickIDs: []string{"n_media"}}, "Naver", PaidSearch, true},
		{"an unknown parameter", Input{ClickIDs: []string{"page"}}, "", Direct, false},

		{"KakaoTalk's browser", Input{InAppUA: kakaoUA}, "KakaoTalk", OrganicSocial, false},
		{"Naver's browser", Input{InAppUA: naverUA}, "Naver", OrganicSearch, false},
		{"Instagram's browser", Input{InAppUA: instagramUA}, "Instagram", OrganicSocial, false},
		{"a referrer before the app", Input{Referrer: google, InAppUA: kakaoUA}, "Google", OrganicSearch, true},
		{"the next page in the app", Input{Referrer: own, Hostname: "shop.example", InAppUA: kakaoUA}, "", Direct, false},
		{"a campaign from the site itself", Input{Referrer: own, Hostname: "shop.example", UTMSource: "banner"}, "banner", Referral, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := s.Find(tt.in)
			if got.Source != tt.source || got.Channel != tt.channel || got.External != tt.external {
				t.Errorf("got %+v, want source %q, channel %q, external %v", got, tt.source, tt.channel, tt.external)
			}
		})
	}
}

func TestLongNames(t *testing.T) {
	s := sources(t)
	tag := strings.Repeat("한", 50)
	got := s.Find(Input{UTMSource: tag, Referrer: "https://example.org/" + strings.Repeat("a", 900)})
	if len(got.Source) > maxName || !strings.HasPrefix(tag, got.Source) || !utf8.ValidString(got.Source) || len(got.Source) < maxName-3 {
		t.Errorf("source has %d bytes: %q", len(got.Source), got.Source)
	}
	if len(got.Referrer) != maxReferrer {
		t.Errorf("referrer has %d bytes, want %d", len(got.Referrer), maxReferrer)
	}
}

func TestSpam(t *testing.T) {
	s := sources(t)
	tests := []struct {
		referrer string
		want     bool
	}{
		{"https://semalt.com/", true},
		{"http://semalt.semalt.com/crawler.php?u=x", true},
		{"https://WWW.Darodar.com", true},
		{"https://xn--e1agf4c.xn--80adxhks/", true},
		{"https://notsemalt.com/", false},
		{"https://semalt.com.example/", false},
		{"https://www.google.com/", false},
		{"https://blog.naver.com/", false},
		{"android-app://com.kakao.talk", false},
		{"", false},
	}
	for _, tt := range tests {
		if got := s.Spam(tt.referrer); got != tt.want {
			t.Errorf("%q: %v, want %v", tt.referrer, got, tt.want)
		}
	}
	for host, e := range s.hosts {
		// A search engine that spams is rightly on both lists.
		if _, spam := s.spam[host]; spam && host != "thesmartsearch.net" {
			t.Errorf("%s is both the source %q and a spammer", host, e.name)
		}
	}
}

func TestIsClickID(t *testing.T) {
	for param, want := range map[string]bool{"gclid": true, "GCLID": true, "NaPm": true, "utm_source": false, "": false} {
		if got := IsClickID(param); got != want {
			t.Errorf("%q: %v, want %v", param, got, want)
		}
	}
}

// channels are all there are: the fuzz test holds Find to them, and so the
// dashboard has no more rows.
var channels = map[string]bool{
	Direct: true, CrossNetwork: true, PaidShopping: true, PaidSearch: true, PaidSocial: true, PaidVideo: true, Display: true,
	PaidOther: true, OrganicShopping: true, OrganicSocial: true, OrganicVideo: true, OrganicSearch: true, AIAssistant: true,
	Referral: true, Email: true, Affiliates: true, Audio: true, SMS: true, PushNotification: true, Unassigned: true,
}

func FuzzFind(f *testing.F) {
	for _, r := range referrers {
		f.Add(r.url, "shop.example", "", "", "")
	}
	f.Add("https://a.b/?secret", "a.b", "google", "cpc", kakaoUA)
	f.Add("https://a.b/%2525%0a", "", "WWW.X.COM/..", "x", "")
	s := sources(f)
	f.Fuzz(func(t *testing.T, ref, host, tag, medium, ua string) {
		got := s.Find(Input{Referrer: ref, Hostname: host, UTMSource: tag, UTMMedium: medium, InAppUA: ua})
		if !channels[got.Channel] {
			t.Errorf("channel %q", got.Channel)
		}
		if len(got.Source) > maxName || len(got.Referrer) > maxReferrer || !utf8.ValidString(got.Source+got.Referrer) {
			t.Errorf("cannot be stored: %+v", got)
		}
		if printable(got.Source+got.Referrer) != got.Source+got.Referrer {
			t.Errorf("control characters in %+v", got)
		}
		if got.Channel == Direct && (got.Source != "" || got.Referrer != "" || got.External) {
			t.Errorf("direct, and yet %+v", got)
		}
		s.Spam(ref)
	})
}

func BenchmarkFind(b *testing.B) {
	s := sources(b)
	for _, bb := range []struct {
		name string
		in   Input
	}{
		{"direct", Input{InAppUA: chromeUA}},
		{"own page", Input{Referrer: "https://shop.example/a/b", Hostname: "shop.example", InAppUA: chromeUA}},
		{"google", Input{Referrer: "https://www.google.com/", Hostname: "shop.example"}},
		{"unknown host", Input{Referrer: "https://a.b.example.org/path", Hostname: "shop.example"}},
		{"tagged", Input{UTMSource: "newsletter", UTMMedium: "email"}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.Find(bb.in)
			}
		})
	}
}

func BenchmarkSpam(b *testing.B) {
	s := sources(b)
	b.ReportAllocs()
	for b.Loop() {
		s.Spam("https://www.google.com/")
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
