package site_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"moonbear/internal/site"
)

// A server whose control database is away collects with the sites it knew.
func TestMirror(t *testing.T) {
	h, res, _ := owned(t)
	path := filepath.Join(t.TempDir(), "sites.json")
	h.sites.Directory().MirrorIn(path)
	st, err := h.sites.Create(t.Context(), site.NewSite{Account: res.Account, Domain: "mirror.example.com", TimeZone: "Asia/Seoul", Currency: "krw", KeepFragment: true})
	if err != nil {
		t.Fatal(err)
	}
	want, _ := h.sites.Directory().Lookup(st.PublicID)

	away := newHouse(t).sites.Directory()
	away.MirrorIn(path)
	if away.Ready() {
		t.Fatal("the list is known before anything was read")
	}
	if err := away.Recall(); err != nil {
		t.Fatal(err)
	}
	got, ok := away.Lookup("Mirror.example.com")
	if !ok || !reflect.DeepEqual(*got, *want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: want mode 600", info.Mode(), err)
	}
	// What the database says replaces it.
	if err := away.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := away.Lookup(st.PublicID); ok {
		t.Error("a site that the database doesn't have is still there")
	}
}

func TestMirrorRefuses(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"nothing", "", "unexpected end"},
		{"half", `{"format":1,"sites":[{"id":1`, "unexpected end"},
		{"of another program", `{"format":2,"sites":[]}`, "its format is 2, this program reads 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "sites.json")
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			d := newHouse(t).sites.Directory()
			d.MirrorIn(path)
			if err := d.Recall(); err == nil || !strings.Contains(err.Error(), tt.want) || d.Ready() {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
