package web

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"moonbear/internal/web/pagetest"
)

var (
	shots     = flag.String("shots", "", "photograph every page into this folder, to look at them")
	shotsOnly = flag.String("shots-only", "", "only pictures whose name contains this")
	docsShots = flag.String("screenshots", "", "photograph the pages that the documentation shows into this folder")
)

// TestShots photographs every page at phone, desk and wall width, light and dark,
// in both languages, full and empty:
// go test ./internal/web -run TestShots -shots /tmp/shots
func TestShots(t *testing.T) {
	if *shots == "" {
		t.Skip("for eyes; see -shots")
	}
	w := newWorld(t, base)
	c := &camera{window: w.open(t), t: t, folder: *shots}
	everyPage(w, 420, func(v visit) { c.shoot(v, append(widths, 1920)) })
}

// documented are the pages that docs/screenshots keeps pictures of.
var documented = []string{"dashboard", "filtered", "live", "start-refused", "sites", "login"}

// TestScreenshots makes docs/screenshots: make screenshots. The clock stands
// still and the traffic is always the same, so a picture changes when the
// design does.
func TestScreenshots(t *testing.T) {
	if *docsShots == "" {
		t.Skip("make screenshots runs it")
	}
	seoul, err := time.LoadLocation("Asia/Seoul")
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, base)
	at := time.Date(2026, 11, 19, 15, 20, 0, 0, seoul)
	w.now = func() time.Time { return at }
	c := &camera{window: w.open(t), t: t, folder: *docsShots, compact: true}
	total := 0
	everyPage(w, 420, func(v visit) {
		if slices.Contains(documented, v.name) {
			total += c.shoot(v, widths)
		}
	})
	if total > 3<<20 {
		t.Errorf("the pictures weigh %d KB together, want 3 MB at most", total>>10)
	}
}

// camera photographs pages into a folder.
type camera struct {
	*window
	t       *testing.T
	folder  string
	compact bool
}

// shoot photographs a page in every look at the widths, and gives the bytes
// of the pictures.
func (c *camera) shoot(v visit, widths []int64) (total int) {
	c.t.Helper()
	for _, width := range widths {
		for _, l := range looks {
			file := fmt.Sprintf("%s-%d-%s-%s.png", v.name, width, l.theme, l.lang)
			if !strings.Contains(file, *shotsOnly) {
				continue
			}
			c.Size(width, 900)
			c.see(v, l)
			if wide := c.widest(); wide > width {
				c.t.Errorf("%s: the page is %d px wide", file, wide)
			}
			picture := c.Picture(true)
			if c.compact {
				var err error
				if picture, err = pagetest.Compact(picture); err != nil {
					c.t.Fatal(err)
				}
			}
			if err := os.WriteFile(filepath.Join(c.folder, file), picture, 0o644); err != nil {
				c.t.Fatal(err)
			}
			total += len(picture)
		}
	}
	return total
}

// widest is how wide the page is, whatever the window.
func (b *window) widest() (px int64) {
	b.Eval(`document.documentElement.scrollWidth`, &px)
	return px
}
