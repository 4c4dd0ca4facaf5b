package spool

import (
	crand "crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// identity says who a spool is. Birth never changes and stands in every
// segment, so that a file of another spool isn't taken for one of this.
// Name is what the event store remembers positions under; it changes when the
// log had to begin anew (Renew), and From is the first position it is good for.
type identity struct {
	Version int    `json:"version"`
	Birth   string `json:"birth"` // 32 hexadecimal digits
	Name    string `json:"name"`
	From    int64  `json:"from"`
}

const (
	identityName = "id"
	identityTemp = "id.tmp"
)

func newID() string {
	var b [16]byte
	_, _ = crand.Read(b[:]) // never fails: it ends the program instead
	return hex.EncodeToString(b[:])
}

// parseIdentity reads the id file.
func parseIdentity(b []byte) (identity, error) {
	var id identity
	if err := json.Unmarshal(b, &id); err != nil {
		return identity{}, fmt.Errorf("read spool id: %w", err)
	}
	if id.Version > segmentVersion {
		return identity{}, errNewerVersion{uint32(id.Version)}
	}
	if raw, err := hex.DecodeString(id.Birth); err != nil || len(raw) != 16 || id.Version != segmentVersion || id.Name == "" || id.From < 0 {
		return identity{}, errors.New("spool id file is damaged: remove it to keep the records and give the spool a new name")
	}
	return id, nil
}

// readIdentity returns the stored identity; ok is false when there is none.
func (s *Spool) readIdentity() (id identity, ok bool, err error) {
	f, err := s.fs.Open(s.path(identityName))
	if errors.Is(err, fs.ErrNotExist) {
		return identity{}, false, nil
	}
	if err != nil {
		return identity{}, false, err
	}
	b, err := readAll(f, 1<<16)
	if err := errors.Join(err, f.Close()); err != nil {
		return identity{}, false, err
	}
	id, err = parseIdentity(b)
	return id, err == nil, err
}

// writeIdentity replaces the id file, durably and whole.
func (s *Spool) writeIdentity(id identity) error {
	b, err := json.Marshal(id)
	if err != nil {
		return err
	}
	if err := s.writeFile(identityTemp, b); err != nil {
		return fmt.Errorf("write spool id: %w", err)
	}
	if err := s.fs.Rename(s.path(identityTemp), s.path(identityName)); err != nil {
		return fmt.Errorf("name spool id: %w", err)
	}
	if err := s.fs.SyncDir(s.dir); err != nil {
		return fmt.Errorf("sync spool directory: %w", err)
	}
	return nil
}

// writeFile creates a file in the spool's directory and syncs its contents.
func (s *Spool) writeFile(name string, b []byte) error {
	f, err := s.fs.Create(s.path(name))
	if err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// readAll returns a file's contents, at most limit bytes.
func readAll(f File, limit int64) ([]byte, error) {
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(size, limit))
	if len(b) == 0 {
		return b, nil
	}
	_, err = f.ReadAt(b, 0)
	return b, err
}
