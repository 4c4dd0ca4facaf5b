package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"time"
)

// renew writes the hot file anew, because the free blocks of the old one may
// hold what was deleted. The new file has the next number: until it is renamed
// into place the old one counts, from then on the new one.
//
// Appends and selects wait meanwhile; at most minSegment events and the drops
// are copied. On a busy store they also wait for the queries that run.
func (s *Store) renew(ctx context.Context) error {
	defer s.observe("renew", time.Now())
	s.writing.Lock()
	defer s.writing.Unlock()
	s.changing.Lock()
	defer s.changing.Unlock()
	if !lockWithin(time.Second, s.life.TryLock) {
		s.life.Lock()
	}
	defer s.life.Unlock()
	if s.closed {
		return ErrClosed
	}
	if s.engine == nil {
		return nil // closed after a fatal error; the next compaction sees to it
	}
	e := s.engine
	making := filepath.Join(e.dir, "hot"+makingSuffix)
	if err := e.copyTo(ctx, making); err != nil {
		return err
	}
	s.step("copied")
	err := publish(making, filepath.Join(e.dir, hotFile(e.hot+1)))
	if err == nil {
		err = s.doubt("renewed")
	}
	s.step("renewed")
	// From here on the old file must not be written. That goes for an error too:
	// the new one may have its name already, and opening shows which of them counts.
	s.engine = nil
	s.retired = nil // opening does not open them, and deletes their files
	if closed := e.close(); closed != nil {
		s.linger = append(s.linger, e)
		return errors.Join(err, closed)
	}
	if err != nil {
		return err
	}
	fresh, err := openEngine(context.WithoutCancel(ctx), s.options())
	if err != nil {
		return err
	}
	s.engine = fresh
	return nil
}

// copyTo copies what the hot file holds into a new file.
func (e *engine) copyTo(ctx context.Context, path string) error {
	if err := removeDatabase(path); err != nil {
		return err
	}
	c, err := e.db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	var tables []string
	err = each(ctx, c, "select table_name from duckdb_tables() where database_name = current_database() and not internal order by 1", func(r *sql.Rows) error {
		var name string
		err := r.Scan(&name)
		tables = append(tables, name)
		return err
	})
	if err != nil {
		return err
	}
	if err := execAll(ctx, c, "attach "+quote(path)+" as fresh"); err != nil {
		return err
	}
	for _, t := range tables {
		if err = execAll(ctx, c, "create table fresh."+t+" as select * from "+t); err != nil {
			break
		}
	}
	if err == nil {
		err = execAll(ctx, c, "delete from fresh.facts where name = 'purge'", "checkpoint fresh")
	}
	if _, detachErr := c.ExecContext(context.WithoutCancel(ctx), "detach fresh"); err == nil {
		err = detachErr
	}
	return err
}
