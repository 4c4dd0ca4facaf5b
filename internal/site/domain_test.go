package site_test

import (
	"strings"
	"testing"

	"moonbear/internal/fault"
	"moonbear/internal/site"
)

func TestParseDomain(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"shop.com", "shop.com"},
		{"https://Shop.com/x", "shop.com"},
		{" HTTP://www.SHOP.com:8080/a?b=c#d ", "www.shop.com"},
		{"//shop.com", "shop.com"},
		{"shop.com.", "shop.com"},
		{"shop.com?utm_source=x", "shop.com"},
		{"bücher.example", "xn--bcher-kva.example"},
		{"https://한국.kr/안녕", "xn--3e0b707e.kr"},
		{"xn--3e0b707e.kr", "xn--3e0b707e.kr"},
		{"Ｓｈｏｐ．ｃｏｍ", "shop.com"},
		{"my_shop.example.com", "my_shop.example.com"},
		{"r3---sn-x.example.com", "r3---sn-x.example.com"},
		{"localhost:3000", "localhost"},
		{"127.0.0.1", "127.0.0.1"},
		{"http://10.0.0.7:8080/", "10.0.0.7"},
		{"[::1]:8080", "::1"},
		{"http://[2001:DB8::1]/", "2001:db8::1"},
	} {
		got, err := site.ParseDomain(tt.in)
		if err != nil || got != tt.want {
			t.Errorf("%q: %q, %v; want %q", tt.in, got, err, tt.want)
		}
	}
	for _, tt := range []struct{ in, message string }{
		{" ", "Enter a domain, for example shop.com."},
		{"shop", `"shop" has no dot, so it is not a domain: write it like shop.com.`},
		{"https://", `"https://" is not a domain: write it like shop.com.`},
		{"bob@shop.com", `"bob@shop.com" is not a domain: it is an email address or has a user name in it; write only shop.com.`},
		{"*.shop.com", `"*.shop.com" is not a domain: wildcards are not supported; allow each hostname by its name, like www.shop.com.`},
		{"shop.com:http", `"shop.com:http" is not a domain: what follows the colon is not a port; write it like shop.com.`},
		{"my shop.com", `"my shop.com" is not a domain: it has a space in it; write one name, like shop.com.`},
		{"shop!.com", `"shop!.com" is not a domain: "!" cannot be in a host name; write it like shop.com.`},
		{"shop..com", `"shop..com" is not a domain: write it like shop.com.`},
		{strings.Repeat("a", 64) + ".com", `"` + strings.Repeat("a", 64) + `.com" is not a domain: write it like shop.com.`},
		{"1.2.3", `"1.2.3" is not a domain: its last part is a number; write a name like shop.com or a whole IP address.`},
		{"0x7f.1", `"0x7f.1" is not a domain: its last part is a number; write a name like shop.com or a whole IP address.`},
	} {
		_, err := site.ParseDomain(tt.in)
		wants(t, err, fault.Invalid, "domain", tt.message)
	}
}

func TestParseHostname(t *testing.T) {
	if got, err := site.ParseHostname("http://Intranet/"); err != nil || got != "intranet" {
		t.Errorf("%q, %v", got, err)
	}
	_, err := site.ParseHostname("")
	wants(t, err, fault.Invalid, "hostname", "Enter a hostname, for example shop.com.")
}

func TestDisplayHost(t *testing.T) {
	for in, want := range map[string]string{
		"shop.com": "shop.com", "xn--3e0b707e.kr": "한국.kr", "xn--": "xn--", "::1": "::1", "my_shop.com": "my_shop.com",
	} {
		if got := site.DisplayHost(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzParseDomain(f *testing.F) {
	for _, s := range []string{"https://Shop.com/x", "한국.kr", "[::1]:80", "a@b.c", "*.x.y", "1.2.3", "xn--a.b", "\u202eshop.com", "a.b:99999", "//", "ẞ.de", "..", "\x00.com"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		once, err := site.ParseDomain(s)
		if err != nil {
			if e, ok := fault.From(err); !ok || e.Field != "domain" || e.Message == "" {
				t.Errorf("%q: %v is not for a user", s, err)
			}
			return
		}
		if twice, err := site.ParseDomain(once); err != nil || twice != once {
			t.Errorf("%q gives %q, which gives %q, %v", s, once, twice, err)
		}
		if len(once) > 253 || strings.Trim(once, "abcdefghijklmnopqrstuvwxyz0123456789.-_:") != "" {
			t.Errorf("%q gives %q", s, once)
		}
		// What is shown names the same host when it is typed again.
		if again, err := site.ParseDomain(site.DisplayHost(once)); err != nil || again != once {
			t.Errorf("%q is shown as %q, which is %q, %v", once, site.DisplayHost(once), again, err)
		}
	})
}

func TestParseCurrency(t *testing.T) {
	for in, want := range map[string]string{"": "USD", "eur": "EUR", " KRW ": "KRW"} {
		if got, err := site.ParseCurrency(in); err != nil || got != want {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, bad := range []string{"XXX", "EURO", "€", "QQQ", "E", "euro\x00"} {
		_, err := site.ParseCurrency(bad)
		if e, ok := fault.From(err); !ok || e.Field != "currency" || !strings.HasSuffix(e.Message, "is not a currency: use an ISO 4217 code such as EUR or KRW.") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// wants checks that an error is a fault of a kind and field with a message.
func wants(t testing.TB, err error, kind fault.Kind, field, message string) {
	t.Helper()
	f, ok := fault.From(err)
	if !ok || f.Kind != kind || f.Field != field || f.Message != message {
		t.Errorf("got %#v\nwant %d %s %q", err, kind, field, message)
	}
}
