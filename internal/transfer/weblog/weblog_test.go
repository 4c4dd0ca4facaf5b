package weblog

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"moonbear/internal/transfer"
)

const ua = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"

// readAll reads a file of a format and tells its items, one a line.
func readAll(t testing.TB, format string, b []byte) []string {
	t.Helper()
	in, err := transfer.NewInput(transfer.File{Name: "x.log", Reader: bytes.NewReader(b)})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range Formats() {
		if f.Name != format {
			continue
		}
		src, err := f.Open(in, transfer.Settings{Domain: "shop.test", Location: time.UTC})
		if err != nil {
			return []string{err.Error()}
		}
		var out []string
		for {
			var it transfer.Item
			if err := src.Next(&it); errors.Is(err, io.EOF) {
				return out
			} else if err != nil {
				return append(out, err.Error())
			}
			out = append(out, tell(&it))
		}
	}
	t.Fatalf("there is no format %q", format)
	return nil
}

func tell(it *transfer.Item) string {
	if it.Drop.Reason != "" {
		return strings.TrimSpace(fmt.Sprintf("%d %s %s", it.Line, it.Drop.Reason, it.Drop.Detail))
	}
	r := &it.Record
	return fmt.Sprintf("%d %s host=%s url=%s ref=%s ip=%s ua=%s", it.Line, r.Time.UTC().Format("2006-01-02T15:04:05.999Z"), r.Hostname, r.URL, r.Referrer, r.IP, r.UserAgent)
}

// golden are lines as the formats' documentations have them, with example
// addresses, and what each says.
var golden = []struct {
	format, name, lines string
	want                []string
}{
	{"combined", "apache", `192.0.2.7 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb?x=1 HTTP/1.0" 200 2326 "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)"`,
		[]string{"1 2000-10-10T20:55:36Z host= url=/apache_pb?x=1 ref=http://www.example.com/start.html ip=192.0.2.7 ua=Mozilla/4.08 [en] (Win98; I ;Nav)"}},
	{"combined", "virtual host before it", `shop.test:443 2001:db8::7 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/2.0" 304 - "-" "UA"`,
		[]string{"1 2025-10-10T13:55:36Z host=shop.test:443 url=/ ref= ip=2001:db8::7 ua=UA"}},
	{"combined", "a client's name, and a user with a space", `client.example.net - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/2.0" 200 1 "-" "UA"` + "\n" + `192.0.2.1 - John Smith [10/Oct/2025:13:55:36 +0000] "GET /b HTTP/2.0" 200 1 "-" "UA"`,
		[]string{"1 2025-10-10T13:55:36Z host= url=/ ref= ip=client.example.net ua=UA", "2 2025-10-10T13:55:36Z host= url=/b ref= ip=192.0.2.1 ua=UA"}},
	{"combined", "nginx main behind a proxy", `10.0.0.5 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "UA" "198.51.100.4, 10.1.1.1"`,
		[]string{"1 2025-10-10T13:55:36Z host= url=/ ref= ip=198.51.100.4 ua=UA"}},
	{"combined", "a forwarded address that a client made up", `203.0.113.5 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "UA" "198.51.100.4"`,
		[]string{"1 2025-10-10T13:55:36Z host= url=/ ref= ip=203.0.113.5 ua=UA"}},
	{"combined", "escapes", `192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET /a\"b\x22c HTTP/1.1" 200 1 "-" "U\\A \xec\x95\x88"`,
		[]string{"1 2025-10-10T13:55:36Z host= url=/a\"b\"c ref= ip=192.0.2.7 ua=U\\A 안"}},
	{"combined", "no page", strings.Join([]string{
		`192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET /a.css?v=2 HTTP/1.1" 200 1 "-" "UA"`,
		`192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET /gone HTTP/1.1" 404 1 "-" "UA"`,
		`192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET /old HTTP/1.1" 301 1 "-" "UA"`,
		`192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "HEAD / HTTP/1.1" 200 1 "-" "UA"`,
		`192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "\x16\x03\x01" 400 1 "-" "-"`,
		`192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "-" 408 - "-" "-"`,
		`192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET /blog/feed/ HTTP/1.1" 200 1 "-" "UA"`,
		`192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET /?feed=rss2 HTTP/1.1" 200 1 "-" "UA"`,
		`192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET /v1.2/notes/ HTTP/1.1" 200 1 "-" "-"`,
		`192.0.2.7 - - [32/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 200 1 "-" "-"`,
		`hello`,
		`192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET / HTTP/1.1" 2`,
	}, "\n"), []string{"1 asset", "2 status 404", "3 status 3xx", "4 method HEAD", "5 method other", "6 method other", "7 asset", "8 asset",
		"9 2025-10-10T13:55:36Z host= url=/v1.2/notes/ ref= ip=192.0.2.7 ua=-", "10 malformed " + errNoTime.Error(), "11 malformed " + errNoTime.Error(), "12 unfinished"}},
	{"common", "apache", `192.0.2.7 - frank [10/Oct/2000:13:55:36 -0700] "GET /a HTTP/1.0" 200 2326`,
		[]string{"1 2000-10-10T20:55:36Z host= url=/a ref= ip=192.0.2.7 ua="}},
	{"caddy", "caddy", `{"level":"info","ts":1646861401.5241,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"127.0.0.1","remote_port":"41342","client_ip":"203.0.113.9","proto":"HTTP/2.0","method":"GET","host":"shop.test","uri":"/a?b=1","headers":{"User-Agent":["` + ua + `"],"Referer":["https://news.example/"]}},"bytes_read":0,"status":200,"resp_headers":{"Content-Type":["text/html; charset=utf-8"]}}
{"level":"info","ts":1646861402,"logger":"tls","msg":"certificate obtained"}
{"level":"info","ts":1646861403,"logger":"http.log.access","request":{"remote_ip":"203.0.113.9","method":"GET","host":"shop.test","uri":"/api/x","headers":{"User-Agent":["UA"],"Sec-Fetch-Dest":["empty"]}},"status":200}
{"level":"info","ts":1646861404,"logger":"http.log.access","request":{"remote_ip":"203.0.113.9","method":"GET","host":"shop.test","uri":"/b","headers":{"User-Agent":["UA"],"Sec-Purpose":["prefetch"]}},"status":200}`,
		[]string{"1 2022-03-09T21:30:01.524Z host=shop.test url=/a?b=1 ref=https://news.example/ ip=127.0.0.1 ua=" + ua, "3 asset", "4 prefetch"}},
	{"cloudfront", "standard", "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header\n" +
		"2025-12-04\t21:02:31\tLAX1\t392\t192.0.2.24\tGET\td111111abcdef8.cloudfront.net\t/index.html\t200\thttps://example.org/x\tMozilla/5.0%20(Windows%2520NT%252010.0)\tutm_source=a\t-\tHit\tSOX4==\tshop.test\n",
		[]string{"3 2025-12-04T21:02:31Z host=shop.test url=/index.html?utm_source=a ref=https://example.org/x ip=192.0.2.24 ua=Mozilla/5.0 (Windows NT 10.0)"}},
	{"s3", "website and by path", `79a59df900b9 site-bucket [06/Feb/2026:00:00:38 +0000] 192.0.2.3 - 3E57427F3EXAMPLE WEBSITE.GET.OBJECT index.html "GET /a HTTP/1.1" 200 - 113 113 7 5 "https://example.org/" "UA" - s9lzHYrFp76ZVxRcpX9= - - - shop.test TLSV1.2
79a59df900b9 site-bucket [06/Feb/2026:00:00:38 +0000] 192.0.2.3 - 3E57427F3EXAMPLE REST.GET.OBJECT b.html "GET /site-bucket/b.html HTTP/1.1" 200 - 113 113 7 5 "-" "UA" - s9lzHYrFp76ZVxRcpX9= - - - s3.us-west-1.amazonaws.com TLSV1.2
79a59df900b9 site-bucket [06/Feb/2026:00:00:38 +0000] 192.0.2.3 79a59df900b9 3E57427F3EXAMPLE REST.GET.VERSIONING - "GET /site-bucket?versioning HTTP/1.1" 200 - 113 - 7 - "-" "S3Console/0.4" - s9= SigV4 - AuthHeader s3.us-west-1.amazonaws.com TLSV1.2
`, []string{"1 2026-02-06T00:00:38Z host=shop.test url=/a ref=https://example.org/ ip=192.0.2.3 ua=UA",
		"2 2026-02-06T00:00:38Z host= url=/b.html ref= ip=192.0.2.3 ua=UA", "3 method other"}},
	{"iis", "fields change in the middle", "#Software: Microsoft Internet Information Services 10.0\r\n#Version: 1.0\r\n#Date: 2026-01-02 03:04:05\r\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) cs(Referer) sc-status sc-substatus sc-win32-status time-taken\r\n" +
		"2026-01-02 03:04:05 10.0.0.1 GET /default.aspx id=7 443 - 198.51.100.8 Mozilla/5.0+(Windows+NT+10.0) https://example.org/a+b 200 0 0 15\r\n" +
		"#Fields: date time cs-method cs-uri-stem c-ip sc-status cs-host\r\n" +
		"2026-01-02 03:04:06 GET /b 198.51.100.8 200 www.shop.test\r\n2026-01-02 03:04:06 GET\r\n",
		[]string{"5 2026-01-02T03:04:05Z host= url=/default.aspx?id=7 ref=https://example.org/a+b ip=198.51.100.8 ua=Mozilla/5.0 (Windows NT 10.0)",
			"7 2026-01-02T03:04:06Z host=www.shop.test url=/b ref= ip=198.51.100.8 ua=", "8 malformed " + errFewFields.Error()}},
	{"json", "nginx escape=json, Traefik, Logpush", `{"time_local":"10/Oct/2025:13:55:36 +0200","remote_addr":"203.0.113.4","request":"GET /a?utm_medium=x HTTP/1.1","status":"200","http_referer":"https://example.org/","http_user_agent":"UA","host":"shop.test"}
{"time":"2025-10-10T13:55:36.5Z","ClientHost":"203.0.113.4","RequestMethod":"GET","RequestPath":"/b","RequestHost":"shop.test","DownstreamStatus":200,"request_User-Agent":"UA"}
{"EdgeStartTimestamp":1760104536000000000,"ClientIP":"203.0.113.4","ClientRequestMethod":"GET","ClientRequestURI":"/c","ClientRequestHost":"shop.test","EdgeResponseStatus":200,"ClientRequestUserAgent":"UA","ClientRequestReferer":"-"}
{"msec":"1760104536.123","uri":"/d","args":"a=1","status":200,"remote_addr":"203.0.113.4:5000","http_user_agent":"UA"}
{"uri":"/e"}
{"time":1760104536}
{"time":`, []string{"1 2025-10-10T11:55:36Z host=shop.test url=/a?utm_medium=x ref=https://example.org/ ip=203.0.113.4 ua=UA",
		"2 2025-10-10T13:55:36.5Z host=shop.test url=/b ref= ip=203.0.113.4 ua=UA",
		"3 2025-10-10T13:55:36Z host=shop.test url=/c ref= ip=203.0.113.4 ua=UA",
		"4 2025-10-10T13:55:36.122Z host= url=/d?a=1 ref= ip=203.0.113.4 ua=UA",
		"5 malformed " + errJSONTime.Error(), "6 malformed " + errJSONTarget.Error(), "7 unfinished"}},
}

func TestGolden(t *testing.T) {
	for _, g := range golden {
		t.Run(g.format+" "+g.name, func(t *testing.T) {
			got := readAll(t, g.format, []byte(g.lines))
			for i := range max(len(got), len(g.want)) {
				a, b := "nothing", "nothing"
				if i < len(got) {
					a = got[i]
				}
				if i < len(g.want) {
					b = g.want[i]
				}
				if a != b {
					t.Errorf("item %d\n got %s\nwant %s", i, a, b)
				}
			}
		})
	}
}

// TestAuto holds every format's Looks to its own golden lines and to those of
// all others.
func TestAuto(t *testing.T) {
	for _, g := range golden {
		if g.name == "no page" {
			continue
		}
		in, err := transfer.NewInput(transfer.File{Name: "x.log", Reader: strings.NewReader(g.lines)})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range Formats() {
			if why := f.Looks(in.Head()); (why == "") != (f.Name == g.format) {
				t.Errorf("%s %s looks like %s: %q", g.format, g.name, f.Name, why)
			}
		}
	}
}

// TestWrappings reads the same lines through everything that files are wrapped
// in.
func TestWrappings(t *testing.T) {
	const a = `192.0.2.7 - - [10/Oct/2025:13:55:36 +0000] "GET /a HTTP/1.1" 200 1 "-" "UA"`
	const b = `192.0.2.7 - - [10/Oct/2025:13:55:37 +0000] "GET /b HTTP/1.1" 200 1 "-" "UA"`
	gz := func(s string) string {
		var w bytes.Buffer
		z := gzip.NewWriter(&w)
		_, _ = io.WriteString(z, s)
		_ = z.Close()
		return w.String()
	}
	zs := func(s string) string {
		e, err := zstd.NewWriter(nil)
		if err != nil {
			t.Fatal(err)
		}
		return string(e.EncodeAll([]byte(s), nil))
	}
	want := fmt.Sprint(readAll(t, "combined", []byte(a+"\n"+b+"\n")))
	for name, file := range map[string]string{
		"windows lines": a + "\r\n" + b + "\r\n", "byte order mark": "\ufeff" + a + "\n" + b, "gzip": gz(a + "\n" + b + "\n"),
		"two gzips": gz(a+"\n") + gz(b+"\n"), "zstd": zs(a + "\n" + b), "two zstds": zs(a+"\n") + zs(b+"\n"),
	} {
		if got := fmt.Sprint(readAll(t, "combined", []byte(file))); got != want {
			t.Errorf("%s: got %s\nwant %s", name, got, want)
		}
	}
	long := strings.Repeat("x", transfer.MaxLine+5)
	if got := readAll(t, "combined", []byte(long+"\n"+a)); len(got) != 2 || got[0] != "1 too_long" {
		t.Errorf("a long line: %q", got)
	}
	if got := readAll(t, "combined", []byte(strings.Replace(a, "UA", "\xff\xfe", 1))); len(got) != 1 || !strings.Contains(got[0], "ua=\xff\xfe") {
		t.Errorf("not UTF-8: %q", got)
	}
	if got := readAll(t, "combined", []byte("\xff\xfea\x00")); len(got) != 1 || !strings.Contains(got[0], "UTF-16") {
		t.Errorf("UTF-16: %q", got)
	}
	if got := readAll(t, "combined", []byte(gz(a + "\n" + b)[:60])); len(got) == 0 || !strings.Contains(got[len(got)-1], "unexpected EOF") {
		t.Errorf("half a gzip: %q", got)
	}
}

// fuzz holds a parser to what every one must keep: it ends, its lines rise, and
// what it doesn't drop has a time and an address.
func fuzz(f *testing.F, format string) {
	for _, g := range golden {
		f.Add([]byte(g.lines))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		lines, err := transfer.NewLines(bytes.NewReader(b))
		if err != nil {
			return
		}
		var p parser
		switch format {
		case "combined":
			p = newCombined(transfer.Settings{})
		case "common":
			p = newCommon(transfer.Settings{})
		case "caddy":
			p = newCaddy(transfer.Settings{})
		case "cloudfront":
			p = newCloudFront(transfer.Settings{})
		case "s3":
			p = newS3(transfer.Settings{})
		case "iis":
			p = newIIS(transfer.Settings{})
		default:
			p = newJSON(transfer.Settings{})
		}
		s := &source{lines: lines, parser: p}
		var last int64
		for {
			var it transfer.Item
			if err := s.Next(&it); err != nil {
				if !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				return
			}
			if it.Line <= last {
				t.Fatalf("line %d after line %d", it.Line, last)
			}
			last = it.Line
			if it.Drop.Reason == "" && (it.Record.Time.IsZero() || it.Record.URL == "") {
				t.Fatalf("%+v", it)
			}
		}
	})
}

func FuzzCombined(f *testing.F)   { fuzz(f, "combined") }
func FuzzCommon(f *testing.F)     { fuzz(f, "common") }
func FuzzCaddy(f *testing.F)      { fuzz(f, "caddy") }
func FuzzCloudFront(f *testing.F) { fuzz(f, "cloudfront") }
func FuzzS3(f *testing.F)         { fuzz(f, "s3") }
func FuzzIIS(f *testing.F)        { fuzz(f, "iis") }
func FuzzJSON(f *testing.F)       { fuzz(f, "json") }
