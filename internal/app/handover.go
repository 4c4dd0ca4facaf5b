package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"moonbear/internal/blob"
	"moonbear/internal/fault"
	"moonbear/internal/handover"
	"moonbear/internal/job"
	"moonbear/internal/spool"
	"moonbear/internal/telemetry"
)

// handOverPatience is how long nothing may get through to shared storage before
// a process that was told to stop leaves the rest on its volume.
const handOverPatience = time.Minute

// bucket is where BACKUP_URL says; nil where it says nothing.
func (c Config) bucket() (blob.Bucket, error) {
	if c.BackupURL == "" {
		return nil, nil
	}
	return blob.Open(c.BackupURL, blob.Keys{ID: c.AWSAccessKeyID, Secret: c.AWSSecretAccessKey, Session: c.AWSSessionToken})
}

// several says that other servers share these stores, as far as can be told.
func (c Config) several() bool {
	return !c.eventsEmbedded() && (c.RedisURL != "" || !c.does(roleWeb) || !c.does(roleCollect) || !c.does(roleJobs))
}

func (s *server) openBucket(context.Context) (err error) {
	if s.bucket, err = s.cfg.bucket(); err != nil {
		return fmt.Errorf("BACKUP_URL: %w", err)
	}
	return nil
}

// handsOver says whether servers hand over to each other here. With an embedded
// event store there is one.
func (s *server) handsOver() bool { return s.bucket != nil && !s.cfg.eventsEmbedded() }

// openAdopter makes the part that knows of other servers' hand-overs.
func (s *server) openAdopter() {
	if !s.handsOver() {
		return
	}
	s.adopter = handover.New(handover.Options{
		Bucket: s.bucket, Spool: s.spool, Loader: s.loader, Store: s.store, Leases: job.NewLeases(s.control.db, s.name()),
		LooksOnly: !s.cfg.does(roleCollect) && !s.cfg.does(roleJobs),
		Hold:      s.moving.change, Every: s.adoptEvery, Lease: s.adoptEvery,
		Log: s.log, Metrics: s.metrics,
	})
}

// adopt loads what others handed over, whenever the control database, which
// says who does, is there.
func (s *server) adopt(ctx context.Context) error {
	select {
	case <-s.controlled:
	case <-ctx.Done():
		return nil
	}
	return s.adopter.Run(ctx)
}

// handOver puts what couldn't be loaded in time into shared storage, when the
// server was told to stop: it may never come back to its volume.
func (s *server) handOver(ctx context.Context) error {
	<-ctx.Done()
	bytes, age := s.loader.Lag()
	if s.adopter == nil || !s.stopping.Load() || bytes == 0 {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	host, _ := os.Hostname()
	s.log.InfoContext(ctx, "not everything was loaded in time: the rest is handed over", "bytes", bytes, "to", s.bucket.Address())
	begun := time.Now()
	h, err := handover.Give(ctx, handover.Giving{
		Bucket: s.bucket, Spool: s.spool, From: s.loader.Position(), Since: begun.Add(-age).UTC(), By: host,
		Patience: handOverPatience, Log: s.log,
	})
	if err != nil {
		s.log.ErrorContext(ctx, "not handed over: what wasn't loaded stays on this volume, and is counted when a server is started on it, or by moonbear spool hand-over",
			"bytes", bytes, "error", err)
		return nil
	}
	s.log.InfoContext(ctx, "handed over: another server counts it", "spool", h.Spool, "segments", len(h.Segments), "bytes", h.Bytes(),
		"records", h.Records(), "from", h.From, "to", h.To, "in", s.bucket.Address(), "took", time.Since(begun))
	return nil
}

// noneHandedOver is an error while hand-overs wait to be adopted.
func (s *server) noneHandedOver(ctx context.Context) error {
	if !s.handsOver() {
		return nil
	}
	stored, err := handover.List(ctx, s.bucket)
	if err != nil {
		return err
	}
	n := len(stored.Complete) + len(stored.Unfinished) + len(stored.Unreadable)
	if n == 0 {
		return nil
	}
	return fault.New(fault.Conflict, fmt.Sprintf("What other servers handed over isn't counted yet: %d wait in %s. moonbear doctor says more of them.", n, s.bucket.Address()))
}

// HandOver puts what is in the spool of a data directory into shared storage,
// where a running server adopts it: for a volume that no server will be started
// on again. The directory stays as it is. What came of it is told on out.
func HandOver(ctx context.Context, cfg Config, out, logTo io.Writer) (err error) {
	bucket, err := cfg.bucket()
	switch {
	case err != nil:
		return fmt.Errorf("BACKUP_URL: %w", err)
	case bucket == nil:
		return fault.New(fault.Invalid, "Where to? Set BACKUP_URL as the other servers have it.")
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "spool", "id")); err != nil {
		return fault.New(fault.Invalid, fmt.Sprintf("There is no spool in %s: name the data directory of a server, whose volume has to be mounted.", cfg.DataDir))
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "events.duckdb")); err == nil && cfg.eventsEmbedded() {
		return fault.New(fault.Conflict, fmt.Sprintf("The events of %s are in it, and so is whoever counts its hits: start a server on it.", cfg.DataDir))
	}
	dir, err := openDataDir(cfg.DataDir)
	if errors.Is(err, errRunning) {
		return fault.New(fault.Conflict, "A server runs on this directory. It hands over by itself what it can't load when it is told to stop.")
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.close()) }()
	log, err := telemetry.NewLog(logTo, cfg.LogLevel, false)
	if err != nil {
		return fmt.Errorf("LOG_LEVEL: %w", err)
	}
	sp, err := spool.Open(spool.Options{Dir: dir.file("spool"), Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sp.Close()) }()
	host, _ := os.Hostname()
	h, err := handover.Give(ctx, handover.Giving{
		Bucket: bucket, Spool: sp, From: sp.Oldest(), By: host, Patience: handOverPatience, Log: log,
	})
	if err != nil {
		return err
	}
	if len(h.Segments) == 0 {
		_, err = fmt.Fprintf(out, "The spool of %s is empty: there is nothing to hand over, and its volume can go.\n", cfg.DataDir)
		return err
	}
	_, err = fmt.Fprintf(out, "Handed over: %d segments, %s, %s records, to %s.\nA running server counts within minutes what isn't counted yet; nothing is counted twice. The volume can go.\n",
		len(h.Segments), size(h.Bytes()), digits(h.Records()), bucket.Address())
	return err
}

// examineShared says whether what a server can't load can be handed over, and
// what waits.
func (s *server) examineShared(ctx context.Context) (fs []Finding) {
	const part = "shared storage"
	if s.bucket == nil {
		if !s.cfg.several() {
			return nil
		}
		return []Finding{{part, Warning, "several servers share these stores, and BACKUP_URL isn't set: what one of them hasn't loaded when it goes for good stays on its volume",
			"Set BACKUP_URL, the same for all: s3://BUCKET/PREFIX?region=REGION, or file:///PATH on a volume they share."}}
	}
	took, err := latency(func() error { return tryBucket(ctx, s.bucket) })
	if err != nil {
		return []Finding{{part, Broken, err.Error(), "Nothing can be handed over meanwhile, and nothing adopted. See that BACKUP_URL and its keys are right, and that it runs."}}
	}
	stored, err := handover.List(ctx, s.bucket)
	if err != nil {
		return []Finding{{part, Broken, err.Error(), "See that the keys may list and get objects."}}
	}
	facts := ", no hand-overs wait"
	if n := len(stored.Complete); n > 0 {
		facts = fmt.Sprintf(", hand-overs: %d", n)
	}
	f := answered(part, s.bucket.Address(), took, facts)
	if took < time.Second { // it is far away as a rule
		f.State, f.Remedy = Well, ""
	}
	return append([]Finding{f}, s.examineHandOvers(stored)...)
}

// soon is within how long a hand-over is adopted if all is well.
const soon = 5 * time.Minute

func (s *server) examineHandOvers(stored handover.Stored) (fs []Finding) {
	const part = "hand-over"
	refused := map[string]error{}
	if s.adopter != nil {
		refused = s.adopter.Refused()
	}
	for _, u := range stored.Unreadable {
		refused[u.Name] = u.Err
	}
	for name, err := range refused {
		fs = append(fs, Finding{part, Broken, fmt.Sprintf("%s is refused: %v", name, err),
			"Acknowledged hits in it are not counted. It is kept; docs/growing.md says what to do."})
	}
	for _, h := range stored.Complete {
		if refused[h.Name()] != nil {
			continue
		}
		f := Finding{part, Well, fmt.Sprintf("%s by %q, %s: %d segments, %s, %s records", h.Name(), h.By, when(h.At), len(h.Segments), size(h.Bytes()), digits(h.Records())), ""}
		if time.Since(h.At) > soon {
			f.State, f.Remedy = Warning, "It waits to be adopted. See that the event store is there and that a server with the role collect or jobs runs; its log says more."
		}
		fs = append(fs, f)
	}
	for _, u := range stored.Unfinished {
		fs = append(fs, Finding{part, Warning, fmt.Sprintf("%s was begun and isn't complete: %s", u.Name, size(u.Bytes)),
			"If its server was killed meanwhile, start one on its volume, or run moonbear spool hand-over there."})
	}
	return fs
}

// tryBucket does once with an object of its own what a hand-over needs.
func tryBucket(ctx context.Context, b blob.Bucket) error {
	const text = "moonbear doctor was here.\n"
	name := "doctor/" + rand.Text()
	if err := b.Put(ctx, name, strings.NewReader(text), int64(len(text))); err != nil {
		return err
	}
	r, err := b.Get(ctx, name)
	if err != nil {
		return err
	}
	got, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	if string(got) != text {
		return fmt.Errorf("%s: what is got isn't what was put", b.Address())
	}
	return b.Delete(ctx, name)
}
