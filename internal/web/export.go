package web

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// question is one of those behind what a page shows: its numbers can be taken
// along as a file, and be asked for again with a command.
type question struct {
	name  string // in the file's URL and name; "" for a panel's only one
	label string // in the menu; "" for a panel's only one
	query stats.Query
}

// asked are a panel's questions; none where its numbers answer none.
func (p *panel) asked(a ask, tab string) []question {
	switch {
	case p.questions != nil:
		return p.questions(a, tab)
	case p.question != nil:
		return []question{{query: p.question(a, tab)}}
	}
	return nil
}

// exports are the ways to take a panel's numbers along.
func (b *board) exports(p panel, tab string) []html.Export {
	var out []html.Export
	for _, q := range p.asked(b.a, tab) {
		out = append(out, b.s.export(b.a, "/panels/"+p.name+"/csv", q))
	}
	if p.table != nil {
		out = append(out, html.Export{CSVURL: b.a.url("/panels/" + p.name + "/csv")})
	}
	return out
}

func (s *Server) export(a ask, path string, q question) html.Export {
	e := html.Export{Label: q.label, CSVURL: a.url(path), Curl: curl(s.o.BaseURL, q.query)}
	if q.name != "" {
		e.CSVURL += "&" + paramPart + "=" + url.QueryEscape(q.name)
	}
	return e
}

// paramPart chooses one of a panel's questions.
const paramPart = "part"

// pageParts are the questions of the page itself: the numbers above the
// chart, and the chart.
func (a ask) pageParts(t *html.Text) []question {
	return []question{
		{name: "chart", label: t.Shell.Chart, query: a.q.Series(a.headline()...)},
		{name: "headline", label: t.Shell.Headline, query: a.q.Totals(a.headline()...)},
	}
}

// panelCSV is a panel's numbers as a file, all rows of it:
// GET /sites/{site}/panels/{panel}/csv?period=7d
func (s *Server) panelCSV(w http.ResponseWriter, r *http.Request, v *viewer) error {
	a, err := s.asked(r.Context(), v, r.URL.Query())
	if err != nil {
		return err
	}
	name, part := r.PathValue("panel"), r.URL.Query().Get(paramPart)
	if i := slices.IndexFunc(a.pageParts(v.Text), func(q question) bool { return q.name == name }); i >= 0 {
		return s.sendAnswer(w, r, a, name, a.pageParts(v.Text)[i].query)
	}
	all := panels()
	i := slices.IndexFunc(all, func(p panel) bool { return p.name == name })
	if i < 0 {
		return errNothing
	}
	p := all[i]
	tab := p.tab(a)
	if p.table != nil {
		t, err := p.table(r.Context(), &board{s: s, t: v.Text, a: a}, tab)
		if err != nil {
			return err
		}
		return s.sendTable(w, r, a, name, t)
	}
	for _, q := range p.asked(a, tab) {
		if q.name == part {
			return s.sendAnswer(w, r, a, strings.Trim(name+"-"+tab+"-"+part, "-"), q.query)
		}
	}
	return errNothing
}

func (s *Server) sendAnswer(w http.ResponseWriter, r *http.Request, a ask, name string, q stats.Query) error {
	if q.Shape() == stats.Breakdown {
		q.Page, q.PageSize = 1, stats.MaxPageSize
	}
	res, err := s.o.Stats.Run(r.Context(), q)
	if err != nil {
		return err
	}
	return s.sendTable(w, r, a, name, tableOf(res))
}

// table is what a file has in it. Numbers are as the API writes them.
type table struct {
	span   stats.Span // for the file's name
	header []string
	rows   [][]string
}

// tableOf writes an answer under the API's names. What there is no number for
// is empty.
func tableOf(res *stats.Result) *table {
	t := &table{span: res.Span}
	q := res.Query
	compared := q.Compare != stats.NoComparison
	if q.Shape() == stats.Totals {
		t.header = []string{"metric", "value"}
		if compared {
			t.header = append(t.header, "previous")
		}
		for _, v := range res.Totals {
			row := []string{string(v.Metric), numberText(v.Number)}
			if compared {
				row = append(row, numberText(v.Previous))
			}
			t.rows = append(t.rows, row)
		}
		return t
	}
	if q.Shape() == stats.Series {
		t.header = []string{"ts"}
	}
	for _, d := range q.Dimensions {
		t.header = append(t.header, string(d))
	}
	for _, m := range q.Metrics {
		t.header = append(t.header, string(m))
	}
	if compared {
		for _, m := range q.Metrics {
			t.header = append(t.header, "previous_"+string(m))
		}
	}
	for _, p := range res.Points {
		if !p.Future {
			t.rows = append(t.rows, append([]string{p.From.Format(time.RFC3339)}, numberTexts(p.Values, compared)...))
		}
	}
	for _, r := range res.Rows {
		var row []string
		for _, k := range r.Keys {
			row = append(row, harmless(k))
		}
		t.rows = append(t.rows, append(row, numberTexts(r.Values, compared)...))
	}
	return t
}

func numberTexts(vs []stats.Value, compared bool) []string {
	var now, before []string
	for _, v := range vs {
		now, before = append(now, numberText(v.Number)), append(before, numberText(v.Previous))
	}
	if compared {
		return append(now, before...)
	}
	return now
}

func numberText(n stats.Number) string {
	if !n.OK {
		return ""
	}
	return strconv.FormatFloat(n.N, 'f', -1, 64)
}

// formula is how text begins that a spreadsheet takes for one; a plain number
// begins alike and is harmless.
var (
	formula     = regexp.MustCompile(`^[=+\-@\t\r\n＝＋－＠]`)
	plainNumber = regexp.MustCompile(`^[+-]?[0-9]+([.][0-9]+)?$`)
)

// harmless is a visitor's text with an apostrophe before what a spreadsheet
// would run: anybody can send a path or a campaign's name.
func harmless(s string) string {
	if formula.MatchString(s) && !plainNumber.MatchString(s) {
		return "'" + s
	}
	return s
}

// fileName keeps what is fit for a file's name on every system.
func fileName(parts ...string) string {
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '-', r == '_':
			return r
		}
		return '-'
	}, strings.Join(parts, "-"))
	return s[:min(len(s), 120)]
}

// sendTable answers with a file (RFC 4180). It is made whole before the first
// byte goes: half a file would look like a whole one.
func (s *Server) sendTable(w http.ResponseWriter, r *http.Request, a ask, name string, t *table) error {
	var b bytes.Buffer
	c := csv.NewWriter(&b)
	c.UseCRLF = true
	if err := c.WriteAll(append([][]string{t.header}, t.rows...)); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	body := b.Bytes()
	if !ascii(body) {
		body = append([]byte("\ufeff"), body...) // else Excel reads Korean as Latin letters
	}
	first, last := t.span.From.Format(time.DateOnly), t.span.To.Add(-time.Nanosecond).Format(time.DateOnly)
	h := w.Header()
	h.Set("Content-Type", "text/csv; charset=utf-8; header=present")
	h.Set("Content-Disposition", `attachment; filename="`+fileName(a.site.Domain, name, first, last)+`.csv"`)
	return send(w, r, http.StatusOK, body)
}

func ascii(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c >= utf8.RuneSelf })
}
