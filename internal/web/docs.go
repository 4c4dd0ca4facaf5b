package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"moonbear/docs"
	"moonbear/internal/apidoc"
	"moonbear/internal/web/html"
)

// exampleBase is the server in the documentation's examples; pages show this
// server's own address in its place.
const exampleBase = "https://stats.example.com"

// docKey is a page of documentation in one language.
type docKey struct{ name, lang string }

// makeDocs renders every page of documentation once: they change only with
// the program and its base URL.
func (s *Server) makeDocs() (map[docKey]doc, error) {
	base, err := url.Parse(s.o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("base URL: %w", err)
	}
	here := strings.NewReplacer(exampleBase+"/analytics.js", s.o.BaseURL+s.o.ScriptPath, exampleBase, s.o.BaseURL, "stats.example.com", base.Host)
	made := map[docKey]doc{}
	for _, name := range html.DocNames() {
		// English is first, and its headings name the anchors: a link to a part
		// of a page works whatever language it is read in.
		var anchors []string
		for _, t := range html.Languages() {
			file := name + "." + t.Lang + ".md"
			if t == html.Languages()[0] {
				file = name + ".md"
			}
			source, err := docs.Files.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("read the documentation: %w", err)
			}
			if name == apiPage && t.Lang == "en" {
				source = append(source, apidoc.Intro()...) // written beside the API, in English only
			}
			d, err := renderDoc([]byte(here.Replace(string(source))), anchors, t)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file, err)
			}
			if anchors == nil {
				anchors = d.anchors
			}
			made[docKey{name, t.Lang}] = d
		}
	}
	return made, nil
}

// docsIndex says what documentation there is: GET /docs
func (s *Server) docsIndex(w http.ResponseWriter, r *http.Request, v *viewer) error {
	return s.render(w, r, http.StatusOK, html.DocsIndex(html.DocFrame{Page: s.page(r, v, v.Text.Docs.Title)}))
}

// docsPage shows one page of documentation: GET /docs/{page}
func (s *Server) docsPage(w http.ResponseWriter, r *http.Request, v *viewer) error {
	name := r.PathValue("page")
	d, ok := s.docs[docKey{name, v.Text.Lang}]
	if !ok {
		return errNothing
	}
	frame := html.DocFrame{Page: s.page(r, v, d.title), Name: name, Contents: d.contents}
	page := html.DocPage{DocFrame: frame, Lead: d.lead, Body: d.body}
	if name == apiPage {
		page.Contents = slices.Concat(d.contents, referenceContents(s.reference))
		return s.render(w, r, http.StatusOK, html.DocsAPI(html.DocAPI{DocPage: page, Groups: s.reference}))
	}
	return s.render(w, r, http.StatusOK, html.DocsPage(page))
}
