package web

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"moonbear/internal/web/html"
)

// TestFaultsAreSaidInKorean reads every fault that a page can show out of the
// source of the packages that make them.
func TestFaultsAreSaidInKorean(t *testing.T) {
	n := 0
	for _, dir := range []string{".", "../stats", "../site", "../account"} {
		for message, at := range faultsOf(t, dir) {
			if message == "filter: X1X" {
				continue // one of the others, with its parameter before it
			}
			n++
			for _, l := range html.Languages()[1:] {
				said := l.Fault(message)
				if said == message || strings.Contains(said, "%!") {
					t.Errorf("%s: %s has no words for %q", at, l.Lang, message)
				}
				if strings.Count(said, "X1X") > strings.Count(message, "X1X") {
					t.Errorf("%s: %q says a part more often than %q", at, said, message)
				}
			}
		}
	}
	if n < 50 {
		t.Errorf("only %d faults were found", n)
	}
}

// made are the functions whose text argument becomes a fault's message: by the
// argument's place, and what is written around it.
var made = map[string]struct {
	arg           int
	before, after string
}{
	"fault.New": {1, "", ""}, "fault.Field": {1, "", ""}, "badFilter": {0, "filter: ", ""}, "fault.Invalid": {1, "", ""},
}

func faultsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || strings.HasSuffix(name, "_templ.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		set := gotoken.NewFileSet()
		file, err := parser.ParseFile(set, name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			m, ok := made[called(call.Fun)]
			if !ok || len(call.Args) <= m.arg {
				return true
			}
			if message, ok := words(call.Args[m.arg]); ok {
				found[m.before+message] = set.Position(call.Pos()).String()
			}
			return true
		})
	}
	return found
}

func called(f ast.Expr) string {
	switch f := f.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

var verb = regexp.MustCompile(`%(\[\d\])?[sdqv]`)

// words are an expression's text with X1X for what is only known when it
// happens; ok is false where nothing of it is known.
func words(e ast.Expr) (s string, ok bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return verb.ReplaceAllString(text, "X1X"), err == nil
	case *ast.BinaryExpr:
		a, okA := words(e.X)
		b, okB := words(e.Y)
		if !okA {
			a = "X1X"
		}
		if !okB {
			b = "X1X"
		}
		return a + b, okA || okB
	case *ast.CallExpr:
		if called(e.Fun) == "fmt.Sprintf" {
			return words(e.Args[0])
		}
		if called(e.Fun) == "unknown" {
			return "X1X: there is no \"X1X\"; it must be one of X1X.", true
		}
	}
	return "", false
}
