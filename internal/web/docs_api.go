package web

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/yuin/goldmark"

	"moonbear/internal/apidoc"
	"moonbear/internal/web/html"
)

// apiPage is the page of documentation that goes on with the reference.
const apiPage = "api"

// makeReference prepares the API's description for its page: the words to
// HTML, the examples to commands that ask this server.
func (s *Server) makeReference() ([]html.DocGroup, error) {
	var r referenceMaker
	var groups []html.DocGroup
	for _, g := range apidoc.Reference() {
		out := html.DocGroup{ID: anchor(g.Name), Name: g.Name, About: r.markdown(g.Description)}
		for _, o := range g.Operations {
			op := html.DocOperation{ID: o.ID, Method: o.Method, Path: o.Path, Summary: o.Summary, About: r.markdown(o.Description), Scope: string(o.Scope),
				Parameters: r.fields(o.Parameters, 0), Body: r.fields(o.Body, 0), Answer: r.fields(o.Answer, 0)}
			for _, f := range o.Faults {
				op.Faults = append(op.Faults, html.DocFault{Status: f.Code, About: r.markdown(f.Description)})
			}
			for i, e := range o.Examples {
				op.Examples = append(op.Examples, html.DocExample{ID: fmt.Sprintf("%s-example-%d", o.ID, i+1), Title: e.Title,
					Request: o.Curl(e, s.o.BaseURL, apidoc.ExampleToken), Answer: e.Answer, Status: e.Status})
			}
			out.Operations = append(out.Operations, op)
		}
		groups = append(groups, out)
	}
	return groups, r.err
}

// referenceMaker remembers what went wrong, so that making reads as a list,
// and which lists of names it has shown: the first time they are open.
type referenceMaker struct {
	err  error
	seen map[string]bool
}

func (r *referenceMaker) first(list string) bool {
	if r.seen == nil {
		r.seen = map[string]bool{}
	}
	was := r.seen[list]
	r.seen[list] = true
	return !was
}

func (r *referenceMaker) markdown(words string) string {
	var b bytes.Buffer
	if err := goldmark.Convert([]byte(words), &b); err != nil {
		r.err = errors.Join(r.err, fmt.Errorf("render the API's reference: %w", err))
	}
	return strings.TrimSpace(b.String())
}

// fields lays out fields within fields one after the other.
func (r *referenceMaker) fields(fields []apidoc.Field, depth int) (out []html.DocField) {
	for _, f := range fields {
		kind := f.Type
		if f.In != "" {
			kind += ", " + f.In
		}
		field := html.DocField{Depth: depth, Name: f.Name, Type: kind, About: r.markdown(f.Description), Required: f.Required, Default: f.Default, Values: f.Values}
		if i := strings.Index(field.About, "<ul>"); i >= 0 {
			field.About, field.More = field.About[:i], field.About[i:]
		}
		field.Open = r.first(field.More + strings.Join(field.Values, " "))
		out = append(out, field)
		out = append(out, r.fields(f.Fields, depth+1)...)
	}
	return out
}

// referenceContents are the reference's lines in the table of contents.
func referenceContents(groups []html.DocGroup) (out []html.DocHeading) {
	for _, g := range groups {
		out = append(out, html.DocHeading{ID: g.ID, Text: g.Name, Level: 2})
		for _, o := range g.Operations {
			out = append(out, html.DocHeading{ID: o.ID, Text: o.Summary, Level: 3})
		}
	}
	return out
}
