package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"moonbear/bench/figures"
	"moonbear/bench/process"
	"moonbear/internal/event/clickhouse/chtest"
)

// clickhouse is the event store that -store may name. What runs is ClickHouse's
// engine behind a listener made for tests, or the server that
// TEST_CLICKHOUSE_URL names.
const clickhouse = "ClickHouse"

// engine is a ClickHouse with a dataset in a database of its own.
type engine struct {
	*chtest.Server
	database string
}

// startEngine starts one on a directory, whose files stay, so that a dataset can
// be measured again.
func startEngine(dir string, s size) (*engine, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	server, err := chtest.Open(dir)
	if err != nil {
		return nil, err
	}
	e := &engine{server, "moonbear_bench_" + strings.NewReplacer("-", "_", ".", "_").Replace(s.name())}
	if _, err := e.Ask("create database if not exists " + e.database); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	return e, nil
}

// url is what EVENTS_URL is.
func (e *engine) url() string { return "clickhouse+" + e.URL(e.database) }

// cpu is the processor time it has used; 0 for a server that isn't ours, or for
// none.
func (e *engine) cpu() (time.Duration, error) {
	if e == nil || e.PID() == 0 {
		return 0, nil
	}
	return process.CPU(e.PID())
}

// atMost is the most memory it has had since the last time it was asked for.
func (e *engine) atMost() (int64, error) {
	if e.PID() == 0 {
		return 0, nil
	}
	most, err := process.Memory(e.PID(), "VmHWM")
	if err != nil {
		return 0, err
	}
	return most, process.ResetPeak(e.PID())
}

func (e *engine) number(query string) (int64, error) {
	text, err := e.Ask(query)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(text, 10, 64)
}

const (
	// mergeQuiet is how long nothing must be merged to say that all is: ClickHouse
	// looks for more to merge within that time.
	mergeQuiet = 10 * time.Second
	mergeMost  = time.Hour
)

// merged waits until nothing is merged any more, and says how long that took.
func (e *engine) merged(ctx context.Context) (time.Duration, error) {
	begun := time.Now()
	last := begun
	for time.Since(last) < mergeQuiet {
		n, err := e.number("select count() from system.merges where database = '" + e.database + "'")
		if err != nil {
			return 0, err
		}
		if n > 0 {
			last = time.Now()
		}
		if last.Sub(begun) > mergeMost {
			return 0, fmt.Errorf("ClickHouse is still merging after %v", mergeMost)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
	return last.Sub(begun), nil
}

// settled waits until the days that were filled may be kept: for some minutes more
// may be on its way into them.
func (e *engine) settled(ctx context.Context) error {
	for {
		wait, err := e.number("select intDiv(greatest(max(void) - toUnixTimestamp64Micro(now64(6)), 0), 1000000) from " + e.database + ".touched_days")
		if err != nil || wait == 0 {
			return err
		}
		say("whole days may be kept in %d s", wait)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(wait+1) * time.Second):
		}
	}
}

// load runs fill, which adds events, and adds to f what they took of the engine.
func (e *engine) load(ctx context.Context, f *figures.Engine, fill func() (added int64, err error)) (err error) {
	if f.Version, err = e.Ask("select version()"); err != nil {
		return err
	}
	before, err := e.cpu()
	if err != nil {
		return err
	}
	added, err := fill()
	if err != nil || added == 0 {
		return err
	}
	merging, err := e.merged(ctx)
	if err != nil {
		return err
	}
	after, err := e.cpu()
	if err != nil {
		return err
	}
	f.Merged, f.LoadCPU = merging.Seconds(), float64((after-before).Microseconds())/float64(added)
	if f.Parts, err = e.number("select count() from system.parts where active and table = 'events' and database = '" + e.database + "'"); err != nil {
		return err
	}
	f.Loaded, err = e.atMost()
	say("of ClickHouse: %.1f µs of processor time an event, %d MiB of memory, merged %.0f s later", f.LoadCPU, f.Loaded>>20, f.Merged)
	return err
}

// bytes are what the tables take on its disk, and those of kept days alone.
func (e *engine) bytes() (all, kept int64, err error) {
	for of, where := range map[*int64]string{&all: "", &kept: " and table in ('day_counts', 'day_values', 'kept_days', 'touched_days')"} {
		if *of, err = e.number("select sum(bytes_on_disk) from system.parts where active and database = '" + e.database + "'" + where); err != nil {
			return 0, 0, err
		}
	}
	return all, kept, nil
}
