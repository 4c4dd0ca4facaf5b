package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"moonbear/internal/event/clickhouse/chtest"
)

// moving moves the server to PostgreSQL and ClickHouse and back to SQLite and
// DuckDB, under load. A move that finds a difference between its two sides
// fails. PostgreSQL is that of TEST_POSTGRES_URL, ClickHouse its engine behind
// a listener made for tests.
func moving(ctx context.Context, s *server) (t *table, err error) {
	const most = 15 * time.Minute
	database, drop, err := newDatabase(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	dir, err := os.MkdirTemp("", "moonbear-move-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	engine, err := chtest.Open(filepath.Join(dir, "engine"))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	if _, err := engine.Ask("create database moonbear"); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.end()) }() // before what it stands on
	t = &table{}
	stop := s.hitting(ctx, 1, 200)
	for _, to := range []struct{ what, database, events string }{
		{"there", database, "clickhouse+" + engine.URL("moonbear")},
		{"back", "sqlite://" + filepath.Join(dir, "back.db"), "duckdb://" + filepath.Join(dir, "back")},
	} {
		began := time.Now()
		if err := s.command(ctx, nil, "move", "--to-database", to.database, "--to-events", to.events); err != nil {
			return t, errors.Join(err, fmt.Errorf("the server said:\n%s", &s.log))
		}
		took := time.Since(began)
		t.add(fmt.Sprintf("%s, %d events, each side compared with the other", to.what, s.events), ms(took), "no difference, in at most "+ms(most), took <= most)
	}
	hits := stop()
	t.add("acknowledging meanwhile, 200 hits/s", fmt.Sprintf("%d of %d, %s", hits.acknowledged(), len(hits.latencies), hits.spread()), "every one", hits.acknowledged() == len(hits.latencies))
	counted, err := s.pageviews(ctx, s.sites[1], hits.acknowledged())
	if err != nil {
		return t, err
	}
	t.add("counted in the end", strconv.Itoa(counted), "as many as were acknowledged", counted == hits.acknowledged())
	return t, nil
}

// newDatabase makes an empty database in the PostgreSQL of TEST_POSTGRES_URL.
func newDatabase(ctx context.Context) (at string, drop func() error, err error) {
	at = os.Getenv("TEST_POSTGRES_URL")
	if at == "" {
		return "", nil, errors.New("TEST_POSTGRES_URL names no PostgreSQL: .ci/services starts one")
	}
	u, err := url.Parse(at)
	if err != nil {
		return "", nil, fmt.Errorf("TEST_POSTGRES_URL: %w", err)
	}
	conn, err := pgx.Connect(ctx, at)
	if err != nil {
		return "", nil, err
	}
	name := "moonbear_move_" + strconv.Itoa(os.Getpid())
	if _, err := conn.Exec(ctx, "create database "+name); err != nil {
		return "", nil, errors.Join(err, conn.Close(ctx))
	}
	u.Path = "/" + name
	return u.String(), func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		_, err := conn.Exec(ctx, "drop database "+name+" with (force)")
		return errors.Join(err, conn.Close(ctx))
	}, nil
}
