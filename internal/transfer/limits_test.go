package transfer_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"moonbear/internal/transfer"
)

// endless is a log of n lines that is never in memory.
type endless struct {
	n, made int
	rest    []byte
}

func (e *endless) Read(b []byte) (int, error) {
	for len(e.rest) == 0 {
		if e.made == e.n {
			return 0, io.EOF
		}
		at := may.Add(time.Duration(e.made) * 10 * time.Millisecond)
		e.rest = fmt.Appendf(e.rest[:0], "203.0.%d.%d - - [%s] \"GET /p%d HTTP/1.1\" 200 5 \"-\" %q\n", e.made/250%200, e.made%250, at.Format("02/Jan/2006:15:04:05 -0700"), e.made%1000, chrome)
		e.made++
	}
	n := copy(b, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// TestMemory imports a log that has 360,000 pages in each hour, more than the
// window holds: memory stays where it is.
func TestMemory(t *testing.T) {
	if os.Getenv("TEST_LONG") == "" {
		t.Skip("long: TEST_LONG=1 runs it, as make test does")
	}
	w := newWorld(t, "UTC")
	const lines = 500_000
	var most uint64
	s, err := w.Import(t.Context(), transfer.Request{Site: w.site, File: transfer.File{Name: "-", Reader: &endless{n: lines}}}, func(transfer.Progress) {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Run.Stored != lines {
		t.Errorf("%d of %d lines are stored", s.Run.Stored, lines)
	}
	const limit = 250 << 20 // the lists of places, bots and sources are 60 of it
	if most > limit {
		t.Errorf("the heap grew to %d MiB, at most %d are right", most>>20, limit>>20)
	}
	t.Logf("at most %d MiB of heap", most>>20)
}

// TestNothingPersonalIsKept imports addresses and user agents that stand out,
// and looks for them in every file there is then.
func TestNothingPersonalIsKept(t *testing.T) {
	w := newWorld(t, "UTC")
	const ip, agent, secret = "198.51.100.77", chrome + " Edg/131.0.2903.77787", "canarysecret"
	text := line(may, ip, "/a?token="+secret, "https://example.org/x?q="+secret, agent) + line(may, ip, "/b", "", "Mozilla/5.0 canarybot/1.0 (+https://bot.test)")
	for range 100 {
		text += ip + " canaryline " + secret + "\n"
	}
	w.take(t, "access.log", text, func(r *transfer.Request) { r.Format = "combined" })
	if err := w.store.Compact(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(w.events(t)); n != 1 {
		t.Fatalf("%d events", n)
	}
	control := 0
	look := func(path string) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, canary := range []string{ip, "2903.77787", secret, "canarybot/1.0", "canaryline"} {
			if bytes.Contains(b, []byte(canary)) {
				t.Errorf("%s has %q in it", filepath.Base(path), canary)
			}
		}
		control++
	}
	err := filepath.WalkDir(w.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			look(path)
		}
		return err
	})
	if err != nil || control < 2 {
		t.Fatalf("%d files, %v", control, err)
	}
	var progress []string
	if err := w.db.Bun().NewRaw("select progress || name from imports").Scan(t.Context(), &progress); err != nil {
		t.Fatal(err)
	}
	for _, p := range progress {
		for _, canary := range []string{ip, "2903.77787", secret, "canaryline"} {
			if strings.Contains(p, canary) {
				t.Errorf("the control database has %q: %s", canary, p)
			}
		}
	}
}

// TestSetBack imports a log whose halves are in the wrong order, as "cat
// access.log access.log.1" gives them: visits are those of the right order.
func TestSetBack(t *testing.T) {
	text := someLog(8, 4000)
	half := strings.IndexByte(text[len(text)/2:], '\n') + len(text)/2 + 1
	right := newWorld(t, "UTC").take(t, "access.log", text)
	wrong := newWorld(t, "UTC").take(t, "access.log", text[half:]+text[:half])
	if wrong.Stored != right.Stored || wrong.Visitors != right.Visitors {
		t.Errorf("%d stored and %d visitors, want %d and %d", wrong.Stored, wrong.Visitors, right.Stored, right.Visitors)
	}
	// A visit that goes on across the seam is two: there are some fifty.
	if d := wrong.Visits - right.Visits; d < 0 || d > 60 {
		t.Errorf("%d visits, want %d and a few", wrong.Visits, right.Visits)
	}
}

// TestSaltsAreGone imports a file that grew after its salts were destroyed: the
// new lines come in, and what was there is not touched.
func TestSaltsAreGone(t *testing.T) {
	w := newWorld(t, "UTC")
	text := line(may, "203.0.113.1", "/a", "", chrome)
	first := w.take(t, "access.log", text)
	w.now = w.now.Add(49 * time.Hour)
	if n, err := w.salts.Destroy(w.now); err != nil || n == 0 {
		t.Fatalf("%d salts destroyed, %v", n, err)
	}
	second := w.take(t, "access.log", text+line(may.Add(time.Minute), "203.0.113.1", "/b", "", chrome))
	if first.Stored != 1 || second.Run.Stored != 1 || second.Visitors != 2 || second.Visits != 1 {
		t.Errorf("%+v", second)
	}
}
