package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"moonbear/internal/db/dbtest"
	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/fault"
)

// traffic sends hits until it is stopped, and counts those acknowledged.
type traffic struct {
	wg       sync.WaitGroup
	quit     chan struct{}
	taken    atomic.Int64
	slowest  atomic.Int64 // ms
	mu       sync.Mutex
	refusals []string
}

func (r *running) traffic(site string) *traffic {
	f := &traffic{quit: make(chan struct{})}
	for c := range 4 {
		f.wg.Go(func() {
			client := &http.Client{Timeout: time.Minute}
			for i := 0; ; i++ {
				select {
				case <-f.quit:
					return
				case <-time.After(5 * time.Millisecond):
				}
				began := time.Now()
				body := fmt.Sprintf(`{"pid":%q,"event":"pageview","url":"https://example.com/p%d"}`, site, i%9)
				req, err := http.NewRequest(http.MethodPost, r.url+"/event", strings.NewReader(body))
				if err != nil {
					panic(err)
				}
				req.Header.Set("User-Agent", fmt.Sprintf("%s v%d", browserUA, c))
				res, err := client.Do(req)
				status := 0
				if err == nil {
					_, _ = io.Copy(io.Discard, res.Body)
					_ = res.Body.Close()
					status = res.StatusCode
				}
				f.slowest.Store(max(f.slowest.Load(), time.Since(began).Milliseconds()))
				if status == http.StatusAccepted {
					f.taken.Add(1)
					continue
				}
				f.mu.Lock()
				f.refusals = append(f.refusals, fmt.Sprint(status, " ", err))
				f.mu.Unlock()
			}
		})
	}
	return f
}

func (f *traffic) stop() int64 {
	close(f.quit)
	f.wg.Wait()
	return f.taken.Load()
}

// moveTargets are where tests move events to.
var moveTargets = []struct {
	name   string
	events func(t *testing.T) string
}{
	{"duckdb", func(t *testing.T) string { return "duckdb://" + filepath.Join(t.TempDir(), "events") }},
	{"clickhouse", func(t *testing.T) string {
		return strings.Replace(chtest.Shared(t).Database(t), "http://", "clickhouse+http://", 1)
	}},
}

// TestMove moves a server under load to other stores and back. Every hit that
// was acknowledged is counted once, and none is refused.
func TestMove(t *testing.T) {
	for _, target := range moveTargets {
		t.Run(target.name, func(t *testing.T) {
			cfg := testConfig(t, t.TempDir(), "DATABASE_URL=sqlite://"+filepath.Join(t.TempDir(), "moonbear.db"))
			r := start(t, cfg, ServeOptions{})
			made, err := Setup(t.Context(), cfg, SetupRequest{Email: "a@example.com", Password: "correct horse", Domain: "example.com"})
			if err != nil {
				t.Fatal(err)
			}
			load := r.traffic(made.SiteID)
			until(t, "hits are counted", func() bool { return r.metric(made, "pageviews") > 50 })

			there := MoveRequest{ToEvents: target.events(t), ToDatabase: "sqlite://" + filepath.Join(t.TempDir(), "there.db")}
			if dbtest.Postgres() {
				there.ToDatabase = dbtest.URL(t)
			}
			back := MoveRequest{ToEvents: "duckdb://" + filepath.Join(t.TempDir(), "back"), ToDatabase: "sqlite://" + filepath.Join(t.TempDir(), "back.db")}
			for i, q := range []MoveRequest{there, back} {
				var out bytes.Buffer
				if err := Move(t.Context(), cfg, q, &out, io.Discard); err != nil {
					t.Fatalf("move %d: %v", i, err)
				}
				if !strings.Contains(out.String(), "DATABASE_URL="+scheme(q.ToDatabase)[:5]) || !strings.Contains(out.String(), "and equal on both sides") {
					t.Errorf("what the operator reads is\n%s", out.String())
				}
				had := load.taken.Load()
				until(t, "the next server counts on", func() bool { return load.taken.Load() > had+50 })
				refusesToServe(t, cfg, q)
			}
			taken := load.stop()
			if len(load.refusals) > 0 {
				t.Errorf("%d hits were refused: %s", len(load.refusals), load.refusals[0])
			}
			t.Logf("%d hits taken, the slowest in %d ms", taken, load.slowest.Load())
			until(t, "all are counted", func() bool { return r.metric(made, "pageviews") >= float64(taken) })
			if n := r.metric(made, "pageviews"); n != float64(taken) {
				t.Errorf("%v pageviews are counted of %d hits taken", n, taken)
			}
			for _, word := range []string{"copied again", "level=ERROR"} {
				if strings.Contains(r.log.String(), word) {
					t.Errorf("the log says %q", word)
				}
			}
		})
	}
}

// refusesToServe checks that the configuration from before is refused, with the
// lines to set.
func refusesToServe(t *testing.T, cfg Config, q MoveRequest) {
	t.Helper()
	err := refuseMoved(cfg)
	if err == nil {
		t.Fatal("a server would start on the stores that were moved from")
	}
	for _, want := range []string{"  DATABASE_URL=" + scheme(q.ToDatabase)[:5], "  EVENTS_URL=" + scheme(q.ToEvents)[:5]} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the refusal lacks %q:\n%v", want, err)
		}
	}
}

// TestMoveStopped moves an instance that isn't served, and compares.
func TestMoveStopped(t *testing.T) {
	cfg := testConfig(t, t.TempDir(), "DATABASE_URL=sqlite://"+filepath.Join(t.TempDir(), "moonbear.db"))
	r := start(t, cfg, ServeOptions{})
	made, err := Setup(t.Context(), cfg, SetupRequest{Email: "a@example.com", Password: "correct horse", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		r.view(made.SiteID, fmt.Sprint("https://example.com/", i))
	}
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	q := MoveRequest{ToEvents: "duckdb://" + filepath.Join(t.TempDir(), "e"), ToDatabase: "sqlite://" + filepath.Join(t.TempDir(), "d.db")}
	var out bytes.Buffer
	if err := Move(t.Context(), cfg, q, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	var served bytes.Buffer
	err = Serve(t.Context(), cfg, ServeOptions{Log: &served, Out: io.Discard})
	if err == nil || !strings.Contains(err.Error(), "EVENTS_URL="+q.ToEvents) {
		t.Errorf("serving what was moved from ended with %v", err)
	}
	now := cfg
	now.DatabaseURL, now.EventsURL = q.ToDatabase, q.ToEvents
	// The pair that was left is still equal.
	out.Reset()
	old := MoveRequest{ToEvents: cfg.EventsURL, ToDatabase: cfg.DatabaseURL, Verify: true}
	if err := Move(t.Context(), now, old, &out, io.Discard); err != nil {
		t.Errorf("comparing with what was left: %v\n%s", err, &out)
	}
	r = start(t, now, ServeOptions{})
	until(t, "all are counted", func() bool { return r.metric(made, "pageviews") == 20 })
	moved := time.Now().UTC()
	time.Sleep(time.Millisecond) // what is compared ends before the next hit's
	r.view(made.SiteID, "https://example.com/new")
	until(t, "the new one too", func() bool { return r.metric(made, "pageviews") == 21 })
	out.Reset()
	if err := Move(t.Context(), now, old, &out, io.Discard); !errors.Is(err, ErrMovedDifferent) || !strings.Contains(out.String(), "21 events here and 20 there") {
		t.Errorf("comparing said %v:\n%s", err, &out)
	}
	for before, want := range map[string]string{
		moved.Format(time.RFC3339Nano):                "Compared: 20 events ",
		moved.AddDate(0, 0, 1).Format(time.DateOnly):  "21 events here and 20 there",
		moved.AddDate(0, -1, 0).Format(time.DateOnly): "Compared: 0 events ",
		"yesterday": "",
	} {
		out.Reset()
		err := Move(t.Context(), now, MoveRequest{ToEvents: cfg.EventsURL, Verify: true, Before: before}, &out, io.Discard)
		if f, ok := fault.From(err); want == "" != (ok && f.Kind == fault.Invalid) || !strings.Contains(out.String(), want) {
			t.Errorf("comparing what is before %s said %v:\n%s", before, err, &out)
		}
	}
	if err := Move(t.Context(), now, MoveRequest{ToEvents: cfg.EventsURL, Before: "2026-01-01"}, &out, io.Discard); err == nil || !strings.Contains(err.Error(), "--before") {
		t.Errorf("moving what is before a day ended with %v", err)
	}
}

// TestMoveBrokenOff breaks a move of a running server off: it goes on as before,
// and the same command goes on.
func TestMoveBrokenOff(t *testing.T) {
	for _, step := range []string{"claimed", "copied", "positioned", "fed", "held", "control", "proved"} {
		t.Run(step, func(t *testing.T) {
			cfg := testConfig(t, t.TempDir(), "DATABASE_URL=sqlite://"+filepath.Join(t.TempDir(), "moonbear.db"))
			broken := errors.New("broken off by the test")
			var once sync.Once
			r := start(t, cfg, ServeOptions{moveStep: func(name string) (err error) {
				if name == step {
					once.Do(func() { err = broken })
				}
				return err
			}})
			made, err := Setup(t.Context(), cfg, SetupRequest{Email: "a@example.com", Password: "correct horse", Domain: "example.com"})
			if err != nil {
				t.Fatal(err)
			}
			load := r.traffic(made.SiteID)
			until(t, "hits are counted", func() bool { return r.metric(made, "pageviews") > 20 })
			q := MoveRequest{ToEvents: "duckdb://" + filepath.Join(t.TempDir(), "e"), ToDatabase: "sqlite://" + filepath.Join(t.TempDir(), "d.db")}
			if err := Move(t.Context(), cfg, q, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), broken.Error()) {
				t.Fatalf("the move ended with %v", err)
			}
			if err := refuseMoved(cfg); err != nil {
				t.Error(err)
			}
			had := r.metric(made, "pageviews")
			until(t, "loading goes on", func() bool { return r.metric(made, "pageviews") > had+20 })
			if status, body := r.post("/setup", "{}"); status == http.StatusServiceUnavailable {
				t.Errorf("writes are still held: %s", body)
			}
			if err := Move(t.Context(), cfg, q, io.Discard, io.Discard); err != nil {
				t.Fatal(err)
			}
			taken := load.stop()
			if len(load.refusals) > 0 {
				t.Errorf("%d hits were refused: %s", len(load.refusals), load.refusals[0])
			}
			until(t, "all are counted", func() bool { return r.metric(made, "pageviews") >= float64(taken) })
			if n := r.metric(made, "pageviews"); n != float64(taken) {
				t.Errorf("%v pageviews are counted of %d hits taken", n, taken)
			}
		})
	}
}

// TestMoveHolds: while the control database is moved changes are answered 503,
// and looking and collecting go on.
func TestMoveHolds(t *testing.T) {
	cfg := testConfig(t, t.TempDir(), "DATABASE_URL=sqlite://"+filepath.Join(t.TempDir(), "moonbear.db"))
	reached, goOn := make(chan struct{}), make(chan struct{})
	r := start(t, cfg, ServeOptions{moveStep: func(name string) error {
		if name == "held" {
			close(reached)
			<-goOn
		}
		return nil
	}})
	made, err := Setup(t.Context(), cfg, SetupRequest{Email: "a@example.com", Password: "correct horse", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	r.view(made.SiteID, "https://example.com/before")
	moved := make(chan error, 1)
	go func() {
		moved <- Move(t.Context(), cfg, MoveRequest{ToDatabase: "sqlite://" + filepath.Join(t.TempDir(), "d.db")}, io.Discard, io.Discard)
	}()
	<-reached
	res, err := http.Post(r.url+"/login", "application/x-www-form-urlencoded", strings.NewReader("email=a"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("a change was answered %d, Retry-After %q", res.StatusCode, res.Header.Get("Retry-After"))
	}
	if status, _ := r.get("/login"); status != http.StatusOK {
		t.Errorf("looking was answered %d", status)
	}
	r.view(made.SiteID, "https://example.com/meanwhile")
	if status, body := r.post("/v1/events", `{"events":[]}`, "Authorization", "Bearer "+made.Token); status == http.StatusServiceUnavailable {
		t.Errorf("a batch was answered %d %s", status, body)
	}
	if _, err := MakeToken(t.Context(), cfg, TokenRequest{Name: "x"}); err == nil || !strings.Contains(err.Error(), "moving to another database") {
		t.Errorf("making a token meanwhile: %v", err)
	}
	close(goOn)
	if err := <-moved; err != nil {
		t.Fatal(err)
	}
	until(t, "both hits are counted", func() bool { return r.metric(made, "pageviews") == 2 })
}

// TestMoveSaysWhatIsWrong refuses what can't be, and changes nothing.
func TestMoveSaysWhatIsWrong(t *testing.T) {
	cfg := testConfig(t, t.TempDir(), "DATABASE_URL=sqlite://"+filepath.Join(t.TempDir(), "moonbear.db"))
	start(t, cfg, ServeOptions{})
	for _, tt := range []struct {
		q    MoveRequest
		want string
	}{
		{MoveRequest{}, "Where to? Give --to-database, --to-events or both."},
		{MoveRequest{ToDatabase: "mysql://x"}, `--to-database="mysql://…": want sqlite://`},
		{MoveRequest{ToEvents: "x"}, `--to-events="no scheme": want duckdb://`},
		{MoveRequest{ToDatabase: cfg.DatabaseURL}, "--to-database: that is the database in use."},
		{MoveRequest{ToEvents: cfg.EventsURL}, "--to-events: that is the event store in use."},
	} {
		if err := Move(context.Background(), cfg, tt.q, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%+v ended with %v, want %q", tt.q, err, tt.want)
		}
	}
}

// TestMoveRunsOutOfRoom: hits wait in the spool while events are copied. When
// they take up half of it, the move is broken off and they are counted.
func TestMoveRunsOutOfRoom(t *testing.T) {
	cfg := testConfig(t, t.TempDir(), "DATABASE_URL=sqlite://"+filepath.Join(t.TempDir(), "moonbear.db"), "SPOOL_MAX_BYTES=16MiB")
	var r *running
	var made SetupResult
	const sent = 8 * 320 // of 4 kB each
	fill := sync.OnceFunc(func() {
		var visitors sync.WaitGroup
		for v := range 8 {
			visitors.Go(func() {
				for i := range sent / 8 {
					r.view(made.SiteID, fmt.Sprintf("https://example.com/%s/%d/%d", strings.Repeat("a", 1800), v, i))
				}
			})
		}
		visitors.Wait()
		time.Sleep(2 * time.Second) // room is looked at each second
	})
	r = start(t, cfg, ServeOptions{moveStep: func(name string) error {
		if name == "copied" {
			fill()
		}
		return nil
	}})
	made, err := Setup(t.Context(), cfg, SetupRequest{Email: "a@example.com", Password: "correct horse", Domain: "example.com"})
	if err != nil {
		t.Fatal(err)
	}
	q := MoveRequest{ToEvents: "duckdb://" + filepath.Join(t.TempDir(), "e"), ToDatabase: "sqlite://" + filepath.Join(t.TempDir(), "d.db")}
	if err := Move(t.Context(), cfg, q, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "The spool is half full") {
		t.Fatalf("the move ended with %v", err)
	}
	if err := refuseMoved(cfg); err != nil {
		t.Error(err)
	}
	until(t, "what waited is counted", func() bool { return r.metric(made, "pageviews") == float64(sent) })
	if err := Move(t.Context(), cfg, q, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	r.view(made.SiteID, "https://example.com/last")
	until(t, "the next server counts", func() bool { return r.metric(made, "pageviews") == float64(sent+1) })
}
