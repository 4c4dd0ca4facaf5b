package job

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// outsideTx are the methods of River's client that put a job in the queue
// without a transaction. Such a job is lost when the process dies between a
// commit and the insert, runs for a row that was rolled back, and waits ten
// seconds for a lock its own caller holds when called inside a transaction.
var outsideTx = map[string]bool{"Insert": true, "InsertMany": true, "InsertManyFast": true, "JobRetry": true}

// Jobs are enqueued only inside the transaction that causes them. Three
// fences: nobody but this package imports River, this package never calls an
// insert without Tx, and it hands River's client to nobody.
func TestEnqueuedOnlyInTransactions(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	files := 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if n := d.Name(); d.IsDir() && (n == "node_modules" || n == "testdata" || strings.HasPrefix(n, ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		files++
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil // a file that does not parse does not build either
		}
		for _, fault := range riverFaults(f, filepath.ToSlash(rel)) {
			t.Error(fault)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 20 {
		t.Errorf("only %d files were found under %s: the test looks in the wrong place", files, root)
	}
}

// riverFaults names what a file does to River's queue that it must not.
func riverFaults(f *ast.File, rel string) (faults []string) {
	imported := false
	for _, i := range f.Imports {
		blank := i.Name != nil && i.Name.Name == "_"
		if strings.HasPrefix(strings.Trim(i.Path.Value, `"`), "github.com/riverqueue/") && !blank {
			imported = true
		}
	}
	if !imported {
		return nil
	}
	if !strings.HasPrefix(rel, "internal/job/") {
		return []string{rel + " imports River: only internal/job may; enqueue with job.Jobs.Enqueue"}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && outsideTx[s.Sel.Name] {
			faults = append(faults, rel+" calls "+s.Sel.Name+", which needs no transaction: call "+s.Sel.Name+"Tx")
		}
		return true
	})
	return faults
}

func TestRiverFaults(t *testing.T) {
	const river = `package x; import "github.com/riverqueue/river"; var _ river.Config; `
	for _, tt := range []struct {
		name, path, src string
		faults          int
	}{
		{"insert in a transaction", "internal/job/a.go", river + `func f() { client.InsertTx(ctx, tx, args, nil) }`, 0},
		{"insert without", "internal/job/a.go", river + `func f() { client.Insert(ctx, args, nil) }`, 1},
		{"many without, as a value", "internal/job/a.go", river + `var f = client.InsertMany`, 1},
		{"elsewhere", "internal/web/a.go", river, 1},
		{"elsewhere, a driver", "internal/web/a.go", `package x; import "github.com/riverqueue/river/riverdriver/riversqlite"; var _ = riversqlite.New`, 1},
		{"only kept in go.mod", "cmd/x/a.go", `package x; import _ "github.com/riverqueue/river"`, 0},
		{"another Insert", "internal/web/a.go", `package x; func f() { tree.Insert(1) }`, 0},
	} {
		f, err := parser.ParseFile(token.NewFileSet(), tt.path, tt.src, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := riverFaults(f, tt.path); len(got) != tt.faults {
			t.Errorf("%s: %q, want %d", tt.name, got, tt.faults)
		}
	}
}

// Nothing exported leads to River's client, and what enqueues asks for a
// transaction.
func TestNobodyIsHandedTheClient(t *testing.T) {
	jobs := reflect.TypeFor[*Jobs]()
	enqueues := 0
	for i := range jobs.NumMethod() {
		m := jobs.Method(i)
		for o := range m.Type.NumOut() {
			if strings.Contains(m.Type.Out(o).String(), "river.") {
				t.Errorf("%s returns %s", m.Name, m.Type.Out(o))
			}
		}
		if strings.HasPrefix(m.Name, "Enqueue") {
			enqueues++
			if m.Type.NumIn() < 3 || m.Type.In(2).String() != "bun.Tx" {
				t.Errorf("%s does not take a transaction", m.Name)
			}
		}
	}
	if enqueues == 0 {
		t.Error("no method enqueues: the test looks for the wrong name")
	}
	for i := range jobs.Elem().NumField() {
		if f := jobs.Elem().Field(i); f.IsExported() {
			t.Errorf("field %s is exported", f.Name)
		}
	}
}
