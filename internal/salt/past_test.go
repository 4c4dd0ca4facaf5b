package salt

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Salts of imports are their own, are on disk, follow dates, and live 48 hours.
func TestPast(t *testing.T) {
	now := at(t, "2026-11-22T12:00:00Z")
	path := filepath.Join(t.TempDir(), "salts")
	s, err := Open(path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	live, _ := pair(t, s, "Asia/Seoul", now)
	past := func(s *Salts, tz, date string) (Salt, Salt) {
		t.Helper()
		d, err := time.Parse(time.DateOnly, date)
		if err != nil {
			t.Fatal(err)
		}
		a, b, err := s.Past(tz, d)
		if err != nil {
			t.Fatal(err)
		}
		return a, b
	}
	first, before := past(s, "Asia/Seoul", "2015-06-01")
	_, may31 := past(s, "Asia/Seoul", "2015-06-01")
	last, _ := past(s, "Asia/Seoul", "2015-05-31")
	today, _ := past(s, "Asia/Seoul", "2026-11-22")
	berlin, _ := past(s, "Europe/Berlin", "2015-06-01")
	if before != last || may31 != last {
		t.Error("the day before 1 June has another salt than 31 May")
	}
	seen := map[Salt]bool{}
	for _, x := range []Salt{live, first, last, today, berlin} {
		if x == (Salt{}) || seen[x] {
			t.Errorf("%x is none, or another day's or zone's too", x)
		}
		seen[x] = true
	}
	again, err := Open(path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if same, _ := past(again, "Asia/Seoul", "2015-06-01"); same != first {
		t.Error("after a start it is another salt")
	}
	if n, err := again.Destroy(now.Add(48 * time.Hour)); err != nil || n < 60 {
		t.Errorf("%d destroyed, %v", n, err)
	}
	if b, err := os.ReadFile(path); err != nil || strings.Count(string(b), "\n") != 1 {
		t.Errorf("%v, left:\n%s", err, b)
	}
	if other, _ := past(again, "Asia/Seoul", "2015-06-01"); other == first {
		t.Error("a destroyed salt is back")
	}
}
