package tools

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"moonbear/internal/fault"
	"moonbear/internal/transfer"
)

// open opens a file's bytes as the format they are told to be.
func open(b []byte) (transfer.Source, error) {
	in, err := transfer.NewInput(transfer.File{Name: "file", Reader: bytes.NewReader(b), Size: int64(len(b))})
	if err != nil {
		return nil, err
	}
	h := in.Head()
	var not []string
	for _, f := range Formats() {
		why := f.Looks(h)
		if why == "" {
			return f.Open(in, transfer.Settings{Domain: "example.com", Location: time.UTC})
		}
		not = append(not, why)
	}
	return nil, fault.New(fault.Invalid, strings.Join(not, "; "))
}

// items reads a file to its end.
func items(t *testing.T, b []byte) []transfer.Item {
	t.Helper()
	src, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	var out []transfer.Item
	for {
		var it transfer.Item
		err := src.Next(&it)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, it)
	}
}

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// zipOf packs a folder of testdata as the tools do.
func zipOf(t testing.TB, folder string) []byte {
	t.Helper()
	files, err := os.ReadDir(filepath.Join("testdata", folder))
	if err != nil {
		t.Fatal(err)
	}
	members := map[string][]byte{}
	for _, f := range files {
		members[f.Name()] = fixture(t, filepath.Join(folder, f.Name()))
	}
	return zipWith(t, members)
}

func zipWith(t testing.TB, members map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, data := range members {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// tally counts what came of a file's rows.
type tally struct {
	records, counts int
	drops           map[transfer.Reason]int
}

func tallyOf(its []transfer.Item) tally {
	n := tally{drops: map[transfer.Reason]int{}}
	for _, it := range its {
		switch {
		case it.Drop.Reason != "":
			n.drops[it.Drop.Reason]++
		case it.Days != nil:
			n.counts++
		default:
			n.records++
		}
	}
	return n
}

// A file that no format takes, or whose totals can't be spread, is refused with
// words that say what to bring instead.
func TestRefused(t *testing.T) {
	none := []byte{}
	for _, c := range []struct {
		name string
		file []byte
		says string
	}{
		{"Plausible's dashboard", zipWith(t, map[string][]byte{"visitors.csv": none, "sources.csv": none, "pages.csv": none, "entry_pages.csv": none}), "Export data"},
		{"Umami's dashboard", zipWith(t, map[string][]byte{"events.csv": none, "pages.csv": none, "referrers.csv": none, "browsers.csv": none, "os.csv": none}), "website_event.csv"},
		{"GA4 without days", fixture(t, "ga4_totals.csv"), "Date"},
		{"GA4 in a language we don't know", []byte("# ----\n# Start date: 20240101\n# End date: 20240101\nLand,Sitzungen\nKorea,3\n"), "English or Korean"},
		{"GoatCounter of the future", []byte("3Path,Title,Event,Bot,Session,Date\n"), "version 3"},
		{"GoatCounter without its dates", []byte("2Path,Title,Event,Bot,Session\n"), "date"},
		{"a recipe", []byte("flour, 2 cups\n"), "column"},
		{"another zip", zipWith(t, map[string][]byte{"holiday.jpg": none}), "imported_"},
		{"an open quotation mark", []byte("2Path,Title,Event,Bot,Session,Date\n\"" + strings.Repeat("x", 3<<20)), "1 MiB"},
		{"a broken array", []byte(`[{"event_timestamp":"1709251200000000","event_name":"page_view"}, {`), "early"},
	} {
		t.Run(c.name, func(t *testing.T) {
			src, err := open(c.file)
			for err == nil {
				err = src.Next(&transfer.Item{})
			}
			if errors.Is(err, io.EOF) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("refused with %q, want a word of %q", err, c.says)
			}
		})
	}
}

// No format may take a file of another.
func TestOneFormatEach(t *testing.T) {
	for name, file := range map[string][]byte{
		"goatcounter": fixture(t, "goatcounter2.csv"), "umami": zipOf(t, "umami"), "plausible": zipOf(t, "plausible"),
		"ga4": fixture(t, "ga4_dates.csv"), "ga4-bigquery": fixture(t, "bigquery.ndjson"),
	} {
		in, err := transfer.NewInput(transfer.File{Name: name, Reader: bytes.NewReader(file), Size: int64(len(file))})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range Formats() {
			if why := f.Looks(in.Head()); (why == "") != (f.Name == name) {
				t.Errorf("%s for a file of %s: %q", f.Name, name, why)
			}
		}
	}
	in, err := transfer.NewInput(transfer.File{Name: "events", Reader: bytes.NewReader(fixture(t, "umami/website_event.csv"))})
	if err != nil {
		t.Fatal(err)
	}
	if why := looksUmami(in.Head()); why != "" {
		t.Error(why)
	}
}
