package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moonbear/internal/blob/s3test"
	"moonbear/internal/db"
	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/site"
)

// handsOver are the settings of a replica that is told to stop with a short
// deadline.
func handsOver(storage []string, more ...string) []string {
	return append(append([]string{"DRAIN_TIMEOUT=500ms"}, storage...), more...)
}

const often = 300 * time.Millisecond

// objectsIn are the files of a directory that is shared storage.
func objectsIn(t *testing.T, dir string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			names = append(names, path)
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// TestHandsOver: three replicas, ClickHouse is stopped, and two of them leave.
// When it is back the third counts what all of them took in, once, and a visitor
// who moved between them has one visit. One that comes back on its volume
// changes nothing.
func TestHandsOver(t *testing.T) {
	for _, tt := range []struct {
		name    string
		storage func(t *testing.T) (env []string, dir string)
	}{
		{"directory", func(t *testing.T) ([]string, string) {
			dir := t.TempDir()
			return []string{"BACKUP_URL=file://" + dir}, dir
		}},
		{"S3", func(t *testing.T) ([]string, string) {
			s := s3test.Start(t)
			return s.Env("production"), s.File("production/spool")
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := newScaled(t)
			env, dir := tt.storage(t)
			var rs []*running
			for range 3 {
				rs = append(rs, start(t, s.config(t.TempDir(), handsOver(env)...), ServeOptions{adoptEvery: often}))
			}
			made, err := Setup(t.Context(), rs[0].cfg, SetupRequest{Email: "a@example.com", Password: "correct horse", Domain: "example.com"})
			if err != nil {
				t.Fatal(err)
			}
			want := 0
			view := func(r *running) {
				t.Helper()
				r.view(made.SiteID, fmt.Sprintf("https://example.com/%d", want))
				want++
			}
			for _, r := range rs {
				until(t, "it knows the site", func() bool {
					status, _ := r.post("/event", fmt.Sprintf(`{"pid":%q,"event":"pageview","url":"https://example.com/"}`, made.SiteID))
					return status == http.StatusAccepted
				})
				want++
			}
			until(t, "all are counted", func() bool { return rs[0].metric(made, "pageviews") == float64(want) })

			s.ch.Kill(t)
			for range 5 {
				for _, r := range rs {
					view(r)
				}
			}
			for _, r := range rs[1:] {
				if err := r.stop(); err != nil {
					t.Fatal(err)
				}
				if log := r.log.String(); !strings.Contains(log, "handed over: another server counts it") || !strings.Contains(log, "records=") {
					t.Fatalf("it is not handed over:\n%s", log)
				}
			}
			c, err := Doctor(t.Context(), rs[0].cfg, "v1")
			if err != nil {
				t.Fatal(err)
			}
			if f := found(t, c, "shared storage"); f.State != Well || !strings.Contains(f.Facts, "hand-overs: 2") {
				t.Errorf("%+v", f)
			}
			if f := found(t, c, "hand-over"); f.State != Well || !strings.Contains(f.Facts, "1 segments") {
				t.Errorf("%+v", f)
			}
			view(rs[0])
			s.ch.Restart(t)
			until(t, "what was handed over is counted", func() bool { return rs[0].metric(made, "pageviews") == float64(want) })
			until(t, "it is gone from shared storage", func() bool { return len(objectsIn(t, dir)) == 0 })
			if n := strings.Count(rs[0].log.String(), "adopted: what another process handed over"); n != 2 {
				t.Errorf("2 hand-overs were adopted %d times", n)
			}

			back := start(t, rs[1].cfg, ServeOptions{adoptEvery: often})
			view(back)
			until(t, "what came since is counted", func() bool { return back.metric(made, "pageviews") == float64(want) })
			if visits, visitors := back.metric(made, "visits"), back.metric(made, "visitors"); visits != 1 || visitors != 1 {
				t.Errorf("%v visits of %v visitors, want one of one", visits, visitors)
			}
		})
	}
}

// TestBackWhileAway: all replicas stop and start again while ClickHouse is
// stopped, as in a release: each counts what is on its volume, once.
func TestBackWhileAway(t *testing.T) {
	s := newScaled(t)
	dir := t.TempDir()
	config := func(data string) Config { return s.config(data, handsOver([]string{"BACKUP_URL=file://" + dir})...) }
	rs := []*running{start(t, config(t.TempDir()), ServeOptions{adoptEvery: often}), start(t, config(t.TempDir()), ServeOptions{adoptEvery: often})}
	made, err := Setup(t.Context(), rs[0].cfg, SetupRequest{Email: "a@example.com", Password: "correct horse", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the other knows the site", func() bool {
		status, _ := rs[1].post("/event", fmt.Sprintf(`{"pid":%q,"event":"pageview","url":"https://example.com/"}`, made.SiteID))
		return status == http.StatusAccepted
	})
	s.ch.Kill(t)
	want := 1
	for range 3 {
		for i, r := range rs {
			r.view(made.SiteID, "https://example.com/a")
			want++
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			rs[i] = start(t, r.cfg, ServeOptions{adoptEvery: often})
		}
	}
	if len(objectsIn(t, dir)) == 0 {
		t.Error("nothing was handed over")
	}
	s.ch.Restart(t)
	until(t, "all is counted", func() bool { return rs[0].metric(made, "pageviews") == float64(want) })
	until(t, "nothing is left in shared storage", func() bool { return len(objectsIn(t, dir)) == 0 })
	if n, visits := rs[1].metric(made, "pageviews"), rs[1].metric(made, "visits"); n != float64(want) || visits != 1 {
		t.Errorf("%v pageviews, want %d; %v visits", n, want, visits)
	}
	for _, r := range rs {
		if strings.Contains(r.log.String(), "refused and kept") {
			t.Error("something was refused")
		}
	}
}

// TestOrphanedVolume: the volume of a replica that is gone is handed over by
// command.
func TestOrphanedVolume(t *testing.T) {
	s := newScaled(t)
	dir, orphan := t.TempDir(), t.TempDir()
	storage := "BACKUP_URL=file://" + dir
	gone := start(t, s.config(orphan, "DRAIN_TIMEOUT=500ms"), ServeOptions{}) // and no storage: it stays on its volume
	made, err := Setup(t.Context(), gone.cfg, SetupRequest{Email: "a@example.com", Password: "correct horse", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	s.ch.Kill(t)
	for i := range 7 {
		gone.view(made.SiteID, fmt.Sprintf("https://example.com/%d", i))
	}
	cfg := s.config(orphan, storage)
	var out strings.Builder
	if err := HandOver(t.Context(), cfg, &out, gone.log); err == nil || !strings.Contains(err.Error(), "A server runs on this directory") {
		t.Errorf("while it runs: %v", err)
	}
	if err := gone.stop(); err != nil {
		t.Fatal(err)
	}
	if err := HandOver(t.Context(), cfg, &out, gone.log); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "Handed over: 1 segments") || !strings.Contains(out.String(), "The volume can go.") {
		t.Errorf("it says %q", out.String())
	}
	if err := os.RemoveAll(orphan); err != nil {
		t.Fatal(err)
	}
	other := start(t, s.config(t.TempDir(), storage, "ROLES=web,jobs"), ServeOptions{adoptEvery: often})
	s.ch.Restart(t)
	until(t, "what was on the volume is counted", func() bool { return other.metric(made, "pageviews") == 7 })
	until(t, "it is gone from shared storage", func() bool { return len(objectsIn(t, dir)) == 0 })
}

// What the command can't do is told with what would be right.
func TestHandOverRefuses(t *testing.T) {
	empty, embedded := t.TempDir(), t.TempDir()
	r := start(t, testConfig(t, embedded), ServeOptions{})
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	storage := "BACKUP_URL=file://" + t.TempDir()
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{testConfig(t, embedded), "Set BACKUP_URL"},
		{testConfig(t, empty, storage), "There is no spool in " + empty},
		{testConfig(t, embedded, storage), "start a server on it"},
	} {
		if err := HandOver(t.Context(), tt.cfg, r.log, r.log); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("got %v, want %q", err, tt.want)
		}
	}
	if entries, err := os.ReadDir(empty); err != nil || len(entries) > 0 {
		t.Errorf("an empty directory has %v, %v", entries, err)
	}
}

// TestHandOversWait: what must not happen while hits of others wait doesn't.
func TestHandOversWait(t *testing.T) {
	dir := t.TempDir()
	ch := chtest.Shared(t)
	cfg := testConfig(t, t.TempDir(), "EVENTS_URL=clickhouse+"+ch.Database(t), "BACKUP_URL=file://"+dir)
	made, err := Setup(t.Context(), cfg, SetupRequest{Email: "a@example.com", Password: "correct horse", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	waits := filepath.Join(dir, "spool", "ab", "00000000000000000100")
	if err := os.MkdirAll(waits, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(waits, "complete.json"), []byte("damaged"), 0o600); err != nil {
		t.Fatal(err)
	}
	err = Move(t.Context(), cfg, MoveRequest{ToEvents: "duckdb://" + filepath.Join(t.TempDir(), "moved.duckdb")}, &strings.Builder{}, &strings.Builder{})
	if err == nil || !strings.Contains(err.Error(), "handed over isn't counted yet: 1 wait") {
		t.Errorf("a move: %v", err)
	}
	c, err := Doctor(t.Context(), cfg, "v1")
	if err != nil {
		t.Fatal(err)
	}
	if f := found(t, c, "hand-over"); f.State != Broken || !strings.Contains(f.Facts, "refused: its marker can't be read") {
		t.Errorf("%+v", f)
	}

	ctx := t.Context()
	off, err := open(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer off.close()
	if err := off.control.sites.Delete(ctx, made.SiteID); err != nil {
		t.Fatal(err)
	}
	_, err = off.control.db.Bun().NewRaw("update sites set deleted_at = ?", db.Time(time.Now().Add(-site.DeletedKept))).Exec(ctx)
	if err != nil {
		t.Fatal(err)
	}
	rows := func() (n int) {
		t.Helper()
		if err := off.control.db.Bun().NewRaw("select count(*) from sites").Scan(ctx, &n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	if err := off.destroySites(ctx); err == nil || !strings.Contains(err.Error(), "handed over isn't counted yet") || rows() != 1 {
		t.Errorf("destroyed although its hits may wait: %v", err)
	}
	if err := os.RemoveAll(filepath.Join(dir, "spool")); err != nil {
		t.Fatal(err)
	}
	if err := off.destroySites(ctx); err != nil || rows() != 0 {
		t.Errorf("not destroyed: %v", err)
	}
}

// TestDoctorSharedStorage says whether there is some, and whether it works.
func TestDoctorSharedStorage(t *testing.T) {
	scaled := []string{"DATABASE_URL=postgres://u@127.0.0.1:1/x", "EVENTS_URL=clickhouse://u@127.0.0.1:1/x", "REDIS_URL=redis://127.0.0.1:1/0"}
	missing := filepath.Join(t.TempDir(), "not", "mounted")
	for _, tt := range []struct {
		env          []string
		state        State
		facts, remed string
	}{
		{nil, "", "", ""},
		{scaled, Warning, "BACKUP_URL isn't set", "Set BACKUP_URL"},
		{[]string{"ROLES=collect", scaled[0], scaled[1]}, Warning, "BACKUP_URL isn't set", "Set BACKUP_URL"},
		{[]string{"BACKUP_URL=file://" + t.TempDir()}, Well, "no hand-overs wait", ""},
		{[]string{"BACKUP_URL=file://" + missing}, Broken, "mount the volume", "See that BACKUP_URL"},
		{[]string{"BACKUP_URL=s3://moonbear?endpoint=http://127.0.0.1:1", "AWS_ACCESS_KEY_ID=id", "AWS_SECRET_ACCESS_KEY=hunter2"}, Broken, "refused", "See that BACKUP_URL"},
	} {
		cfg, err := ReadConfig(append([]string{"DATA_DIR=" + t.TempDir()}, tt.env...))
		if err != nil {
			t.Fatal(err)
		}
		s := newServer(cfg, slog.New(slog.DiscardHandler))
		if err := s.openBucket(t.Context()); err != nil {
			t.Fatal(err)
		}
		fs := s.examineShared(t.Context())
		if tt.state == "" {
			if fs != nil {
				t.Errorf("one server: %+v", fs)
			}
			continue
		}
		if len(fs) != 1 || fs[0].State != tt.state || !strings.Contains(fs[0].Facts, tt.facts) || !strings.Contains(fs[0].Remedy, tt.remed) || strings.Contains(fs[0].Facts, "hunter2") {
			t.Errorf("%v: %+v", tt.env, fs)
		}
	}
}
