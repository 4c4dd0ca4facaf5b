package weblog

import (
	"strconv"
	"strings"

	"moonbear/internal/transfer"
)

// page makes a Record of a request for a page that was answered, and says of
// every other why it is none. The order is the order of certainty: what wasn't
// asked for as a page, what wasn't answered, what isn't one.
func (q *request) page(it *transfer.Item) {
	switch {
	case q.method != "GET":
		it.Drop = transfer.Drop{Reason: transfer.Method, Detail: method(q.method)}
	case q.status != 0 && (q.status < 200 || q.status > 299) && q.status != 304:
		it.Drop = transfer.Drop{Reason: transfer.Status, Detail: status(q.status)}
	case strings.Contains(q.purpose, "prefetch") || strings.Contains(q.purpose, "preview") || strings.Contains(q.purpose, "prerender"):
		it.Drop = transfer.Drop{Reason: transfer.Prefetch}
	case q.asset():
		it.Drop = transfer.Drop{Reason: transfer.Asset}
	default:
		it.Record = transfer.Record{
			Time: q.time, URL: q.target, Hostname: q.host, Referrer: q.referrer,
			IP: q.address, UserAgent: q.agent,
		}
	}
}

// method names what isn't GET. Scanners send words of their own, without end.
func method(m string) string {
	switch m {
	case "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "CONNECT", "TRACE":
		return m
	}
	return "other"
}

// status says what an answer was, where people will ask: 404 apart.
func status(s int) string {
	switch {
	case s == 404:
		return "404"
	case s >= 100 && s < 600:
		return strconv.Itoa(s/100) + "xx"
	}
	return "other"
}

// extensions are those of files that aren't pages. Documents (pdf) are among
// them: their readers fetch them in pieces, a line each.
var extensions = set(`
	css js mjs cjs map json jsonld webmanifest wasm
	png jpg jpeg jpe gif webp avif svg svgz ico cur bmp tif tiff heic heif psd apng jxl
	woff woff2 ttf otf eot
	mp3 mp4 m4a m4v m4s webm ogg ogv oga opus wav flac aac avi mov mkv mpg mpeg wmv flv swf ts m3u8 mpd vtt srt
	pdf epub mobi doc docx xls xlsx ppt pptx odt ods odp rtf ps tex
	zip gz tgz bz2 xz zst 7z rar tar iso dmg exe msi deb rpm apk pkg bin jar whl gem crx xpi appimage
	rss atom rdf xml xsl xslt opml kml gpx ics vcf torrent sig asc md5 sha256
	txt csv tsv log bak sql yml yaml ini conf env lock
	htc vcs axd asmx svc ashx dll cer crt pem`)

// files are names, wherever they lie, that machines ask for.
var files = set(`
	robots.txt favicon.ico sitemap.xml ads.txt app-ads.txt humans.txt security.txt
	browserconfig.xml crossdomain.xml clientaccesspolicy.xml manifest.json site.webmanifest
	service-worker.js sw.js xmlrpc.php wp-cron.php admin-ajax.php wp-login.php
	server-status server-info nginx_status stub_status
	healthz livez readyz healthcheck`)

// prefixes are folders without pages.
var prefixes = []string{
	"/.well-known/", "/.git/", "/cdn-cgi/", "/wp-json/", "/wp-includes/", "/wp-content/", "/_next/static/", "/_next/image", "/_next/data/",
	"/_nuxt/", "/__data.json", "/static/js/", "/static/css/", "/socket.io/", "/apple-touch-icon", "/apple-app-site-association",
}

// feeds are the last parts of paths of feeds, and values of a query that asks
// for one: programs read them, most under a browser's name.
var feeds = set(`feed feeds rss rss2 rss20 atom rdf feed.xml index.xml atom.xml rss.xml`)

// asset says whether a request is for something that isn't a page. What the
// browser wanted it for, and what the server answered, go before its name.
func (q *request) asset() bool {
	switch q.destination {
	case "", "document", "iframe", "frame":
	default:
		return true
	}
	if t, _, _ := strings.Cut(q.contentType, ";"); t != "" && t != "-" && q.status != 304 {
		t = strings.ToLower(strings.TrimSpace(t))
		if t != "text/html" && t != "application/xhtml+xml" {
			return true
		}
	}
	path, query, _ := strings.Cut(q.target, "?")
	if i := strings.Index(path, "://"); i > 0 && i < 8 {
		if j := strings.IndexByte(path[i+3:], '/'); j >= 0 {
			path = path[i+3+j:]
		} else {
			path = "/"
		}
	}
	return assetPath(path) || feedQuery(query)
}

func assetPath(path string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(path, p) {
			return true
		}
	}
	folder := strings.TrimRight(path, "/")
	last := folder[strings.LastIndexByte(folder, '/')+1:]
	if len(last) == 0 || len(last) > 300 {
		return false
	}
	last = strings.ToLower(last)
	if _, ok := feeds[last]; ok {
		return true
	}
	if len(folder) < len(path) {
		return false // "/a.b/" is a folder
	}
	if _, ok := files[last]; ok {
		return true
	}
	dot := strings.LastIndexByte(last, '.')
	if dot < 0 {
		return false
	}
	_, ok := extensions[last[dot+1:]]
	return ok
}

// feedQuery finds "?feed=rss2" and the like.
func feedQuery(query string) bool {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		key, value, _ := strings.Cut(pair, "=")
		switch key {
		case "feed", "flav", "format", "type", "alt":
			if _, ok := feeds[strings.ToLower(value)]; ok {
				return true
			}
		}
	}
	return false
}

func set(words string) map[string]struct{} {
	m := map[string]struct{}{}
	for _, w := range strings.Fields(words) {
		m[w] = struct{}{}
	}
	return m
}
