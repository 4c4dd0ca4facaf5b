package web

import (
	"bytes"
	"errors"
	"fmt"
	stdhtml "html"
	"io"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	mdtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"moonbear/internal/web/html"
)

// doc is a rendered page of documentation.
type doc struct {
	title      string
	lead, body string // HTML
	contents   []html.DocHeading
	anchors    []string // of all headings, in order
}

// renderDoc makes a page of Markdown: its first heading is the title, the
// paragraph after it the lead. anchors are the headings' names; nil makes
// them from the headings' own words.
func renderDoc(source []byte, anchors []string, t *html.Text) (doc, error) {
	md := goldmark.New(goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone))))
	md.Renderer().AddOptions(renderer.WithNodeRenderers(util.Prioritized(&docRenderer{text: t}, 1)))
	root := md.Parser().Parse(mdtext.NewReader(source))
	title, ok := root.FirstChild().(*ast.Heading)
	if !ok || title.Level != 1 {
		return doc{}, errors.New("a page begins with its title, as a heading of the first level")
	}
	d := doc{title: plainText(title, source)}
	root.RemoveChild(root, title)
	if lead, ok := root.FirstChild().(*ast.Paragraph); ok {
		var b bytes.Buffer
		for n := lead.FirstChild(); n != nil; n = n.NextSibling() {
			if err := md.Renderer().Render(&b, source, n); err != nil {
				return doc{}, fmt.Errorf("render the lead: %w", err)
			}
		}
		d.lead = b.String()
		root.RemoveChild(root, lead)
	}
	d.nameHeadings(root, source, anchors)
	if err := fixLinks(root); err != nil {
		return doc{}, err
	}
	var b bytes.Buffer
	if err := md.Renderer().Render(&b, source, root); err != nil {
		return doc{}, fmt.Errorf("render: %w", err)
	}
	d.body = b.String()
	return d, nil
}

// nameHeadings gives every heading its anchor and lists them.
func (d *doc) nameHeadings(root ast.Node, source []byte, anchors []string) {
	taken := map[string]bool{"content": true}
	_ = ast.Walk(root, func(n ast.Node, in bool) (ast.WalkStatus, error) {
		h, ok := n.(*ast.Heading)
		if !ok || !in {
			return ast.WalkContinue, nil
		}
		words := plainText(h, source)
		name := anchor(words)
		if i := len(d.anchors); i < len(anchors) {
			name = anchors[i]
		}
		for base, i := name, 2; taken[name]; i++ {
			name = fmt.Sprintf("%s-%d", base, i)
		}
		taken[name] = true
		h.SetAttributeString("id", []byte(name))
		d.anchors = append(d.anchors, name)
		if h.Level <= 3 {
			d.contents = append(d.contents, html.DocHeading{ID: name, Text: words, Level: h.Level})
		}
		return ast.WalkSkipChildren, nil
	}) // the walker returns no errors
}

// anchor makes a name for a heading of its words: "Visits at an edge" is
// visits-at-an-edge.
func anchor(words string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(words) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}

// plainText is what a node says, without its marks.
func plainText(n ast.Node, source []byte) string {
	var b strings.Builder
	_ = ast.Walk(n, func(n ast.Node, in bool) (ast.WalkStatus, error) {
		if !in {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Value(source))
			if n.SoftLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		}
		return ast.WalkContinue, nil
	}) // the walker returns no errors
	return b.String()
}

// fixLinks turns links between the files into links between the pages:
// "metrics.md#filters", or from Korean "metrics.ko.md#filters", leads to
// /docs/metrics#filters. A link to any other file is an error.
func fixLinks(root ast.Node) error {
	return ast.Walk(root, func(n ast.Node, in bool) (ast.WalkStatus, error) {
		l, ok := n.(*ast.Link)
		if !ok || !in {
			return ast.WalkContinue, nil
		}
		to := string(l.Destination)
		switch {
		case strings.HasPrefix(to, "#"), strings.HasPrefix(to, "/"):
		case strings.HasPrefix(to, "https://"):
			l.SetAttributeString("rel", []byte("noopener noreferrer"))
		default:
			file, part, _ := strings.Cut(to, "#")
			name, isPage := strings.CutSuffix(file, ".md")
			name = strings.TrimSuffix(name, ".ko")
			if !isPage || strings.Contains(name, "/") {
				return ast.WalkStop, fmt.Errorf("the link %q leads to no page", to)
			}
			if l.Destination = []byte(html.DocURL(name)); part != "" {
				l.Destination = append(l.Destination, "#"+part...)
			}
		}
		return ast.WalkContinue, nil
	})
}

// docRenderer writes what the documentation has its own form for: headings
// that can be linked to, code that can be copied, tables that scroll.
type docRenderer struct {
	text *html.Text
	// How many there were, for their names.
	code, tables int
}

// RegisterFuncs says which nodes it writes.
func (d *docRenderer) RegisterFuncs(reg renderer.NodeRendererFuncRegisterer) {
	reg.Register(ast.KindHeading, d.heading)
	reg.Register(ast.KindFencedCodeBlock, d.fence)
	reg.Register(extast.KindTable, d.table)
}

func (d *docRenderer) heading(w util.BufWriter, source []byte, n ast.Node, in bool) (ast.WalkStatus, error) {
	h := n.(*ast.Heading)
	id := ""
	if v, ok := h.AttributeString("id"); ok {
		id = string(v.([]byte))
	}
	if in {
		_, err := fmt.Fprintf(w, `<h%d id="%s">`, h.Level, id)
		return ast.WalkContinue, err
	}
	label := fmt.Sprintf(d.text.Docs.Anchor, plainText(h, source))
	_, err := fmt.Fprintf(w, ` <a class="doc-anchor" href="#%s" aria-label="%s">#</a></h%d>`+"\n", id, stdhtml.EscapeString(label), h.Level)
	return ast.WalkContinue, err
}

func (d *docRenderer) fence(w util.BufWriter, source []byte, n ast.Node, in bool) (ast.WalkStatus, error) {
	if !in {
		return ast.WalkContinue, nil
	}
	d.code++
	var b strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.Write(line.Value(source))
	}
	return ast.WalkSkipChildren, writeCode(w, d.text, fmt.Sprintf("code-%d", d.code), strings.TrimSuffix(b.String(), "\n"))
}

// writeCode writes code with its copy button, which a script shows.
func writeCode(w io.Writer, t *html.Text, id, code string) error {
	_, err := fmt.Fprintf(w, `<div class="snippet doc-code"><pre tabindex="0" role="group" aria-label="%s"><code id="%s">%s</code></pre>`+
		`<button class="button" type="button" data-copy="%s" data-done="%s" hidden>%s</button></div>`+"\n",
		stdhtml.EscapeString(t.Docs.Code), id, stdhtml.EscapeString(code), id, stdhtml.EscapeString(t.Copied), stdhtml.EscapeString(t.Copy))
	return err
}

func (d *docRenderer) table(w util.BufWriter, _ []byte, _ ast.Node, in bool) (ast.WalkStatus, error) {
	s := "</table></div>\n"
	if in {
		d.tables++
		s = fmt.Sprintf(`<div class="doc-table" tabindex="0" role="region" aria-label="%s %d"><table>`+"\n", stdhtml.EscapeString(d.text.Docs.Table), d.tables)
	}
	_, err := w.WriteString(s)
	return ast.WalkContinue, err
}
