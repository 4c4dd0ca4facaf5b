package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moonbear/internal/transfer"
)

// importLog is a log of n pages and a bot.
func importLog(n int) string {
	var b strings.Builder
	at := time.Date(2025, 5, 17, 8, 0, 0, 0, time.UTC)
	for i := range n {
		fmt.Fprintf(&b, "203.0.113.%d - - [%s] \"GET /p%d HTTP/1.1\" 200 512 \"-\" %q\n", i%200, at.Add(time.Duration(i)*time.Second).Format("02/Jan/2006:15:04:05 -0700"), i%7, browserUA)
	}
	b.WriteString(`203.0.113.7 - - [17/May/2025:09:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0 (compatible; Yeti/1.1; +https://naver.me/spd)"` + "\n")
	return b.String()
}

// stdin is a pipe that says something.
func stdin(t *testing.T, text []byte) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	go func() {
		_, _ = w.Write(text)
		_ = w.Close()
	}()
	return r
}

// TestImport imports, lists and takes back, beside a running server and without
// one: what is printed is the same.
func TestImport(t *testing.T) {
	for _, serving := range []bool{false, true} {
		t.Run(fmt.Sprint("serving=", serving), func(t *testing.T) {
			cfg := testConfig(t, t.TempDir())
			made, err := Setup(t.Context(), cfg, SetupRequest{Email: "owner@shop.test", Password: "a long enough password", Domain: "shop.test", TimeZone: "Asia/Seoul"})
			if err != nil {
				t.Fatal(err)
			}
			if serving {
				start(t, cfg, ServeOptions{})
			}
			text := importLog(500)
			path := filepath.Join(t.TempDir(), "access.log")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			_, _ = io.WriteString(z, text+importLog(0))
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct {
				name  string
				r     ImportRequest
				in    []byte
				wants []string
			}{
				{"nothing yet", ImportRequest{List: true}, nil, []string{"Nothing was imported yet."}},
				{"a file", ImportRequest{Site: made.SiteID, Files: []string{path}}, nil, []string{"501 lines read = 500 stored + 1 dropped", "bots: Yeti (Naver) 1", "200 visitors", "moonbear import --undo 1"}},
				{"it grew, and comes by a pipe", ImportRequest{Site: "Shop.test", Files: []string{"-"}}, packed.Bytes(), []string{"502 lines read = 0 stored + 502 dropped", "501  imported before"}},
				{"the list", ImportRequest{List: true, Site: made.SiteID}, nil, []string{"1   shop.test  access.log  combined  2025-05-17", "500     2        done"}},
				{"taken back", ImportRequest{Undo: 1}, nil, []string{"Import 1 (access.log) is taken back: 500 lines"}},
				{"the list then", ImportRequest{List: true}, nil, []string{"undone"}},
				{"again", ImportRequest{Site: "shop.test", Files: []string{path}, Format: "combined"}, nil, []string{"500 stored", "--undo 2"}},
			} {
				var out bytes.Buffer
				if err := Import(t.Context(), cfg, step.r, stdin(t, step.in), &out, io.Discard); err != nil {
					t.Fatalf("%s: %v", step.name, err)
				}
				for _, want := range step.wants {
					if !strings.Contains(out.String(), want) {
						t.Errorf("%s: %q is not in what was printed:\n%s", step.name, want, out.String())
					}
				}
			}
			importMistakes(t, cfg, path)
		})
	}
}

func importMistakes(t *testing.T, cfg Config, path string) {
	t.Helper()
	for _, tt := range []struct {
		r    ImportRequest
		says string
	}{
		{ImportRequest{}, "Name the files"},
		{ImportRequest{Files: []string{path}}, "--site"},
		{ImportRequest{Files: []string{path}, Site: "x", List: true}, "ask for one"},
		{ImportRequest{Files: []string{path}, Site: "nobody.test"}, `no site "nobody.test"`},
		{ImportRequest{Files: []string{path}, Site: "shop.test", Format: "nginx"}, `no format "nginx"`},
		{ImportRequest{Files: []string{path}, Site: "shop.test", Format: "json"}, "was imported as combined"},
		{ImportRequest{Files: []string{"-"}, Site: "shop.test"}, "the file is empty"},
		{ImportRequest{Files: []string{filepath.Dir(path)}, Site: "shop.test"}, "it is a folder"},
		{ImportRequest{Files: []string{path + ".gone"}, Site: "shop.test"}, "no such file"},
		{ImportRequest{Undo: 99}, "no import with this ID"},
		{ImportRequest{Undo: 1}, "taken back already"},
	} {
		err := Import(t.Context(), cfg, tt.r, stdin(t, nil), io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%+v: got %v, want an error that says %q", tt.r, err, tt.says)
		}
	}
}

// TestImportIsInterrupted hangs up in the middle of a stream: the server stops,
// and the same file goes on.
func TestImportIsInterrupted(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	if _, err := Setup(t.Context(), cfg, SetupRequest{Email: "owner@shop.test", Password: "a long enough password", Domain: "shop.test"}); err != nil {
		t.Fatal(err)
	}
	start(t, cfg, ServeOptions{})
	text := []byte(importLog(30_000))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	request := ImportRequest{Site: "shop.test", Files: []string{"-"}}
	go func() { done <- Import(ctx, cfg, request, r, io.Discard, io.Discard) }()
	if _, err := w.Write(text[:len(text)*2/3]); err != nil { // and then nothing: the server waits for more
		t.Fatal(err)
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	// The server notices by itself; until then another import is refused.
	var out bytes.Buffer
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		out.Reset()
		err := Import(t.Context(), cfg, request, stdin(t, text), &out, io.Discard)
		if err == nil {
			break
		}
		if !strings.Contains(err.Error(), "Another import is running") || time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if !strings.Contains(out.String(), "30,001 lines read = ") || !strings.Contains(out.String(), "here now: 30,000 lines") {
		t.Errorf("the rest:\n%s", out.String())
	}
}

func TestImportProgress(t *testing.T) {
	var b bytes.Buffer
	now := time.Unix(1000, 0)
	bar := newProgress(&b, "lines", 0, 0)
	bar.now = func() time.Time { return now }
	x := importTeller{bar: bar}
	x.begin()
	now = now.Add(10 * time.Second)
	x.progress(transfer.Progress{Name: "a.log", Lines: 1_500_000, Bytes: 250e6, Size: 1000e6})
	now = now.Add(10 * time.Second)
	x.progress(transfer.Progress{Name: "-", Lines: 3_000_000, Bytes: 500e6, Known: true})
	want := "a.log:  25 %  1,500,000 lines, 150,000 lines/s, 25.0 MB/s, 30s left\n-: 3,000,000 lines, 150,000 lines/s, 25.0 MB/s (known from before)\n"
	if b.String() != want {
		t.Errorf("got %q\nwant %q", b.String(), want)
	}
}
