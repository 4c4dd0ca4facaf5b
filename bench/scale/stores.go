package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/redis/rueidis"

	"moonbear/bench/process"
	"moonbear/internal/event/clickhouse/chtest"
)

// stores are what the replicas stand on.
type stores struct {
	postgres    *pgx.Conn // beside the replicas
	postmaster  int       // PostgreSQL's first process
	database    string    // the replicas', in PostgreSQL and in ClickHouse
	databaseURL string
	redis       rueidis.Client
	redisURL    string
	events      *chtest.Server
	version     string // ClickHouse's
}

func openStores(ctx context.Context, dir string) (s *stores, err error) {
	s = &stores{database: "moonbear_scale_" + strconv.Itoa(os.Getpid()), redisURL: os.Getenv("TEST_REDIS_URL")}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	for _, open := range []func() error{
		func() error { return s.openPostgres(ctx) },
		func() error { return s.openRedis() },
		func() error { return s.openEvents(filepath.Join(dir, "engine")) },
	} {
		if err := open(); err != nil {
			return s, err
		}
	}
	return s, nil
}

// errServices says what is missing.
var errServices = errors.New("TEST_POSTGRES_URL and TEST_REDIS_URL name no PostgreSQL and Redis: make bench-scale starts some, by .ci/services")

func (s *stores) openPostgres(ctx context.Context) error {
	at := os.Getenv("TEST_POSTGRES_URL")
	if at == "" {
		return errServices
	}
	u, err := url.Parse(at)
	if err != nil {
		return fmt.Errorf("TEST_POSTGRES_URL: %w", err)
	}
	if s.postgres, err = pgx.Connect(ctx, at); err != nil {
		return err
	}
	if _, err := s.postgres.Exec(ctx, "create database "+s.database); err != nil {
		return err
	}
	u.Path = "/" + s.database
	s.databaseURL = u.String()
	var backend int
	if err := s.postgres.QueryRow(ctx, "select pg_backend_pid()").Scan(&backend); err != nil {
		return err
	}
	s.postmaster, err = process.Parent(backend)
	return err
}

func (s *stores) openRedis() error {
	if s.redisURL == "" {
		return errServices
	}
	o, err := rueidis.ParseURL(s.redisURL)
	if err != nil {
		return fmt.Errorf("TEST_REDIS_URL: %w", err)
	}
	o.DisableCache = true
	s.redis, err = rueidis.NewClient(o)
	return err
}

func (s *stores) openEvents(dir string) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if s.events, err = chtest.Open(dir); err != nil {
		return err
	}
	if _, err := s.events.Ask("create database " + s.database); err != nil {
		return err
	}
	s.version, err = s.events.Ask("select version()")
	return err
}

// environ is what a replica finds them by.
func (s *stores) environ() []string {
	return []string{"DATABASE_URL=" + s.databaseURL, "REDIS_URL=" + s.redisURL, "EVENTS_URL=clickhouse+" + s.events.URL(s.database)}
}

// close takes away what was made in them.
func (s *stores) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var errs []error
	if s.events != nil {
		_, err := s.events.Ask("drop database if exists " + s.database)
		errs = append(errs, err, s.events.Close())
	}
	if s.redis != nil {
		s.redis.Close()
	}
	if s.postgres != nil {
		_, err := s.postgres.Exec(ctx, "drop database if exists "+s.database+" with (force)")
		errs = append(errs, err, s.postgres.Close(ctx))
	}
	return errors.Join(errs...)
}

// spent is what stores have done since they were started.
type spent struct {
	events, redis, postgres         time.Duration // of processor time
	inserts, commands, transactions float64
}

func (s *stores) spent(ctx context.Context) (p spent, err error) {
	if pid := s.events.PID(); pid != 0 {
		if p.events, err = process.CPU(pid); err != nil {
			return p, err
		}
	}
	text, err := s.events.Ask("select sum(value) from system.events where event = 'InsertQuery'")
	if err != nil {
		return p, err
	}
	if p.inserts, err = strconv.ParseFloat(text, 64); err != nil {
		return p, err
	}
	if p.postgres, err = process.FamilyCPU(s.postmaster); err != nil {
		return p, err
	}
	if err := s.postgres.QueryRow(ctx, "select xact_commit + xact_rollback from pg_stat_database where datname = $1", s.database).Scan(&p.transactions); err != nil {
		return p, err
	}
	info, err := s.redis.Do(ctx, s.redis.B().Info().Build()).ToString()
	if err != nil {
		return p, err
	}
	p.redis, p.commands, err = readInfo(info)
	return p, err
}

// readInfo reads what Redis says of itself: its processor time, and how many
// commands it has been given, those in scripts too.
func readInfo(info string) (cpu time.Duration, commands float64, err error) {
	said := map[string]float64{"used_cpu_sys": 0, "used_cpu_user": 0, "total_commands_processed": 0}
	found := 0
	for lines := bufio.NewScanner(strings.NewReader(info)); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), ":")
		if _, wanted := said[name]; !wanted {
			continue
		}
		if said[name], err = strconv.ParseFloat(value, 64); err != nil {
			return 0, 0, fmt.Errorf("redis says %q: %w", lines.Text(), err)
		}
		found++
	}
	if found != len(said) {
		return 0, 0, fmt.Errorf("redis says only %d of %d things wanted", found, len(said))
	}
	return time.Duration((said["used_cpu_sys"] + said["used_cpu_user"]) * float64(time.Second)), said["total_commands_processed"], nil
}
