package clickhouse

import (
	"context"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"moonbear/internal/event/clickhouse/chtest"
	"moonbear/internal/event/eventtest"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestSchema and TestClusterSchema hold the statements of a released version:
// they may not change. The second's are not run anywhere in the tests.
func TestSchema(t *testing.T)        { golden(t, "server.sql", migrations("")) }
func TestClusterSchema(t *testing.T) { golden(t, "cluster.sql", migrations("moon's")) }

func golden(t *testing.T, name string, steps [][]string) {
	t.Helper()
	var b strings.Builder
	for _, step := range steps {
		for _, q := range step {
			b.WriteString(strings.ReplaceAll(q, ", ", ",\n\t") + ";\n\n")
		}
	}
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the statements differ from %s (-update writes it anew):\n%s", path, b.String())
	}
}

func TestMigrateTwice(t *testing.T) {
	url := chtest.Shared(t).Database(t)
	for range 2 { // the second does what was done already
		s := openAt(t, url, nil)
		if n := eventtest.Number(t, s, "select max(version) from schema_version"); n != int64(len(migrations(""))) {
			t.Errorf("schema version %d, want %d", n, len(migrations("")))
		}
		if err := s.exec(t.Context(), "truncate table schema_version"); err != nil {
			t.Fatal(err)
		}
		_ = s.Close()
	}
	s := openAt(t, url, nil)
	defer s.Close()
	if err := s.exec(t.Context(), "insert into schema_version values (99)"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{URL: url}); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("opening a newer schema: %v", err)
	}
}

// A server that isn't there yet is no reason not to collect.
func TestOpenWithoutServer(t *testing.T) {
	server := chtest.Start(t)
	url := server.Database(t)
	server.Kill(t)
	s, err := Open(t.Context(), Options{URL: url, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b := eventtest.Batch("a", 0, eventtest.Events(eventtest.Visit(eventtest.View("/"))))
	if err := s.Append(t.Context(), b); err == nil {
		t.Error("a batch was stored nowhere")
	}
	server.Restart(t)
	eventtest.Append(t, s, b)
	if n := eventtest.Number(t, s, "select count(*) from events"); n != 1 {
		t.Errorf("%d events, want 1", n)
	}
}

func TestURL(t *testing.T) {
	for _, c := range []struct{ url, protocol, addr, database, fault string }{
		{"clickhouse://u:p@ch:9000/moonbear", "native", "ch:9000", "moonbear", ""},
		{"clickhouse://u:p@a:9000,b:9000/m", "native", "a:9000 b:9000", "m", ""},
		{"http://ch:8123/m", "http", "ch:8123", "m", ""},
		{"clickhouse+http://ch:8123/m", "http", "ch:8123", "m", ""},
		{"https://ch:8443/m", "http", "ch:8443", "m", ""},
		{"clickhouse+https://ch:8443/m", "http", "ch:8443", "m", ""},
		{"duckdb://u:secret@x", "", "", "", "is not the URL of a ClickHouse"},
		{"http://u:secret@x:y:z", "", "", "", "is no URL"},
	} {
		o, err := clientOptions(Options{URL: c.url}, nil)
		if c.fault != "" {
			if err == nil || !strings.Contains(err.Error(), c.fault) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %v, want %q and no password", c.url, err, c.fault)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", c.url, err)
			continue
		}
		if o.Protocol.String() != c.protocol || strings.Join(o.Addr, " ") != c.addr || o.Auth.Database != c.database || (o.TLS != nil) != strings.Contains(c.url, "https") {
			t.Errorf("%s: %s to %v/%s, TLS %v", c.url, o.Protocol, o.Addr, o.Auth.Database, o.TLS != nil)
		}
	}
}

// A question that nobody waits for any longer is not worked on.
func TestSelectCancelledIsStopped(t *testing.T) {
	server := chtest.Start(t)
	s := openAt(t, server.Database(t), nil)
	defer s.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		rows, err := s.Select(ctx, "select count() from numbers(2000000000000) where sipHash64(number) = 1")
		if err == nil {
			_ = rows.Close()
		}
		done <- err
	}()
	running := func(want string) {
		t.Helper()
		for range 2000 {
			got, err := server.Ask("select count() from system.processes where query like '%sipHash64(number) = 1%' and query not like '%processes%'")
			if err != nil {
				t.Fatal(err)
			}
			if got == want {
				return
			}
		}
		t.Fatalf("never %s such queries", want)
	}
	running("1")
	cancel()
	if err := <-done; err == nil {
		t.Error("a cancelled query was answered")
	}
	running("0")
}
