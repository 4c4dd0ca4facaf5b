// Package handover takes what a spool holds, and its process can't load any
// more, to a process that can, by way of shared storage.
//
//	Give     segment by segment into the bucket, a marker last
//	Adopter  finds markers → takes the spool's lease → Loader.Also, segment by
//	         segment, under the spool's own name → deletes the objects
//
// Nothing here decides what is counted. The event store has each spool's
// position beside the rows (decision 14), so the same records may be loaded from
// a volume, from the bucket, or from both at once, by anybody, in any order of
// stops and kills: each is stored once. What has to hold is only that an object
// goes when all of its records are stored, and that half a hand-over is nobody's.
//
//	spool/SPOOL/TO/id                         the spool's own file of that name
//	spool/SPOOL/TO/00000000000000000000.seg   its segments, cut off at their ends
//	spool/SPOOL/TO/complete.json              a HandOver: all of the above are there
//
// TO is the position everything ends at, so a spool that hands over twice makes
// two hand-overs, and neither is in the other's way. Without its marker such a
// directory is a spool's directory again, which is how a person gets at what no
// replica adopts.
package handover

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"moonbear/internal/blob"
)

const (
	root    = "spool/"
	marker  = "complete.json"
	version = 1

	// maxMarker is some hundred thousand segments.
	maxMarker = 32 << 20
	// maxSegment is far more than a spool makes a segment; it bounds what an
	// adopter reads into memory.
	maxSegment = 256 << 20
)

// HandOver is what a spool held that wasn't loaded when its process left.
type HandOver struct {
	Version  int       `json:"version"`
	Spool    string    `json:"spool"` // its ID
	Begin    int64     `json:"begin"` // the first position its ID is good for
	From     int64     `json:"from"`  // what is before was stored
	To       int64     `json:"to"`
	Segments []Segment `json:"segments"`
	By       string    `json:"by"`    // the host, for people
	Since    time.Time `json:"since"` // when the first of it was durable, as far as is known
	At       time.Time `json:"at"`
}

// Segment is an object of a hand-over.
type Segment struct {
	File    string `json:"file"`
	From    int64  `json:"from"` // positions
	To      int64  `json:"to"`
	Size    int64  `json:"size"` // bytes
	Records int64  `json:"records"`
	SHA256  string `json:"sha256"`
}

// Name tells hand-overs apart.
func (h HandOver) Name() string { return fmt.Sprintf("%s/%020d", h.Spool, h.To) }

func (h HandOver) prefix() string { return root + h.Name() + "/" }

// Bytes is the size of its segments.
func (h HandOver) Bytes() (n int64) {
	for _, s := range h.Segments {
		n += s.Size
	}
	return n
}

// Records is how many it has.
func (h HandOver) Records() (n int64) {
	for _, s := range h.Segments {
		n += s.Records
	}
	return n
}

// parse reads a marker. The hand-over is as its name says.
func parse(name string, b []byte) (h HandOver, err error) {
	if err := json.Unmarshal(b, &h); err != nil {
		return HandOver{}, fmt.Errorf("its marker can't be read: %w", err)
	}
	if h.Version > version {
		return HandOver{}, fmt.Errorf("it was made by a newer version (format %d, this program knows %d): start that one, or update this", h.Version, version)
	}
	if h.Version != version || h.Name() != name || h.From < 0 || h.From >= h.To || len(h.Segments) == 0 {
		return HandOver{}, errors.New("its marker is damaged")
	}
	at := h.Segments[0].From
	for _, s := range h.Segments {
		_, err := hex.DecodeString(s.SHA256)
		switch {
		case err != nil || len(s.SHA256) != 64, s.File != fmt.Sprintf("%020d.seg", s.From):
		case s.From < at || s.From < 0 || s.To <= s.From || s.Size <= 0 || s.Size > maxSegment || s.Records < 0:
		default:
			at = s.To
			continue
		}
		return HandOver{}, errors.New("its marker is damaged")
	}
	if at != h.To || h.Segments[0].To <= h.From || h.Segments[0].From > h.From {
		return HandOver{}, errors.New("its marker is damaged")
	}
	return h, nil
}

// Stored is what is in shared storage.
type Stored struct {
	Complete   []HandOver
	Unfinished []Unfinished
	Unreadable []Unreadable
}

// Unfinished is a hand-over without its marker: it is being made, or whoever
// made it was killed.
type Unfinished struct {
	Name  string
	Spool string
	To    int64
	Bytes int64
}

// Unreadable is a hand-over whose marker is damaged, or a newer version's.
type Unreadable struct {
	Name string
	Err  error
}

// List looks into the bucket.
func List(ctx context.Context, b blob.Bucket) (s Stored, err error) {
	objects, err := b.List(ctx, root)
	if err != nil {
		return Stored{}, err
	}
	var names []string
	complete, size := map[string]bool{}, map[string]int64{}
	for _, o := range objects {
		name, file, ok := nameOf(o.Name)
		if !ok {
			continue // nothing of ours
		}
		if _, known := size[name]; !known {
			names = append(names, name)
		}
		size[name] += o.Size
		complete[name] = complete[name] || file == marker
	}
	for _, name := range names {
		if complete[name] {
			if err := s.read(ctx, b, name); err != nil {
				return Stored{}, err
			}
			continue
		}
		spool, to := split(name)
		s.Unfinished = append(s.Unfinished, Unfinished{Name: name, Spool: spool, To: to, Bytes: size[name]})
	}
	return s, nil
}

// nameOf is the hand-over that an object belongs to, and its file there.
func nameOf(object string) (name, file string, ok bool) {
	parts := strings.Split(strings.TrimPrefix(object, root), "/")
	if len(parts) != 3 || parts[0] == "" || len(parts[1]) != 20 {
		return "", "", false
	}
	to, err := strconv.ParseInt(parts[1], 10, 64)
	return parts[0] + "/" + parts[1], parts[2], err == nil && to > 0
}

// split is the inverse of HandOver.Name.
func split(name string) (spool string, to int64) {
	spool, digits, _ := strings.Cut(name, "/")
	to, _ = strconv.ParseInt(digits, 10, 64) // nameOf has seen that it can be
	return spool, to
}

// read adds a hand-over that has its marker.
func (s *Stored) read(ctx context.Context, b blob.Bucket, name string) error {
	contents, err := get(ctx, b, root+name+"/"+marker, maxMarker)
	if errors.Is(err, blob.ErrNotFound) {
		return nil // adopted meanwhile
	}
	if err != nil {
		return err
	}
	h, err := parse(name, contents)
	if err != nil {
		s.Unreadable = append(s.Unreadable, Unreadable{name, err})
		return nil
	}
	s.Complete = append(s.Complete, h)
	return nil
}

// get reads a whole object, of at most so many bytes and one.
func get(ctx context.Context, b blob.Bucket, name string, most int64) (contents []byte, err error) {
	r, err := b.Get(ctx, name)
	if err != nil {
		return nil, err
	}
	contents, err = io.ReadAll(io.LimitReader(r, most+1))
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return contents, nil
}

// remove deletes a hand-over, the marker last: whoever finds a part of one that
// was adopted knows by its position that nothing of it is missing. there is false
// if somebody else has deleted it.
func remove(ctx context.Context, b blob.Bucket, name string) (there bool, err error) {
	objects, err := b.List(ctx, root+name+"/")
	if err != nil {
		return false, err
	}
	for _, o := range objects {
		if strings.HasSuffix(o.Name, "/"+marker) {
			continue
		}
		if err := b.Delete(ctx, o.Name); err != nil {
			return true, err
		}
	}
	return len(objects) > 0, b.Delete(ctx, root+name+"/"+marker)
}
