package move

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Addresses of a pair of stores, without passwords. "" is a store that isn't
// moved.
type Addresses struct {
	Database string `json:"database,omitempty"`
	Events   string `json:"events,omitempty"`
}

// password stands where one was.
const password = "PASSWORD"

// Address is a store's URL as it may be written down: no password, and a file's
// whole path.
func Address(raw string) string {
	if raw == "" {
		return ""
	}
	scheme, path, _ := strings.Cut(raw, "://")
	if scheme == "sqlite" || scheme == "duckdb" {
		if abs, err := filepath.Abs(path); err == nil {
			path = abs
		}
		return scheme + "://" + path
	}
	u, err := url.Parse(raw)
	if err != nil {
		return scheme + "://…"
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), password)
	}
	if q := u.Query(); q.Has("password") {
		q.Set("password", password)
		u.RawQuery = q.Encode()
	}
	return u.String()
}

// state is DATA_DIR/move.json: a move that was begun and isn't made. How far it
// is the target says.
type state struct {
	ID      string    `json:"id"`
	Started time.Time `json:"started_at"`
	To      Addresses `json:"to"`
	path    string
}

const (
	stateName = "move.json"
	movedName = "moved.json"
)

// openState goes on with the move to these targets, or begins one.
func openState(dir string, to Addresses, now time.Time) (s *state, resumed bool, err error) {
	s = &state{path: filepath.Join(dir, stateName)}
	b, err := os.ReadFile(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, false, err
	default:
		if err := json.Unmarshal(b, s); err != nil {
			return nil, false, fmt.Errorf("%s can't be read; remove it to begin anew, with an empty target: %w", s.path, err)
		}
		if s.To == to {
			return s, true, nil
		}
	}
	var id [8]byte
	_, _ = rand.Read(id[:])
	s.ID, s.Started, s.To = hex.EncodeToString(id[:]), now.UTC(), to
	return s, false, writeJSON(s.path, s)
}

func (s *state) remove() error { return os.Remove(s.path) }

// Made is a move that was made.
type Made struct {
	ID   string    `json:"id"`
	At   time.Time `json:"at"`
	From Addresses `json:"from"`
	To   Addresses `json:"to"`
}

// Moved is DATA_DIR/moved.json: the moves of an instance, the first one first.
type Moved struct {
	Moves []Made `json:"moves"`
}

// ReadMoved reads a data directory's moves; none is no error.
func ReadMoved(dir string) (Moved, error) {
	var m Moved
	b, err := os.ReadFile(filepath.Join(dir, movedName))
	if errors.Is(err, fs.ErrNotExist) {
		return m, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &m)
	}
	if err != nil {
		return m, fmt.Errorf("read what was moved from here: %w", err)
	}
	return m, nil
}

// Now is where what was at these addresses is by now, and the last move that
// took it there; its At is zero when it is where it was.
func (m Moved) Now(a Addresses) (now Addresses, last Made) {
	now = a
	for _, made := range m.Moves {
		if made.To.Database != "" && made.From.Database == now.Database {
			now.Database, last = made.To.Database, made
		}
		if made.To.Events != "" && made.From.Events == now.Events {
			now.Events, last = made.To.Events, made
		}
	}
	if now == a {
		last = Made{}
	}
	return now, last
}

func addMoved(dir string, made Made) error {
	m, err := ReadMoved(dir)
	if err != nil {
		return err
	}
	m.Moves = append(m.Moves, made)
	if err := writeJSON(filepath.Join(dir, movedName), m); err != nil {
		return fmt.Errorf("write that it was moved: %w", err)
	}
	return nil
}

// writeJSON replaces a file, durably and whole.
func writeJSON(path string, v any) (err error) {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
