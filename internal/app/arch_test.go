package app_test

import (
	"go/build"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// floors is the import order: a package may import only packages on floors
// below its own (further down this list), its own parent and the standard
// library's and the world's. Packages on one floor do not know each other.
var floors = [][]string{
	{"cmd/moonbear"},
	{"internal/app"},
	{"internal/web", "internal/api"},
	{"internal/apidoc"},
	{"internal/billing", "internal/report", "internal/transfer", "internal/handover", "internal/backup", "internal/demo"},
	{"internal/collect", "internal/load", "internal/stats"},
	{"internal/site"},
	{"internal/account"},
	{"internal/job"},
	{"internal/event", "internal/spool", "internal/blob", "internal/db", "internal/kv", "internal/salt", "internal/mail", "internal/notify", "internal/geo", "internal/device", "internal/source", "internal/bot"},
	{"internal/telemetry"},
	{"internal/fault", "internal/wiretest"},
}

// onlyApp may be imported by nobody but app and tests.
var onlyApp = []string{"internal/event/duckdb", "internal/event/clickhouse"}

func TestImportOrder(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	floor := map[string]int{}
	for i, pkgs := range floors {
		for _, p := range pkgs {
			floor[p] = i
		}
	}
	checked := 0
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if n := d.Name(); n == "node_modules" || n == "testdata" || (strings.HasPrefix(n, ".") && path != root) {
			return filepath.SkipDir
		}
		rel, _ := filepath.Rel(root, path)
		rel = filepath.ToSlash(rel)
		if !strings.HasPrefix(rel, "internal/") && !strings.HasPrefix(rel, "cmd/moonbear") {
			return nil
		}
		if _, err := os.Stat(path); err != nil {
			return err
		}
		pkg, err := build.ImportDir(path, 0)
		if _, none := err.(*build.NoGoError); none {
			return nil
		}
		if err != nil {
			return err
		}
		checked++
		from, ok := floorOf(floor, rel)
		if !ok {
			t.Errorf("%s is on no floor: add it to the import order", rel)
			return nil
		}
		for _, imp := range pkg.Imports {
			to, isOurs := strings.CutPrefix(imp, "moonbear/")
			if !isOurs || to == rel {
				continue
			}
			for _, o := range onlyApp {
				if to == o && !strings.HasPrefix(rel, "internal/app") {
					t.Errorf("forbidden: %s imports %s, which only app and tests may", rel, to)
				}
			}
			target, ok := floorOf(floor, to)
			if !ok {
				continue // tracker, bench: data and tools, not floors
			}
			family := strings.HasPrefix(rel, to+"/") || strings.HasPrefix(to, rel+"/") || parent(rel) == parent(to) && parent(rel) != "internal"
			if target <= from && !family {
				t.Errorf("forbidden: %s (floor %d) imports %s (floor %d); imports go down only", rel, from, to, target)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if checked < 10 {
		t.Fatalf("only %d packages were found under %s: the test looks in the wrong place", checked, root)
	}
}

// floorOf finds a package's floor by its longest listed ancestor.
func floorOf(floor map[string]int, pkg string) (int, bool) {
	for p := pkg; p != "." && p != "/"; p = parent(p) {
		if f, ok := floor[p]; ok {
			return f, true
		}
	}
	return 0, false
}

func parent(p string) string { return filepath.ToSlash(filepath.Dir(p)) }
