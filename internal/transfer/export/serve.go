package export

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"moonbear/internal/fault"
)

const (
	// perSite and atOnce bound the downloads that run: each costs a part of a
	// processor for as long as somebody reads.
	perSite = 2
	atOnce  = 6
	// patience is how long a reader may take for 64 KiB.
	patience = time.Minute
)

var errBusy = &fault.Fault{Kind: fault.TooMany, RetryAfter: 30 * time.Second,
	Message: "Other exports of this site are being written. Wait for them to end, or try again in a while."}

// begin takes a place for a site's export; the caller calls end.
func (x *Exports) begin(siteID int64) (end func(), err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	all := 0
	for _, n := range x.running {
		all += n
	}
	if x.running[siteID] >= perSite || all >= atOnce {
		return nil, errBusy
	}
	x.running[siteID]++
	return func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		if x.running[siteID]--; x.running[siteID] == 0 {
			delete(x.running, siteID)
		}
	}, nil
}

// ContentType is the format's media type.
func (f Format) ContentType() string {
	switch f {
	case CSV:
		return "text/csv; charset=utf-8; header=present"
	case NDJSON:
		return "application/x-ndjson"
	}
	return "application/vnd.apache.parquet"
}

// Serve answers a request with a file, for as long as it takes. An error is
// returned only while nothing has been answered; later the connection is
// aborted, because half a file must not look like a whole one.
func (x *Exports) Serve(w http.ResponseWriter, r *http.Request, q Request) error {
	end, err := x.begin(q.Site.ID)
	if err != nil {
		return err
	}
	defer end()
	out := newPatient(w)
	h := w.Header()
	before := h.Clone()
	h.Set("Content-Type", q.Format.ContentType())
	h.Set("Content-Disposition", `attachment; filename="`+q.FileName()+`"`)
	if !q.Gzip && q.Format != Parquet {
		h.Add("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			q.Gzip = true
		}
	}
	if r.Method == http.MethodHead {
		return nil
	}
	err = x.Write(r.Context(), out, q, nil)
	if err == nil {
		return nil
	}
	if out.written == 0 && r.Context().Err() == nil {
		clear(h)
		for name, values := range before {
			h[name] = values
		}
		return err
	}
	if r.Context().Err() == nil && !errors.Is(err, errReader) && x.log != nil {
		x.log.ErrorContext(r.Context(), "export broken off", "site", q.Site.ID, "bytes", out.written, "error", err)
	}
	panic(http.ErrAbortHandler)
}

// errReader is in the chain of errors of a reader who has gone or is too slow.
var errReader = errors.New("the reader doesn't read on")

// patient writes to a client for longer than the server allows an answer to
// take, as long as something is read.
type patient struct {
	w       io.Writer
	c       *http.ResponseController
	written int64
}

func newPatient(w http.ResponseWriter) *patient {
	p := &patient{w: w, c: http.NewResponseController(w)}
	// The deadline for reading the request is over by now; kept, it would end
	// the request's context in the middle.
	_ = p.c.SetReadDeadline(time.Time{}) // a writer without deadlines needs none
	return p
}

func (p *patient) Write(b []byte) (int, error) {
	_ = p.c.SetWriteDeadline(time.Now().Add(patience))
	n, err := p.w.Write(b)
	p.written += int64(n)
	if err != nil {
		return n, fmt.Errorf("%w: %w", errReader, err)
	}
	return n, nil
}
