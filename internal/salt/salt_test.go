package salt

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // the same zones everywhere
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func open(t *testing.T, path string, now time.Time) *Salts {
	t.Helper()
	s, err := Open(path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pair(t *testing.T, s *Salts, tz string, now time.Time) (Salt, Salt) {
	t.Helper()
	a, b, err := s.Pair(zone(t, tz), tz, now)
	if err != nil {
		t.Fatal(err)
	}
	return a, b
}

// A salt changes exactly where the local date does, whatever the clocks there
// do around midnight.
func TestPairFollowsLocalDates(t *testing.T) {
	for name, tc := range map[string]struct {
		tz            string
		before, after string // the last minute of one date, the first of the next
	}{
		"seoul":                         {"Asia/Seoul", "2026-03-01T14:59:59Z", "2026-03-01T15:00:00Z"},
		"kathmandu, +05:45":             {"Asia/Kathmandu", "2026-03-01T18:14:59Z", "2026-03-01T18:15:00Z"},
		"chatham, +13:45 in summer":     {"Pacific/Chatham", "2026-01-10T10:14:59Z", "2026-01-10T10:15:00Z"},
		"st john's, -02:30 in summer":   {"America/St_Johns", "2026-07-02T02:29:59Z", "2026-07-02T02:30:00Z"},
		"lord howe, half an hour DST":   {"Australia/Lord_Howe", "2026-01-10T12:59:59Z", "2026-01-10T13:00:00Z"},
		"berlin, spring forward":        {"Europe/Berlin", "2026-03-28T22:59:59Z", "2026-03-28T23:00:00Z"},
		"berlin, a 23 hour day's end":   {"Europe/Berlin", "2026-03-29T21:59:59Z", "2026-03-29T22:00:00Z"},
		"berlin, a 25 hour day's end":   {"Europe/Berlin", "2026-10-25T22:59:59Z", "2026-10-25T23:00:00Z"},
		"beirut, midnight is skipped":   {"Asia/Beirut", "2026-03-28T21:59:59Z", "2026-03-28T22:00:00Z"},
		"santiago, midnight is skipped": {"America/Santiago", "2026-09-06T03:59:59Z", "2026-09-06T04:00:00Z"},
		"kiritimati, +14":               {"Pacific/Kiritimati", "2026-05-05T09:59:59Z", "2026-05-05T10:00:00Z"},
		"apia, the day that was not":    {"Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z"},
	} {
		t.Run(name, func(t *testing.T) {
			before, after := at(t, tc.before), at(t, tc.after)
			s := open(t, filepath.Join(t.TempDir(), "salts"), before)
			last, none := pair(t, s, tc.tz, before)
			if none != (Salt{}) || last == (Salt{}) {
				t.Fatalf("first day: today %x, previous %x", last, none)
			}
			if same, _ := pair(t, s, tc.tz, before.Add(-3*time.Hour)); same != last {
				t.Error("three hours earlier, on the same date, the salt is another")
			}
			first, previous := pair(t, s, tc.tz, after)
			if first == last {
				t.Error("the new date has the old salt")
			}
			if previous != last {
				t.Error("the new date does not know the old salt")
			}
			if again, p := pair(t, s, tc.tz, before); again != last || p != (Salt{}) {
				t.Error("asked about the old date again, the answer changed")
			}
			if again, _ := pair(t, s, tc.tz, after); again != first {
				t.Error("a question about the past changed the present")
			}
		})
	}
}

// Santiago's and Havana's clocks go back from 00:00 to 23:00: the same local
// date comes twice, with one salt.
func TestClocksGoBackOverMidnight(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "salts"), at(t, "2026-04-05T02:30:00Z"))
	first, _ := pair(t, s, "America/Santiago", at(t, "2026-04-05T02:59:59Z"))  // Saturday 23:59:59, summer
	second, _ := pair(t, s, "America/Santiago", at(t, "2026-04-05T03:00:00Z")) // Saturday 23:00 once more
	third, previous := pair(t, s, "America/Santiago", at(t, "2026-04-05T04:00:00Z"))
	if first != second || third == second || previous != second {
		t.Errorf("salts %x, %x, %x, previous %x", first, second, third, previous)
	}
}

func TestZonesDoNotShare(t *testing.T) {
	now := at(t, "2026-03-01T12:00:00Z")
	s := open(t, filepath.Join(t.TempDir(), "salts"), now)
	a, _ := pair(t, s, "Asia/Seoul", now)
	b, previous := pair(t, s, "Asia/Tokyo", now)
	if a == b || previous != (Salt{}) {
		t.Error("two zones share a salt")
	}
}

func TestSurvivesARestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "salts")
	now := at(t, "2026-03-01T14:00:00Z")
	s := open(t, path, now)
	a, _ := pair(t, s, "Asia/Seoul", now)
	b, _ := pair(t, s, "Asia/Seoul", now.Add(2*time.Hour))

	again := open(t, path, now.Add(2*time.Hour))
	today, previous := pair(t, again, "Asia/Seoul", now.Add(2*time.Hour))
	if today != b || previous != a {
		t.Errorf("after a restart today %x, previous %x; want %x, %x", today, previous, b, a)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

func TestOpenMakesTheFilePrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "salts")
	if err := os.WriteFile(path, []byte(header+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, path, time.Now())
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
}

func TestDestroy(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "salts")
	made := at(t, "2026-03-01T14:00:00Z")
	now := made
	s, err := Open(path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	old, _ := pair(t, s, "Asia/Seoul", made)
	now = made.Add(24 * time.Hour)
	kept, _ := pair(t, s, "Asia/Seoul", now)

	// A second name for the file shows what its blocks hold once it is replaced.
	if err := os.Link(path, filepath.Join(dir, "blocks")); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Destroy(made.Add(lifetime - time.Second)); n != 0 || err != nil {
		t.Errorf("a second early: %d destroyed, %v", n, err)
	}
	if n, err := s.Destroy(made.Add(lifetime)); n != 1 || err != nil {
		t.Errorf("on time: %d destroyed, %v", n, err)
	}
	for _, name := range []string{"salts", "blocks"} {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(b, []byte(hex.EncodeToString(old[:]))) {
			t.Errorf("%s still holds a destroyed salt", name)
		}
	}
	if today, previous := pair(t, s, "Asia/Seoul", now); today != kept || previous != (Salt{}) {
		t.Error("destroying the old salt touched the new one, or left the old one in memory")
	}
	if today, _ := pair(t, open(t, path, now), "Asia/Seoul", now); today != kept {
		t.Error("the new salt is not in the file any more")
	}
	if n, _ := open(t, path, made.Add(10*lifetime)).Destroy(made); n != 0 {
		t.Error("opening does not forget salts past their time")
	}
}

// The job that destroys runs hourly; a server that takes hits keeps the
// promise to the minute.
func TestPairDestroys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "salts")
	now := at(t, "2026-03-01T14:00:00Z")
	s, err := Open(path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	old, _ := pair(t, s, "Asia/Seoul", now)
	for _, c := range []struct {
		after time.Duration
		there bool
	}{{lifetime - time.Minute, true}, {lifetime, false}} {
		now = at(t, "2026-03-01T14:00:00Z").Add(c.after)
		pair(t, s, "Europe/Berlin", now)
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if there := bytes.Contains(b, []byte(hex.EncodeToString(old[:]))); there != c.there {
			t.Errorf("%v after it was made the file holds the salt: %v", c.after, there)
		}
	}
}

// The clock was a year ahead when a salt was made. Set right, it must not keep
// that salt for a year.
func TestSaltMadeInTheFuture(t *testing.T) {
	path := filepath.Join(t.TempDir(), "salts")
	now := at(t, "2027-03-01T14:00:00Z")
	s, err := Open(path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	wrong, _ := pair(t, s, "Asia/Seoul", now)
	now = at(t, "2026-03-01T14:00:00Z")
	if _, err := s.Destroy(now); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, now)
	if n, err := s.Destroy(now.Add(lifetime)); n != 1 || err != nil {
		t.Errorf("48 hours after the clock was set right: %d destroyed, %v", n, err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(b, []byte(hex.EncodeToString(wrong[:]))) {
		t.Error("the file still holds the salt")
	}
}

// A full disk must not keep the server down: what is past its time stays until
// it can be destroyed.
func TestOpenWithoutDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "salts")
	made := at(t, "2026-03-01T14:00:00Z")
	s := open(t, path, made)
	old, _ := pair(t, s, "Asia/Seoul", made)
	now := made.Add(lifetime - time.Hour)
	kept, _ := pair(t, open(t, path, now), "Asia/Seoul", now)

	now = made.Add(lifetime)
	if err := os.Mkdir(path+".new", 0o700); err != nil { // no file can be written there
		t.Fatal(err)
	}
	s, err := Open(path, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	if today, _ := pair(t, s, "Asia/Seoul", now); today != kept {
		t.Error("today's salt is another one")
	}
	if _, err := s.Destroy(now); err == nil {
		t.Error("destroying says nothing of what it could not destroy")
	}
	if err := os.Remove(path + ".new"); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Destroy(now); n != 1 || err != nil {
		t.Errorf("with a disk again: %d destroyed, %v", n, err)
	}
	b, err := os.ReadFile(path)
	if err != nil || bytes.Contains(b, []byte(hex.EncodeToString(old[:]))) {
		t.Error("the file still holds the old salt", err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for name, tc := range map[string]struct{ file, says string }{
		"empty":      {"", "first line"},
		"other file": {"hello\n", "first line"},
		"fields":     {header + "\nAsia/Seoul 2026-03-01\n", "line 2 has 2 fields"},
		"time":       {header + "\nAsia/Seoul 2026-03-01 now 00\n", "line 2: the time made"},
		"date":       {header + "\nAsia/Seoul 1/3/2026 2026-03-01T00:00:00Z 00\n", "line 2: the date"},
		"salt":       {header + "\nAsia/Seoul 2026-03-01 2026-03-01T00:00:00Z 00\n", "line 2: the salt is not 32"},
	} {
		path := filepath.Join(t.TempDir(), "salts")
		if err := os.WriteFile(path, []byte(tc.file), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, nil); err == nil || !strings.Contains(err.Error(), tc.says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v; want it to name the file and say %q", name, err, tc.says)
		}
	}
}

// A salt that cannot be kept must not be used.
func TestNoSaltWithoutDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "gone")
	s := open(t, filepath.Join(dir, "salts"), time.Now())
	loc := zone(t, "Asia/Seoul")
	if _, _, err := s.Pair(loc, "Asia/Seoul", time.Now()); err == nil {
		t.Fatal("a salt was given out although the directory does not exist")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if a, _, err := s.Pair(loc, "Asia/Seoul", time.Now()); err != nil || a == (Salt{}) {
		t.Fatalf("after the directory came back: %x, %v", a, err)
	}
}

func TestManyAtMidnight(t *testing.T) {
	now := at(t, "2026-03-01T15:00:00Z")
	path := filepath.Join(t.TempDir(), "salts")
	s := open(t, path, now)
	loc := zone(t, "Asia/Seoul")
	var wg sync.WaitGroup
	got := make([]Salt, 50)
	for i := range got {
		wg.Go(func() {
			a, _, err := s.Pair(loc, "Asia/Seoul", now.Add(time.Duration(i)*time.Second))
			if err != nil {
				t.Error(err)
			}
			got[i] = a
		})
	}
	wg.Wait()
	for _, a := range got {
		if a != got[0] {
			t.Fatal("one date got two salts")
		}
	}
	if again, _ := pair(t, open(t, path, now), "Asia/Seoul", now); again != got[0] {
		t.Error("the file has another salt")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(header + "\nAsia/Seoul 2026-03-01 2026-03-01T00:00:00Z 000102030405060708090a0b0c0d0e0f\n")
	f.Add(header)
	f.Fuzz(func(t *testing.T, file string) {
		entries, err := parse(strings.NewReader(file))
		if err != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "salts")
		if err := write(path, entries); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, func() time.Time { return time.Time{} }); err != nil {
			t.Fatalf("%d salts were written and cannot be read: %v", len(entries), err)
		}
	})
}

func BenchmarkPair(b *testing.B) {
	now := time.Now()
	s, err := Open(filepath.Join(b.TempDir(), "salts"), nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := s.Pair(time.UTC, "UTC", now); err != nil {
			b.Fatal(err)
		}
	}
}
