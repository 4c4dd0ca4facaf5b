package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"

	"moonbear/internal/fault"
	"moonbear/internal/transfer"
)

// A file that is imported while the server runs is opened by the command, as
// whoever calls it, and handed over open (SCM_RIGHTS, unix(7)) with the request:
// the server needs no right to read it, no byte is copied, and a zip can be read
// from its end. The answer is a JSON object a line: progress, then the summary
// or what went wrong.

// importLine is a line of the answer.
type importLine struct {
	Progress *transfer.Progress `json:"progress,omitempty"`
	Summary  *transfer.Summary  `json:"summary,omitempty"`
	Message  string             `json:"message,omitempty"`
}

// handles adds the routes of imports to the control socket's. stopping ends
// before the server does, and imports with it.
func (h *imports) handles(mux *http.ServeMux, stopping context.Context, log *slog.Logger) {
	mux.Handle("POST /imports", onSocketOf(h, log, (*imports).list))
	mux.Handle("POST /import/undo", onSocketOf(h, log, (*imports).undo))
	mux.Handle("POST /import/sort", onSocketOf(h, log, (*imports).sort))
	mux.HandleFunc("POST /import", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		defer context.AfterFunc(stopping, cancel)()
		say := json.NewEncoder(w)
		flush := http.NewResponseController(w)
		sum, err := h.handedOver(ctx, r, func(p transfer.Progress) {
			_ = say.Encode(importLine{Progress: &p}) // nobody there: the context ends
			_ = flush.Flush()
		})
		line := importLine{Summary: sum}
		if err != nil {
			line = importLine{Message: "The server could not do it; its log says why."}
			if f, ok := fault.From(err); ok {
				line.Message = f.Message
			} else if stopping.Err() != nil {
				line.Message = "The server was stopped. The same command goes on when it is back."
			} else if ctx.Err() == nil {
				log.ErrorContext(ctx, "asked from the command line", "route", r.Pattern, "error", err)
			}
		}
		_ = say.Encode(line)
	})
}

// handedOver imports the file that came with a request.
func (h *imports) handedOver(ctx context.Context, r *http.Request, tell func(transfer.Progress)) (*transfer.Summary, error) {
	// To its end, so that net/http notices when the other side hangs up.
	b, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, 64<<10))
	if err != nil {
		return nil, err
	}
	var q importFile
	if err := json.Unmarshal(b, &q); err != nil {
		return nil, fault.New(fault.Invalid, "The request is not JSON.")
	}
	c, _ := r.Context().Value(connKey{}).(*handoverConn)
	f := c.take()
	if f == nil {
		return nil, fault.New(fault.Invalid, "No file came with the request.")
	}
	defer f.Close()
	defer context.AfterFunc(ctx, func() { _ = f.Close() })() // a pipe may have nothing to read for hours
	sum, err := h.take(ctx, q, f, tell)
	if err != nil && ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return sum, err
}

// handoverListener accepts connections on which open files are handed over.
type handoverListener struct{ net.Listener }

func (l handoverListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if u, ok := c.(*net.UnixConn); ok && err == nil {
		return &handoverConn{UnixConn: u}, nil
	}
	return c, err
}

type connKey struct{}

// withConn lets a handler find the connection its request came on.
func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// handoverConn keeps the last file that was handed over until it is taken.
type handoverConn struct {
	*net.UnixConn
	mu   sync.Mutex
	file *os.File
	oob  [64]byte // one descriptor takes 24
}

func (c *handoverConn) Read(b []byte) (int, error) {
	n, oobn, _, _, err := c.ReadMsgUnix(b, c.oob[:])
	if oobn > 0 {
		c.keep(c.oob[:oobn])
	}
	return max(n, 0), err // -1 with some errors, and a Reader must not
}

func (c *handoverConn) keep(oob []byte) {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return
	}
	for i := range messages {
		fds, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			continue
		}
		for _, fd := range fds {
			if old := c.swap(os.NewFile(uintptr(fd), "handed over")); old != nil {
				_ = old.Close()
			}
		}
	}
}

func (c *handoverConn) swap(f *os.File) (old *os.File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, c.file = c.file, f
	return old
}

// take gives the file away; nil if there is none. c may be nil.
func (c *handoverConn) take() *os.File {
	if c == nil {
		return nil
	}
	return c.swap(nil)
}

// Close closes a file that nobody took, too.
func (c *handoverConn) Close() error {
	if f := c.take(); f != nil {
		_ = f.Close()
	}
	return c.UnixConn.Close()
}

// remoteImports has the running server do it.
type remoteImports struct{ dir string }

func (r remoteImports) list(ctx context.Context, q importList) ([]listedImport, error) {
	return askSocket[importList, []listedImport](ctx, r.dir, "/imports", q)
}

func (r remoteImports) undo(ctx context.Context, q importUndo) (transfer.Import, error) {
	return askSocket[importUndo, transfer.Import](ctx, r.dir, "/import/undo", q)
}

func (r remoteImports) sort(ctx context.Context, q struct{}) (sorted, error) {
	return askSocket[struct{}, sorted](ctx, r.dir, "/import/sort", q)
}

func (r remoteImports) take(ctx context.Context, q importFile, f *os.File, tell func(transfer.Progress)) (*transfer.Summary, error) {
	c, err := dialSocket(ctx, r.dir)
	if err != nil {
		return nil, fmt.Errorf("a server holds %s but does not answer: %w", r.dir, err)
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { _ = c.Close() })()
	if err := handOver(c, q, f); err != nil {
		return nil, err
	}
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return nil, errors.Join(ctx.Err(), fmt.Errorf("the running server did not answer: %w", err))
	}
	defer res.Body.Close()
	lines := json.NewDecoder(res.Body)
	for {
		var l importLine
		if err := lines.Decode(&l); err != nil {
			return nil, errors.Join(ctx.Err(), fmt.Errorf("the running server broke off; the same command goes on: %w", err))
		}
		switch {
		case l.Progress != nil:
			tell(*l.Progress)
		case l.Summary != nil:
			return l.Summary, nil
		default:
			return nil, errors.New(l.Message)
		}
	}
}

// handOver sends a request together with an open file.
func handOver(c net.Conn, q importFile, f *os.File) error {
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	req, err := http.NewRequest(http.MethodPost, "http://moonbear/import", bytes.NewReader(body))
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := req.Write(&b); err != nil {
		return err
	}
	raw, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	if err := raw.Control(func(fd uintptr) {
		_, _, sent = c.(*net.UnixConn).WriteMsgUnix(b.Bytes(), syscall.UnixRights(int(fd)), nil)
	}); err != nil {
		return err
	}
	return sent
}
