package handover

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"moonbear/internal/blob"
	"moonbear/internal/spool"
)

// Giving is what Give is told.
type Giving struct {
	Bucket blob.Bucket
	Spool  *spool.Spool
	From   int64     // what is before is stored
	Since  time.Time // when the record there was durable; zero: not known
	By     string
	// Patience is how long nothing may get through before it is given up.
	Patience time.Duration
	Log      *slog.Logger
}

// Give puts what a spool holds from a position on into shared storage. Nothing
// may be appended meanwhile. The spool stays as it is, and may be loaded from
// there all the same. When Give fails, or is killed, nobody adopts what got
// through, and another Give goes on with it. Without anything to hand over the
// answer is the zero HandOver.
func Give(ctx context.Context, g Giving) (HandOver, error) {
	h := HandOver{
		Version: version, Spool: g.Spool.ID(), Begin: g.Spool.Begin(), From: max(g.From, g.Spool.Oldest()), To: g.Spool.Durable(),
		By: g.By, Since: g.Since, At: time.Now().UTC().Truncate(time.Millisecond),
	}
	if h.From >= h.To {
		return HandOver{}, nil
	}
	if h.Since.IsZero() {
		h.Since = h.At
	}
	there := map[string]int64{}
	err := g.persist(ctx, func() error {
		objects, err := g.Bucket.List(ctx, h.prefix())
		for _, o := range objects {
			there[o.Name] = o.Size
		}
		return err
	})
	if err != nil {
		return HandOver{}, err
	}
	for _, at := range g.Spool.Segments(h.From) {
		s, contents, err := g.segment(ctx, at)
		if err != nil {
			return HandOver{}, err
		}
		h.Segments = append(h.Segments, s)
		if there[h.prefix()+s.File] == s.Size { // of an earlier try
			continue
		}
		if err := g.put(ctx, h.prefix()+s.File, contents); err != nil {
			return HandOver{}, err
		}
	}
	file, identity, err := g.Spool.Identity()
	if err != nil {
		return HandOver{}, err
	}
	complete, err := json.Marshal(h)
	if err != nil {
		return HandOver{}, err
	}
	if _, err := parse(h.Name(), complete); err != nil {
		return HandOver{}, fmt.Errorf("what would be handed over is not whole: %w", err)
	}
	if err := g.put(ctx, h.prefix()+file, identity); err != nil {
		return HandOver{}, err
	}
	if err := g.put(ctx, h.prefix()+marker, complete); err != nil {
		return HandOver{}, err
	}
	return h, nil
}

// segment reads one of the spool's and describes it.
func (g *Giving) segment(ctx context.Context, at spool.Segment) (s Segment, contents []byte, err error) {
	contents, err = g.Spool.CopySegment(at)
	if err != nil {
		return Segment{}, nil, err
	}
	sum := sha256.Sum256(contents)
	s = Segment{File: at.File(), From: at.From, To: at.To, Size: int64(len(contents)), SHA256: hex.EncodeToString(sum[:])}
	c, err := g.Spool.OpenCopy(g.Spool.ID(), at, at.From, contents)
	if err != nil {
		return Segment{}, nil, err
	}
	for pos := at.From; pos < at.To; {
		next, err := c.Read(ctx, pos, len(contents), func(int64, []byte) error { s.Records++; return nil })
		if d, ok := errors.AsType[*spool.Damage](err); ok {
			g.Log.ErrorContext(ctx, "the spool is damaged: it is handed over as it is, and whoever adopts it sets the bytes aside", "from", d.From, "to", d.To)
			next, err = d.To, nil
		}
		if err != nil {
			return Segment{}, nil, err
		}
		pos = next
	}
	return s, contents, nil
}

func (g *Giving) put(ctx context.Context, name string, contents []byte) error {
	return g.persist(ctx, func() error {
		return g.Bucket.Put(ctx, name, bytes.NewReader(contents), int64(len(contents)))
	})
}

// persist calls f until it succeeds, or Patience or ctx ends.
func (g *Giving) persist(ctx context.Context, f func() error) error {
	begun := time.Now()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := f()
		if err == nil {
			return nil
		}
		if time.Since(begun)+pause > g.Patience {
			return err
		}
		g.Log.WarnContext(ctx, "shared storage failed and is tried again", "error", err, "again_in", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}
