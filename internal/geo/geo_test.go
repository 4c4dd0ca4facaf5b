package geo

import (
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func open(tb testing.TB, path string) *DB {
	tb.Helper()
	db, err := Open(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Error(err)
		}
	})
	return db
}

// Addresses whose country isn't in doubt: national operators and universities
// that have held them for decades.
func TestBuiltin(t *testing.T) {
	db := open(t, "")
	tests := []struct{ addr, country string }{
		{"168.126.63.1", "KR"},      // KT's name server
		{"210.220.163.82", "KR"},    // SK Broadband's
		{"203.248.252.2", "KR"},     // LG U+'s
		{"2001:dc0:2001::1", ""},    // checked below: any country, it is APNIC's
		{"192.0.2.1", ""},           // for documentation
		{"133.11.0.1", "JP"},        // the University of Tokyo
		{"130.149.7.7", "DE"},       // TU Berlin
		{"18.9.22.69", "US"},        // MIT
		{"129.67.1.1", "GB"},        // Oxford
		{"2001:638::1", "DE"},       // DFN
		{"2001:200::1", "JP"},       // WIDE
		{"::ffff:133.11.0.1", "JP"}, // the same, as an IPv6 socket gives it
		{"127.0.0.1", ""},
		{"10.1.2.3", ""},
		{"192.168.0.1", ""},
		{"172.16.0.1", ""},
		{"169.254.1.1", ""},
		{"224.0.0.1", ""},
		{"0.0.0.0", ""},
		{"255.255.255.255", ""},
		{"::1", ""},
		{"::", ""},
		{"fe80::1%eth0", ""},
		{"fd00::1", ""},
		{"ff02::1", ""},
	}
	for _, tt := range tests {
		addr := netip.MustParseAddr(tt.addr)
		for range 2 { // the second time from the places kept
			got := db.Lookup(addr)
			if strings.HasPrefix(tt.addr, "2001:dc0:") {
				if len(got.Country) != 2 {
					t.Errorf("%s: got %+v, want some country", tt.addr, got)
				}
				continue
			}
			if want := (Place{Country: tt.country}); got != want {
				t.Errorf("%s: got %+v, want %+v", tt.addr, got, want)
			}
		}
	}
	if got := db.Lookup(netip.Addr{}); got != (Place{}) {
		t.Errorf("no address: got %+v", got)
	}
	if d := db.Describe(); !strings.Contains(d, "countries only") || !strings.Contains(d, "GEOIP_DB") || strings.Contains(d, "\n") {
		t.Errorf("description %q", d)
	}
}

func TestLayouts(t *testing.T) {
	seoul := Place{Country: "KR", Region: "KR-11", City: "Seoul"}
	tests := []struct {
		name     string
		kind     string
		record   object
		want     Place
		describe string
	}{
		{"MaxMind City", "GeoLite2-City", object{
			"country":      object{"iso_code": "KR", "names": object{"en": "South Korea"}},
			"subdivisions": []any{object{"iso_code": "11", "names": object{"en": "Seoul"}}},
			"city":         object{"names": object{"en": "Seoul", "ko": "서울"}},
		}, seoul, "GeoLite2-City, built 2026-01-01: countries, regions and cities"},
		{"MaxMind Country", "GeoLite2-Country", object{
			"country": object{"iso_code": "KR"},
		}, Place{Country: "KR"}, "GeoLite2-Country, built 2026-01-01: countries only"},
		{"DB-IP City Lite, regions by name only", "DBIP-City-Lite", object{
			"country":      object{"iso_code": "KR", "names": object{"en": "South Korea"}},
			"subdivisions": []any{object{"names": object{"en": "Seoul"}}},
			"city":         object{"names": object{"en": "Seoul"}},
		}, Place{Country: "KR", City: "Seoul"}, "DBIP-City-Lite, built 2026-01-01: countries and cities (no region codes)"},
		{"IPinfo", "ipinfo standard_location.mmdb", object{
			"country": "KR", "region": "Seoul", "region_code": "11", "city": "Seoul",
		}, seoul, "ipinfo standard_location.mmdb, built 2026-01-01: countries, regions and cities"},
		{"ip-location-db", "geo-whois-asn-country", object{"country_code": "kr"},
			Place{Country: "KR"}, "geo-whois-asn-country, built 2026-01-01: countries only"},
		{"region code with its country", "x", object{"country_code": "KR", "region_code": "KR-11", "city": "-"},
			Place{Country: "KR", Region: "KR-11"}, "x, built 2026-01-01: countries, regions and cities"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := open(t, writeDB(t, tt.kind, map[string]object{
				"211.0.0.0/8": tt.record, "2400::/12": tt.record,
			}))
			for _, addr := range []string{"211.1.2.3", "2400::5", "::ffff:211.1.2.3"} {
				if got := db.Lookup(netip.MustParseAddr(addr)); got != tt.want {
					t.Errorf("%s: got %+v, want %+v", addr, got, tt.want)
				}
			}
			for _, addr := range []string{"9.9.9.9", "2a00::1"} {
				if got := db.Lookup(netip.MustParseAddr(addr)); got != (Place{}) {
					t.Errorf("%s: got %+v, want none", addr, got)
				}
			}
			if got := db.Describe(); got != tt.describe {
				t.Errorf("description %q, want %q", got, tt.describe)
			}
		})
	}
}

// Publishers have several ways to say that they don't know.
func TestUnknownCountry(t *testing.T) {
	for _, unknown := range []string{"ZZ", "XX", "-", "", "KOR"} {
		db := open(t, writeDB(t, "x", map[string]object{
			"8.0.0.0/8": {"country_code": unknown, "city": "Nowhere"}, "211.0.0.0/8": {"country_code": "KR", "city": "Seoul"},
		}))
		if got := db.Lookup(netip.MustParseAddr("8.8.8.8")); got != (Place{}) {
			t.Errorf("%q: got %+v, want none", unknown, got)
		}
		if got, want := db.Lookup(netip.MustParseAddr("211.1.1.1")), (Place{Country: "KR", City: "Seoul"}); got != want {
			t.Errorf("beside %q: got %+v, want %+v", unknown, got, want)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	tests := []struct{ name, path, says string }{
		{"nothing there", filepath.Join(dir, "none.mmdb"), "no such file"},
		{"a directory", dir, "is a directory"},
		{"a CSV", file("a.csv", "1.0.0.0,1.0.0.255,AU\n"), "is not a MaxMind DB file"},
		{"empty", file("empty.mmdb", ""), "file is empty"},
		{"an ASN database", writeDB(t, "GeoLite2-ASN", map[string]object{"1.0.0.0/8": {"autonomous_system_organization": "X"}}), "name no country"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db, err := Open(tt.path)
			if err == nil {
				t.Fatalf("opened: %s", db.Describe())
			}
			if !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), tt.path) {
				t.Errorf("error %q, want it to say %q and name the file", err, tt.says)
			}
		})
	}
}

// TestLookupTogether is for the race detector: the places kept are shared.
func TestLookupTogether(t *testing.T) {
	db := open(t, "")
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 2000 {
				addr := netip.AddrFrom4([4]byte{byte(i % 223), byte(i >> 3), byte(g), 1})
				first, second := db.Lookup(addr), db.Lookup(addr)
				if first != second {
					t.Errorf("%s: %+v, then %+v", addr, first, second)
				}
			}
		})
	}
	wg.Wait()
}

func FuzzOpen(f *testing.F) {
	good, err := os.ReadFile(writeDB(f, "x", map[string]object{"1.0.0.0/8": {"country_code": "AU"}}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, file []byte) {
		path := filepath.Join(t.TempDir(), "f.mmdb")
		if err := os.WriteFile(path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := Open(path)
		if err != nil {
			return
		}
		p := db.Lookup(netip.MustParseAddr("1.2.3.4"))
		if p != (Place{}) && len(p.Country) != 2 {
			t.Errorf("place %+v", p)
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	db := open(b, "")
	addrs := make([]netip.Addr, 1024)
	for i := range addrs {
		addrs[i] = netip.AddrFrom4([4]byte{byte(1 + i%222), byte(i * 7), byte(i * 13), 9})
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		db.Lookup(addrs[i%len(addrs)])
	}
}

func BenchmarkOpen(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		db, err := Open("")
		if err != nil {
			b.Fatal(err)
		}
		db.Close()
	}
}
