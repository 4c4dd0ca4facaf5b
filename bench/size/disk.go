package main

import (
	"io/fs"
	"path/filepath"
	"strings"
)

// disk measures what the events take on disk.
func (m *measuring) disk() error {
	all, kept, err := m.d.bytes()
	m.Bytes, m.KeptBytes = float64(all)/float64(m.d.Stored), float64(kept)/float64(m.d.Stored)
	say("%.1f bytes an event on disk, %.1f of them kept days", m.Bytes, m.KeptBytes)
	return err
}

// bytes are those of the event store, and of what it keeps of whole days.
func (d *dataset) bytes() (all, kept int64, err error) {
	if d.engine != nil {
		return d.engine.bytes()
	}
	err = filepath.WalkDir(filepath.Join(d.dir, "events.duckdb"), func(name string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		all += info.Size()
		if strings.Contains(e.Name(), "days") {
			kept += info.Size()
		}
		return nil
	})
	return all, kept, err
}
