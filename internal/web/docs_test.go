package web

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	esbuild "github.com/evanw/esbuild/pkg/api"
	nethtml "golang.org/x/net/html"

	"moonbear/docs"
	"moonbear/internal/web/html"
)

// docPage is a page of documentation as a stranger's browser has it.
func docPage(t *testing.T, w *world, path, lang string) *nethtml.Node {
	t.Helper()
	res := (&person{w: w}).get(path, func(r *http.Request) { r.Header.Set("Accept-Language", lang) })
	if res.Code != http.StatusOK {
		t.Fatalf("%s in %s: %d", path, lang, res.Code)
	}
	body := res.Body.String()
	inspect(t, body)
	doc, err := nethtml.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func attribute(n *nethtml.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// elements are a page's elements of a name.
func elements(doc *nethtml.Node, name string) (out []*nethtml.Node) {
	for n := range doc.Descendants() {
		if n.Type == nethtml.ElementNode && n.Data == name {
			out = append(out, n)
		}
	}
	return out
}

// TestDocsLinks follows every link of every page of documentation that stays
// on this server: there is a page, and the part of it that is named.
func TestDocsLinks(t *testing.T) {
	w := newWorld(t, "https://numbers.example.org")
	w.claim("owner@example.com", "example.com", "UTC")
	for _, lang := range []string{"en", "ko"} {
		pages := map[string]*nethtml.Node{"/docs": docPage(t, w, "/docs", lang)}
		for _, name := range html.DocNames() {
			pages[html.DocURL(name)] = docPage(t, w, html.DocURL(name), lang)
		}
		followed := 0
		for from, doc := range pages {
			if got := attribute(elements(doc, "html")[0], "lang"); got != lang {
				t.Errorf("%s: in %q, want %q", from, got, lang)
			}
			for _, a := range elements(doc, "a") {
				to, err := url.Parse(attribute(a, "href"))
				if err != nil || to.Scheme == "http" {
					t.Errorf("%s: a link to %q (%v)", from, attribute(a, "href"), err)
				}
				if to.Host != "" {
					continue
				}
				followed++
				target := path.Join("/", to.Path)
				if to.Path == "" {
					target = from
				}
				page := pages[target]
				if page == nil {
					_, pattern := w.server.handler.Handler(&http.Request{Method: http.MethodGet, URL: to})
					if pattern == "" || pattern == "/" {
						t.Errorf("%s: %s leads nowhere", from, to)
					}
					continue
				}
				if to.Fragment != "" && !hasID(page, to.Fragment) {
					t.Errorf("%s in %s: %s has no part %q", from, lang, target, to.Fragment)
				}
			}
		}
		if followed < 100 {
			t.Errorf("%s: only %d links were found", lang, followed)
		}
	}
	if res := (&person{w: w}).get("/docs/nothing"); res.Code != http.StatusNotFound {
		t.Errorf("a page that isn't there: %d", res.Code)
	}
}

func hasID(doc *nethtml.Node, id string) bool {
	for n := range doc.Descendants() {
		if n.Type == nethtml.ElementNode && attribute(n, "id") == id {
			return true
		}
	}
	return false
}

// TestDocsSpeakOfThisServer: examples name this server and its script.
func TestDocsSpeakOfThisServer(t *testing.T) {
	w := newWorld(t, "https://numbers.example.org")
	w.server.o.ScriptPath = "/js/bear.js"
	s, err := New(w.server.o)
	if err != nil {
		t.Fatal(err)
	}
	w.server = s
	for _, name := range html.DocNames() {
		var words strings.Builder
		for _, code := range elements(docPage(t, w, html.DocURL(name), "en"), "code") {
			words.WriteString(text(code) + "\n")
		}
		if strings.Contains(words.String(), "stats.example.com") {
			t.Errorf("%s: an example names another server", name)
		}
		if name == "tracker" {
			has(t, words.String(), `src="https://numbers.example.org/js/bear.js?site=SITE_ID"`, "proxy_set_header Host numbers.example.org;")
		}
		if name == "api" {
			has(t, words.String(), "https://numbers.example.org/v1/stats/timeseries", "-d '{")
		}
	}
}

// TestDocsInBothLanguages holds the Korean edition of each page to the
// English one: the same parts, tables, names and code.
func TestDocsInBothLanguages(t *testing.T) {
	w := newWorld(t, "https://stats.example.com")
	for _, name := range html.DocNames() {
		en, ko := docPage(t, w, html.DocURL(name), "en"), docPage(t, w, html.DocURL(name), "ko")
		if name != apiPage { // whose rules are put in another way
			same(t, name+"'s code", codeOf(en), codeOf(ko))
		}
		same(t, name+"'s headings", headingsOf(en), headingsOf(ko))
		same(t, name+"'s names in tables", tableNames(en), tableNames(ko))
	}
}

func same(t *testing.T, what string, en, ko []string) {
	t.Helper()
	for i := range max(len(en), len(ko)) {
		if i >= len(en) || i >= len(ko) || en[i] != ko[i] {
			t.Errorf("%s differ at %d:\nEnglish %q\nKorean  %q", what, i, en[min(i, len(en)):min(i+1, len(en))], ko[min(i, len(ko)):min(i+1, len(ko))])
			return
		}
	}
}

func headingsOf(doc *nethtml.Node) (out []string) {
	for n := range doc.Descendants() {
		if n.Type == nethtml.ElementNode && (n.Data == "h2" || n.Data == "h3" || n.Data == "h4") {
			out = append(out, n.Data+" "+attribute(n, "id"))
		}
	}
	return out
}

// codeOf is a page's blocks of code without what people read in them.
func codeOf(doc *nethtml.Node) (out []string) {
	words := regexp.MustCompile(`(?m)//.*$|>[^<]*</a>`)
	for _, pre := range elements(doc, "pre") {
		out = append(out, words.ReplaceAllString(text(pre), ""))
	}
	return out
}

// tableNames are the names in code of each row of each table, in order.
func tableNames(doc *nethtml.Node) (out []string) {
	for _, tr := range elements(doc, "tr") {
		var names []string
		for _, code := range elements(tr, "code") {
			names = append(names, text(code))
		}
		slices.Sort(names) // a sentence may name them in another order
		out = append(out, fmt.Sprint(len(elements(tr, "td")), names))
	}
	return out
}

// TestDocsCode parses every example: JavaScript by a compiler, HTML with the
// scripts in it, and nginx's and Caddy's blocks by their braces.
func TestDocsCode(t *testing.T) {
	fence := regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")
	kinds := map[string]int{}
	for _, name := range html.DocNames() {
		for _, file := range []string{name + ".md", name + ".ko.md"} {
			source, err := docs.Files.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range fence.FindAllStringSubmatch(string(source), -1) {
				kinds[m[1]]++
				if wrong := parseExample(m[1], m[2]); wrong != "" {
					t.Errorf("%s: %s\n%s", file, wrong, m[2])
				}
			}
		}
	}
	for _, kind := range []string{"js", "html", "nginx", "caddy", "sh"} {
		if kinds[kind] == 0 {
			t.Errorf("no example of %s was found", kind)
		}
	}
}

func parseExample(kind, code string) (wrong string) {
	switch kind {
	case "js":
		if r := esbuild.Transform(code, esbuild.TransformOptions{Loader: esbuild.LoaderJS}); len(r.Errors) > 0 {
			return r.Errors[0].Text
		}
	case "html":
		doc, err := nethtml.Parse(strings.NewReader(code))
		if err != nil {
			return err.Error()
		}
		for _, script := range elements(doc, "script") {
			if wrong := parseExample("js", text(script)); wrong != "" {
				return wrong
			}
		}
	case "nginx", "caddy":
		if strings.Count(code, "{") != strings.Count(code, "}") {
			return "braces that don't match"
		}
		for line := range strings.Lines(code) {
			if line = strings.TrimSpace(line); kind == "nginx" && line != "" && !strings.HasSuffix(line, ";") && !strings.HasSuffix(line, "{") && line != "}" {
				return "a directive without its end: " + line
			}
		}
	case "sh", "text":
	default:
		return "an example of an unknown kind, " + kind
	}
	return ""
}

// TestDocsTellTheTracker holds the page about the script to its source: the
// same options, the same kinds of files.
func TestDocsTellTheTracker(t *testing.T) {
	source, err := os.ReadFile("../../tracker/src/main.ts")
	if err != nil {
		t.Fatal(err)
	}
	_, options, _ := strings.Cut(string(source), "interface Options {")
	options, _, _ = strings.Cut(options, "\n}")
	var want []string
	for _, m := range regexp.MustCompile(`(?m)^\s+(\w+)\?:`).FindAllStringSubmatch(options, -1) {
		want = append(want, m[1])
	}
	page, err := docs.Files.ReadFile("tracker.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "| option | default | meaning |")
	table, _, _ = strings.Cut(table, "\n\n")
	var told []string
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table, -1) {
		told = append(told, m[1])
	}
	slices.Sort(want)
	slices.Sort(told)
	if len(want) < 8 || !slices.Equal(want, told) {
		t.Errorf("the page tells of the options %v, the script has %v", told, want)
	}

	files := regexp.MustCompile(`const FILE = /(.*)/i;`).FindStringSubmatch(string(source))
	_, list, _ := strings.Cut(string(page), "Files are those whose path ends in ")
	list, _, _ = strings.Cut(list, "\n")
	kinds := regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(list, -1)
	isFile := regexp.MustCompile("(?i)" + files[1])
	for _, k := range kinds {
		if !isFile.MatchString("/a." + k[1]) {
			t.Errorf("a file.%s is no download", k[1])
		}
	}
	if n := len(alternatives(files[1])); n != len(kinds) {
		t.Errorf("the page names %d kinds of files, the script knows %d: %v", len(kinds), n, alternatives(files[1]))
	}
}

// alternatives spells out what a simple expression matches after the dot.
func alternatives(expression string) []string {
	out := []string{""}
	for e := strings.TrimSuffix(strings.TrimPrefix(expression, `\.`), "$"); e != ""; {
		part, rest := cutPart(e)
		var choices []string
		switch {
		case strings.HasPrefix(part, "("):
			for _, a := range splitTop(part[1 : len(part)-1]) {
				choices = append(choices, alternatives(a)...)
			}
		case strings.HasPrefix(part, "["):
			choices = strings.Split(part[1:len(part)-1], "")
		default:
			choices = []string{part}
		}
		if strings.HasPrefix(rest, "?") {
			choices, rest = append(choices, ""), rest[1:]
		}
		var next []string
		for _, o := range out {
			for _, c := range choices {
				next = append(next, o+c)
			}
		}
		out, e = next, rest
	}
	return out
}

// cutPart cuts a group, a class or a letter off an expression.
func cutPart(e string) (part, rest string) {
	depth := 0
	for i, r := range e {
		switch r {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		}
		if depth == 0 {
			return e[:i+1], e[i+1:]
		}
	}
	return e, ""
}

// splitTop splits at the bars outside of groups.
func splitTop(e string) (out []string) {
	depth, from := 0, 0
	for i, r := range e {
		switch {
		case r == '(':
			depth++
		case r == ')':
			depth--
		case r == '|' && depth == 0:
			out, from = append(out, e[from:i]), i+1
		}
	}
	return append(out, e[from:])
}
