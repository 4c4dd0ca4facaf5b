package app

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"moonbear/internal/db"
	"moonbear/internal/site"
)

// TestDeletedSiteIsDestroyed follows a deleted site's text until it is in no
// file of the event store any more.
func TestDeletedSiteIsDestroyed(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	made, err := Setup(t.Context(), cfg, SetupRequest{Email: "owner@shop.test", Password: "a long enough password", Domain: "shop.test"})
	if err != nil {
		t.Fatal(err)
	}
	const canary = "canary-6rTfWq0z"
	s := start(t, cfg, ServeOptions{})
	s.view(made.SiteID, "https://shop.test/"+canary)
	until(t, "the hit is loaded", func() bool { return s.metric(made, "pageviews") == 1 })
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	events := cfg.eventsPath()
	if n := holding(t, events, canary); n == 0 {
		t.Fatal("the text is in no file before: this test could not fail")
	}

	ctx := t.Context()
	off, err := open(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := off.close(); err != nil {
			t.Error(err)
		}
	}()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(off.control.sites.Delete(ctx, made.SiteID))
	if _, known := off.control.sites.Directory().Lookup(made.SiteID); known {
		t.Error("a deleted site is still collected")
	}
	must(off.destroySites(ctx))
	if n := holding(t, events, canary); n == 0 {
		t.Fatal("destroyed while it can be restored")
	}
	_, err = off.control.db.Bun().NewRaw("update sites set deleted_at = ?", db.Time(time.Now().Add(-site.DeletedKept))).Exec(ctx)
	must(err)
	must(off.destroySites(ctx))
	if n := holding(t, events, canary); n != 0 {
		t.Errorf("%d files of the event store still hold the text", n)
	}
	var rows int
	must(off.control.db.Bun().NewRaw("select count(*) from sites").Scan(ctx, &rows))
	if rows != 0 {
		t.Errorf("%d rows are left", rows)
	}
	must(off.destroySites(ctx))
}

// holding counts the files of a directory, or the file, that hold a text. The
// store writes texts as they are unless they repeat.
func holding(t *testing.T, path, text string) (n int) {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %v, %v", path, files, err)
	}
	for _, f := range files {
		err := filepath.WalkDir(f, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			b, err := os.ReadFile(path)
			if bytes.Contains(b, []byte(text)) {
				n++
			}
			return err
		})
		if err != nil {
			t.Fatal(fmt.Errorf("look into %s: %w", f, err))
		}
	}
	return n
}
