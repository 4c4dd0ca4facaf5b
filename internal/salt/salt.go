// Package salt keeps the random numbers that visitor hashes are keyed with.
//
// A salt belongs to one time zone and one local date in it, so that a day of
// visitors is the site's own day. It is random, never derived from anything;
// it is on disk before it is first used, because a restart must not make one
// visitor two; and it is destroyed 48 hours after it was made, after which
// nobody, the operator included, can tell whether a visitor was a given
// person.
//
// Replicas share their salts (Share): the first one made for a day is everybody's.
package salt

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Salt keys a SipHash. The zero Salt is no salt.
type Salt [16]byte

// lifetime is the promise in the privacy policy: 48 hours after it was made a
// salt is gone. A visit may cross one midnight and engagement may follow six
// hours later, so 48 hours is also more than is needed.
const lifetime = 48 * time.Hour

// header is the first line of the file; its number is the format's version.
const header = "moonbear salts 1"

// entry is one salt with what it belongs to.
type entry struct {
	zone string // IANA name
	date string // local date, 2006-01-02
	made time.Time
	salt Salt
}

// day is what Pair answers for one zone during one minute.
type day struct {
	minute          int64 // Unix minutes
	today, previous Salt
	former          Salt // what Former answers
}

// Salts is the file of salts and its copy in memory. It is safe for concurrent
// use.
type Salts struct {
	path string
	now  func() time.Time

	mu      sync.Mutex // guards entries and the file
	entries []entry
	former  map[string]former // by zone
	sharing *sharing          // nil: there are no other replicas

	// days is replaced, never changed, so that a hit reads it without a lock.
	days atomic.Pointer[map[string]day]
}

// Open reads the salts in path, which need not exist yet, and forgets those
// past their time. now tells when a salt is made; nil is time.Now.
func Open(path string, now func() time.Time) (*Salts, error) {
	if now == nil {
		now = time.Now
	}
	s := &Salts{path: path, now: now, former: map[string]former{}}
	s.days.Store(&map[string]day{})
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open salts: %w", err)
	}
	defer f.Close()
	if err := f.Chmod(0o600); err != nil {
		return nil, fmt.Errorf("make salts private: %w", err)
	}
	if s.entries, err = parse(f); err != nil {
		return nil, fmt.Errorf("read salts %s: %w; removing the file makes new salts, and counts today's visitors once more", path, err)
	}
	// A full disk must not keep the server down. Whoever calls Destroy by the
	// clock tries again, and is told.
	_, _ = s.Destroy(now())
	return s, nil
}

// Pair returns the salt of the local date that now falls on in loc, and the
// salt before it in that zone, which is zero if there is none. tz is loc's
// IANA name, what the salt is filed under. A missing salt is made, and is on
// disk before Pair returns; those past their time are destroyed. Within a minute, a zone's answer is remembered:
// no zone in use changes its date inside a UTC minute.
func (s *Salts) Pair(loc *time.Location, tz string, now time.Time) (today, previous Salt, err error) {
	minute := floorDiv(now.Unix(), 60)
	if d, ok := (*s.days.Load())[tz]; ok && d.minute == minute {
		return d.today, d.previous, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// Hits go on with what can't be destroyed now; whoever calls Destroy by the
	// clock is told.
	_, _ = s.destroy(s.now())
	date := now.In(loc).Format(time.DateOnly)
	d := day{minute: minute}
	var latest string // the date of previous
	for i := range s.entries {
		e := &s.entries[i]
		switch {
		case e.zone != tz:
		case e.date == date:
			d.today = e.salt
		case e.date < date && e.date > latest:
			d.previous, latest = e.salt, e.date
		}
	}
	if d.today == (Salt{}) {
		var before Salt
		if d.today, before, err = s.make(tz, date, latest); err != nil {
			return Salt{}, Salt{}, err
		}
		if before != (Salt{}) {
			d.previous = before
		}
	}
	if f := s.former[tz]; s.now().Before(f.until) {
		d.former = f.salt
	}
	s.remember(tz, d)
	return d.today, d.previous, nil
}

// Destroy forgets, in memory and on disk, the salts made 48 hours or longer
// before now, and says how many.
func (s *Salts) Destroy(now time.Time) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.destroy(now)
}

func (s *Salts) destroy(now time.Time) (n int, err error) {
	kept := make([]entry, 0, len(s.entries))
	changed := false
	for _, e := range s.entries {
		if now.Sub(e.made) >= lifetime {
			n++
			changed = true
			continue
		}
		// Made while the clock was ahead: its 48 hours begin now, or it would
		// be kept until the clock is there again. A second is lost to
		// truncation.
		if e.made.After(now.Add(time.Second)) {
			e.made, changed = now.UTC().Truncate(time.Second), true
		}
		kept = append(kept, e)
	}
	if !changed {
		return 0, nil
	}
	if err := write(s.path, kept); err != nil {
		return 0, fmt.Errorf("destroy salts: %w", err)
	}
	clear(s.entries)
	s.entries = kept
	s.days.Store(&map[string]day{})
	return n, nil
}

// make adds a new salt, or the one another replica made, and writes all of them
// out. latest is the date before it that is known; before is the salt of the
// day before, if only another replica knew that.
func (s *Salts) make(tz, date, latest string) (salt, before Salt, err error) {
	e := entry{zone: tz, date: date, made: s.now().UTC().Truncate(time.Second)}
	rand.Read(e.salt[:]) // never fails: crypto/rand stops the program instead
	added := []entry{e}
	if s.sharing != nil {
		if added, err = s.ask(e, latest); err != nil {
			s.sharing.alone.Inc()
			added = []entry{e}
		}
	}
	if len(added) > 1 {
		before = added[1].salt
	}
	return added[0].salt, before, s.replace(append(slices.Clip(s.entries), added...))
}

// replace writes out the entries with new ones among them.
func (s *Salts) replace(all []entry) error {
	if err := write(s.path, all); err != nil {
		return fmt.Errorf("keep a new salt: %w", err)
	}
	s.entries = all
	return nil
}

// remember puts d where Pair finds it without a lock. An answer about the
// past (a batch's older events) does not push out the present one.
func (s *Salts) remember(tz string, d day) {
	old := *s.days.Load()
	if had, ok := old[tz]; ok && had.minute > d.minute {
		return
	}
	days := make(map[string]day, len(old)+1)
	for k, v := range old {
		days[k] = v
	}
	days[tz] = d
	s.days.Store(&days)
}

// parse reads what write wrote.
func parse(r io.Reader) ([]entry, error) {
	lines := bufio.NewScanner(r)
	if !lines.Scan() || lines.Text() != header {
		if err := lines.Err(); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("the first line is not %q", header)
	}
	var out []entry
	for n := 2; lines.Scan(); n++ {
		f := strings.Split(lines.Text(), " ")
		if len(f) != 4 {
			return nil, fmt.Errorf("line %d has %d fields, not zone, date, time made and salt", n, len(f))
		}
		made, err := time.Parse(time.RFC3339, f[2])
		if err != nil {
			return nil, fmt.Errorf("line %d: the time made is not RFC 3339", n)
		}
		if _, err := time.Parse(time.DateOnly, f[1]); err != nil {
			return nil, fmt.Errorf("line %d: the date is not YYYY-MM-DD", n)
		}
		e := entry{zone: f[0], date: f[1], made: made}
		if b, err := hex.DecodeString(f[3]); err != nil || len(b) != len(e.salt) {
			return nil, fmt.Errorf("line %d: the salt is not %d hex digits", n, 2*len(e.salt))
		} else {
			copy(e.salt[:], b)
		}
		out = append(out, e)
	}
	return out, lines.Err()
}

// write replaces the file: a new one, synced, takes the old one's name, so
// that a crash leaves one of the two whole. The old one's bytes are then
// overwritten, as far as the file system allows: an unlinked file would keep
// destroyed salts on the disk.
func write(path string, entries []entry) (err error) {
	var b strings.Builder
	b.WriteString(header + "\n")
	for _, e := range entries {
		fmt.Fprintf(&b, "%s %s %s %x\n", e.zone, e.date, e.made.Format(time.RFC3339), e.salt)
	}
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(b.String())
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	old, _ := os.OpenFile(path, os.O_WRONLY, 0) // absent the first time
	if old != nil {
		defer old.Close()
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return err
	}
	if old == nil {
		return nil
	}
	return overwrite(old)
}

func overwrite(f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(make([]byte, info.Size()), 0); err != nil {
		return err
	}
	return f.Sync()
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// floorDiv is a/b rounded down, also before 1970.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
