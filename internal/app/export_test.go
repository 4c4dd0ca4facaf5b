package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestExport exports beside a running server and without one: the files must
// be the same.
func TestExport(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	made, err := Setup(t.Context(), cfg, SetupRequest{Email: "owner@shop.test", Password: "a long enough password", Domain: "shop.test", TimeZone: "Asia/Seoul"})
	if err != nil {
		t.Fatal(err)
	}
	s := start(t, cfg, ServeOptions{})
	for i := range 5 {
		s.view(made.SiteID, fmt.Sprintf("https://shop.test/page-%d", i))
	}
	until(t, "5 pageviews", func() bool { return s.metric(made, "pageviews") == 5 })
	dir := t.TempDir()
	exported := func(r ExportRequest, says string) []byte {
		t.Helper()
		r.Site = made.SiteID
		var out, tell bytes.Buffer
		if r.Output != "-" {
			r.Output = filepath.Join(dir, r.Output)
		}
		if err := Export(t.Context(), cfg, r, &out, &tell); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(tell.String(), says) {
			t.Errorf("it says %q, want %q", &tell, says)
		}
		if r.Output == "-" {
			return out.Bytes()
		}
		b, err := os.ReadFile(r.Output)
		if err != nil || out.Len() > 0 {
			t.Errorf("%v, %d bytes on standard output", err, out.Len())
		}
		return b
	}
	running := map[string][]byte{}
	for _, name := range []string{"a.csv", "a.ndjson", "a.parquet"} {
		running[name] = exported(ExportRequest{Output: name}, "5 events, ")
	}
	if n := strings.Count(string(running["a.csv"]), "\n"); n != 6 || !strings.Contains(string(running["a.csv"]), ",/page-4,shop.test,") {
		t.Errorf("%d lines:\n%s", n, running["a.csv"])
	}
	if got := exported(ExportRequest{Output: "-", Format: "ndjson"}, "of ndjson"); !bytes.Equal(got, running["a.ndjson"]) {
		t.Errorf("standard output has\n%s, the file\n%s", got, running["a.ndjson"])
	}
	if got := exported(ExportRequest{Output: "-", To: "2020-01-01"}, "0 events"); strings.Count(string(got), "\n") != 1 {
		t.Errorf("nothing but a header was expected:\n%s", got)
	}
	exportFaults(t, cfg, made.SiteID, dir)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for name, want := range running {
		if got := exported(ExportRequest{Output: name}, "5 events, "); !bytes.Equal(got, want) && name != "a.parquet" {
			t.Errorf("%s differs without a server:\n%s, with it:\n%s", name, got, want)
		}
	}
	z, err := gzip.NewReader(bytes.NewReader(exported(ExportRequest{Output: "a.csv.gz"}, "5 events")))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, running["a.csv"]) {
		t.Errorf("unzipped it is %q, %v", got, err)
	}
	exportFaults(t, cfg, made.SiteID, dir)
	if left, err := filepath.Glob(filepath.Join(dir, "*.tmp")); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind, %v", left, err)
	}
}

func exportFaults(t *testing.T, cfg Config, site, dir string) {
	t.Helper()
	for _, c := range []struct {
		r    ExportRequest
		says string
	}{
		{ExportRequest{Site: "made-up"}, `There is no site "made-up"`},
		{ExportRequest{Site: site, From: "2026"}, "from must be a date"},
		{ExportRequest{Site: site, From: "2026-02-02", To: "2026-02-01"}, "to is before from"},
		{ExportRequest{Site: site, Format: "xlsx"}, "csv, ndjson or parquet"},
		{ExportRequest{Site: site, Output: "a.parquet.gz"}, "compressed inside"},
		{ExportRequest{Site: site, Output: "no/such/folder.csv"}, "--output"},
	} {
		if c.r.Output != "" {
			c.r.Output = filepath.Join(dir, c.r.Output)
		}
		if err := Export(t.Context(), cfg, c.r, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.r, err, c.says)
		}
	}
	// A file that is there stays when an export fails.
	old := filepath.Join(dir, "old.csv")
	if err := os.WriteFile(old, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Export(ctx, cfg, ExportRequest{Site: site, Output: old}, io.Discard, io.Discard)
	if b, rerr := os.ReadFile(old); err == nil || rerr != nil || string(b) != "old" {
		t.Errorf("cancelled: %v; the file is now %q, %v", err, b, rerr)
	}
}

// TestFrames reads what framer writes, and takes nothing that ends early for
// whole.
func TestFrames(t *testing.T) {
	var wire, out bytes.Buffer
	f := &framer{w: &wire}
	want := bytes.Repeat([]byte("0123456789abcdef"), 200_000) // 3.2 MB
	f.events = 7
	if _, err := f.Write(want); err != nil {
		t.Fatal(err)
	}
	f.events = 9
	if err := f.frame(nil); err != nil {
		t.Fatal(err)
	}
	var seen int64
	if n, err := readFrames(bytes.NewReader(wire.Bytes()), &out, func(n int64) { seen = n }); n != 9 || seen != 7 || err != nil || !bytes.Equal(out.Bytes(), want) {
		t.Errorf("%d events, %d seen, %v, %d bytes", n, seen, err, out.Len())
	}
	for _, cut := range []int{0, 5, frameHead, frameHead + 9, wire.Len() - frameHead, wire.Len() - 1} {
		if _, err := readFrames(bytes.NewReader(wire.Bytes()[:cut]), io.Discard, func(int64) {}); err == nil {
			t.Errorf("cut at %d of %d bytes it is taken for whole", cut, wire.Len())
		}
	}
	huge := binary.LittleEndian.AppendUint32(make([]byte, 8), maxFrame+1)
	if _, err := readFrames(bytes.NewReader(huge), io.Discard, func(int64) {}); !errors.Is(err, errExportBroken) {
		t.Errorf("a frame of more than a frame may have: %v", err)
	}
}
