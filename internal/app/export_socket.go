package app

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"moonbear/internal/fault"
	"moonbear/internal/transfer/export"
)

// An export comes through the control socket in frames: how many events are
// written so far (8 bytes), how many bytes follow (4), and these. The last
// frame has none, and tells that nothing is missing.
const (
	frameHead    = 12
	maxFrame     = 1 << 20
	headerEvents = "Moonbear-Events" // how many there will be, about
)

// exportOnSocket answers `moonbear export` beside a running server.
func (s *server) exportOnSocket(w http.ResponseWriter, r *http.Request) {
	var ask ExportRequest
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&ask)
	var q export.Request
	if err == nil {
		q, err = s.exportRequest(r.Context(), ask)
	}
	var extent export.Extent
	if err == nil {
		extent, err = s.exports.Extent(r.Context(), q.Site.ID, q.Days)
	}
	if err != nil {
		tellSocket(w, r, s.log, err)
		return
	}
	w.Header().Set(headerEvents, strconv.FormatInt(extent.Events, 10))
	out := &framer{w: w}
	err = s.exports.Write(r.Context(), out, q, func(n int64) { out.events = n })
	if err == nil {
		err = out.frame(nil)
	}
	if err != nil {
		if r.Context().Err() == nil {
			s.log.ErrorContext(r.Context(), "export broken off", "site", q.Site.ID, "error", err)
		}
		panic(http.ErrAbortHandler) // without the last frame it is not whole
	}
}

// framer puts what is written into frames.
type framer struct {
	w      io.Writer
	events int64
	head   [frameHead]byte
}

func (f *framer) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		part := b[:min(len(b), maxFrame)]
		if err := f.frame(part); err != nil {
			return n, err
		}
		n += len(part)
		b = b[len(part):]
	}
	return n, nil
}

func (f *framer) frame(b []byte) error {
	binary.LittleEndian.PutUint64(f.head[:], uint64(f.events))
	binary.LittleEndian.PutUint32(f.head[8:], uint32(len(b)))
	if _, err := f.w.Write(f.head[:]); err != nil {
		return err
	}
	_, err := f.w.Write(b)
	return err
}

var errExportBroken = errors.New("the server broke the export off; its log says why")

// askExport has the running server write the events.
func askExport(ctx context.Context, dir string, r ExportRequest, out io.Writer, begin, at func(int64)) (events int64, err error) {
	res, err := postSocket(ctx, dir, "/export", r)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	total, err := strconv.ParseInt(res.Header.Get(headerEvents), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the running server is another version: %w", err)
	}
	begin(total)
	events, err = readFrames(res.Body, out, at)
	if err != nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	return events, err
}

// readFrames writes what is in frames to out, up to the last frame.
func readFrames(r io.Reader, out io.Writer, at func(int64)) (events int64, err error) {
	var head [frameHead]byte
	for {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return events, fmt.Errorf("%w (%w)", errExportBroken, err)
		}
		events = int64(binary.LittleEndian.Uint64(head[:]))
		n := binary.LittleEndian.Uint32(head[8:])
		if n == 0 {
			return events, nil
		}
		if n > maxFrame {
			return events, errExportBroken
		}
		if _, err := io.CopyN(out, r, int64(n)); err != nil {
			return events, err
		}
		at(events)
	}
}

// socketProblem is the error of an answer that isn't a success.
func socketProblem(res *http.Response) error {
	b, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return err
	}
	var m struct{ Message string }
	if err := json.Unmarshal(b, &m); err != nil || m.Message == "" {
		return fmt.Errorf("the running server answered %d %s", res.StatusCode, b)
	}
	return fault.New(fault.Kind(res.StatusCode), m.Message)
}
