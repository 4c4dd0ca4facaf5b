package chtest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	engine        = "@chdb/lib-linux-x64-gnu"
	engineVersion = "26.7.3-stable.1" // ClickHouse 26.7.2
)

// errAbsent says that the engine isn't there and isn't to be fetched now.
var errAbsent = errors.New("the ClickHouse engine (570 MB) isn't in .cache: TEST_LONG=1 fetches it, as make test does")

var install = sync.OnceValues(func() ([2]string, error) {
	root, err := moduleRoot()
	if err != nil {
		return [2]string{}, err
	}
	cache := filepath.Join(root, ".cache", "chdb")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return [2]string{}, err
	}
	// go test runs packages beside each other.
	lock, err := os.Create(filepath.Join(cache, "lock"))
	if err != nil {
		return [2]string{}, err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return [2]string{}, fmt.Errorf("lock %s: %w", lock.Name(), err)
	}
	library, err := fetch(cache)
	if err != nil {
		return [2]string{}, err
	}
	program, err := build(cache, filepath.Join(root, "internal", "event", "clickhouse", "chtest", "server"))
	return [2]string{program, library}, err
})

// installed is the server's program and the engine's library.
func installed(t testing.TB) (program, library string) {
	t.Helper()
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("the ClickHouse engine for tests is for Linux on x86-64 alone; TEST_CLICKHOUSE_URL names a server instead")
	}
	paths, err := install()
	if errors.Is(err, errAbsent) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return paths[0], paths[1]
}

// fetch installs the engine with npm, unless it's there.
func fetch(cache string) (library string, err error) {
	dir := filepath.Join(cache, "node_modules", filepath.FromSlash(engine))
	library = filepath.Join(dir, "libchdb.so")
	var have struct{ Version string }
	if b, err := os.ReadFile(filepath.Join(dir, "package.json")); err == nil {
		_ = json.Unmarshal(b, &have) // what isn't understood is installed again
	}
	if _, err := os.Stat(library); err == nil && have.Version == engineVersion {
		return library, nil
	}
	if os.Getenv("TEST_LONG") == "" {
		return "", errAbsent
	}
	out, err := exec.Command("npm", "install", "--prefix", cache, "--no-audit", "--no-fund", engine+"@"+engineVersion).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("npm install %s: %w\n%s", engine, err, out)
	}
	return library, nil
}

// build compiles the server, unless this source was compiled before.
func build(cache, source string) (program string, err error) {
	files, err := filepath.Glob(filepath.Join(source, "*"))
	if err != nil {
		return "", err
	}
	h := sha256.New()
	fmt.Fprintln(h, runtime.Version())
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(h, filepath.Base(f), len(b))
		h.Write(b)
	}
	program = filepath.Join(cache, "chserver-"+hex.EncodeToString(h.Sum(nil)[:8]))
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	old, err := filepath.Glob(filepath.Join(cache, "chserver-*"))
	if err != nil {
		return "", err
	}
	for _, o := range old {
		// A test that runs beside this one may start a younger one again.
		if i, err := os.Stat(o); err == nil && time.Since(i.ModTime()) > 24*time.Hour {
			_ = os.Remove(o)
		}
	}
	made := program + ".new"
	cmd := exec.Command("go", "build", "-o", made, ".")
	cmd.Dir = source
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the test server: %w\n%s", err, out)
	}
	return program, os.Rename(made, program)
}

// moduleRoot is the directory of moonbear's go.mod: tests run in their package's.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		b, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && len(b) > 15 && string(b[:15]) == "module moonbear" && (b[15] == '\n' || b[15] == '\r') {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no go.mod of moonbear above the test's directory")
		}
		dir = up
	}
}
