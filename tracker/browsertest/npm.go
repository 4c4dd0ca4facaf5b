package browsertest

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

//go:embed package.json
var packageJSON []byte

//go:embed package-lock.json
var packageLock []byte

// Packages installs the pinned npm packages that the tracker is tried with,
// once for each lock file, and gives their node_modules directory. They are
// published clients and the reference for vitals: nothing of them is served.
func Packages(t testing.TB) string {
	t.Helper()
	return Install(t, packageJSON, packageLock)
}

// Install installs the npm packages of a lock file, once for each, and gives
// their node_modules directory. Their own install scripts don't run.
func Install(t testing.TB, packageJSON, packageLock []byte) string {
	t.Helper()
	npm, err := exec.LookPath("npm")
	if err != nil {
		missing(t, "npm was not found, and with it the packages to test with: %v", err)
	}
	sum := sha256.Sum256(packageLock)
	dir := filepath.Join(root(t), ".cache", "npm", hex.EncodeToString(sum[:8]))
	modules := filepath.Join(dir, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, ".package-lock.json")); err == nil {
		return modules
	}
	// Made beside and renamed, so that an interrupted install isn't taken for
	// a whole one, and two test binaries don't write into each other's.
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		t.Fatal(err)
	}
	temporary, err := os.MkdirTemp(filepath.Dir(dir), "install-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(temporary)
	for name, body := range map[string][]byte{"package.json": packageJSON, "package-lock.json": packageLock} {
		if err := os.WriteFile(filepath.Join(temporary, name), body, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = temporary
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm ci: %v\n%s", err, out)
	}
	if err := os.Rename(temporary, dir); err != nil {
		if _, there := os.Stat(modules); there != nil {
			t.Fatal(err)
		}
	}
	return modules
}

// root is the repository's directory: the nearest one up with a go.mod.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = up
	}
}

// Bundle bundles a page's JavaScript, which may import the packages, as a
// site's own build would.
func Bundle(t testing.TB, source string) string {
	t.Helper()
	modules := Packages(t)
	r := api.Build(api.BuildOptions{
		Stdin:    &api.StdinOptions{Contents: source, ResolveDir: filepath.Dir(modules), Sourcefile: "page.js"},
		Bundle:   true,
		Format:   api.FormatIIFE,
		Target:   api.ES2020,
		LogLevel: api.LogLevelSilent,
	})
	if len(r.Errors) > 0 {
		t.Fatalf("bundle the page's script: %s", r.Errors[0].Text)
	}
	return string(r.OutputFiles[0].Contents)
}
