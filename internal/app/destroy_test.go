package app

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moonbear/internal/db"
	"moonbear/internal/db/dbtest"
	"moonbear/internal/site"
)

// TestDeletedSiteIsDestroyed follows a deleted site's text, which came in with
// hits, a goal, a segment and an import, until it is in no file of the data
// directory any more.
func TestDeletedSiteIsDestroyed(t *testing.T) {
	if dbtest.Postgres() {
		t.Skip("it looks into SQLite's file")
	}
	cfg := testConfig(t, t.TempDir())
	made, err := Setup(t.Context(), cfg, SetupRequest{Email: "owner@shop.test", Password: "a long enough password", Domain: "shop.test"})
	if err != nil {
		t.Fatal(err)
	}
	const canary = "canary-6rTfWq0z"
	s := start(t, cfg, ServeOptions{})
	s.view(made.SiteID, "https://shop.test/"+canary)
	for _, hit := range []string{
		`{"n":"pageview","u":"https://shop.test/","d":"shop.test","r":"https://elsewhere.example/` + canary + `"}`,
		`{"n":"signup","u":"https://shop.test/","d":"shop.test","p":{"plan":"` + canary + `"}}`,
	} {
		if status, b := s.post("/api/event", hit); status != http.StatusAccepted {
			t.Fatalf("a hit was answered with %d %s", status, b)
		}
	}
	until(t, "the hits are loaded", func() bool { return s.metric(made, "events") == 3 })
	log := filepath.Join(t.TempDir(), canary+".log")
	if err := os.WriteFile(log, []byte(strings.ReplaceAll(importLog(20), "/p", "/"+canary)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Import(t.Context(), cfg, ImportRequest{Site: made.SiteID, Files: []string{log}}, os.Stdin, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{cfg.eventsPath(), filepath.Join(cfg.DataDir, "spool"), filepath.Join(cfg.DataDir, "moonbear.db")} {
		if n := holding(t, path, canary); n == 0 {
			t.Fatalf("the text is not in %s before: this test could not fail", path)
		}
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
	st, _ := off.control.sites.Directory().Lookup(made.SiteID)
	_, err = off.control.sites.AddGoal(ctx, site.Goal{Site: st.ID, Name: canary, Rule: site.Rule{Path: "/" + canary}})
	must(err)
	_, err = off.control.sites.AddSegment(ctx, site.Segment{Site: st.ID, Name: canary, Filter: `{"dimension":"path","operator":"eq","value":"` + canary + `"}`})
	must(err)
	must(off.control.sites.Delete(ctx, made.SiteID))
	if _, known := off.control.sites.Directory().Lookup(made.SiteID); known {
		t.Error("a deleted site is still collected")
	}
	must(off.destroySites(ctx))
	if n := holding(t, cfg.eventsPath(), canary); n == 0 {
		t.Fatal("destroyed while it can be restored")
	}
	_, err = off.control.db.Bun().NewRaw("update sites set deleted_at = ?", db.Time(time.Now().Add(-site.DeletedKept))).Exec(ctx)
	must(err)
	must(off.destroySites(ctx))
	if n := holding(t, cfg.DataDir, canary); n != 0 {
		t.Errorf("%d files still hold the text", n)
	}
	var rows int
	must(off.control.db.Bun().NewRaw("select count(*) from sites").Scan(ctx, &rows))
	if rows != 0 {
		t.Errorf("%d rows are left", rows)
	}
	must(off.destroySites(ctx))
}

// holding counts the files of a directory, or the file, that hold a text. The
// stores and the spool write texts as they are, the event store unless they
// repeat.
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
				t.Logf("%s holds it", path)
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
