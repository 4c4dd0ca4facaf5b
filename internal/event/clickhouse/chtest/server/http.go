package main

import (
	"compress/gzip"
	"compress/zlib"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/ClickHouse/ch-go/proto"
)

// requestBody is the body uncompressed.
func requestBody(r *http.Request, native bool) (io.Reader, error) {
	var body io.Reader = r.Body
	var err error
	switch r.Header.Get("Content-Encoding") {
	case "gzip":
		body, err = gzip.NewReader(body)
	case "deflate":
		body, err = zlib.NewReader(body)
	}
	if err != nil {
		return nil, err
	}
	if native {
		return blocks{compress.NewReader(body)}, nil
	}
	return body, nil
}

// blocks ends with a plain io.EOF, and only where a block does.
type blocks struct{ r *compress.Reader }

func (b blocks) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// respond sends a result, in compressed blocks if that was asked for.
func respond(w http.ResponseWriter, b []byte, v url.Values) error {
	if v.Get("compress") != "1" {
		_, err := w.Write(b)
		return err
	}
	method := compress.LZ4
	if strings.EqualFold(v.Get("network_compression_method"), "zstd") {
		method = compress.ZSTD
	}
	cw := compress.NewWriter(compress.LevelZero, method)
	for part := range slices.Chunk(b, 1<<20) {
		if err := cw.Compress(part); err != nil {
			return err
		}
		if _, err := w.Write(cw.Data); err != nil {
			return err
		}
	}
	return nil
}

// empty is the answer of a statement that has no result.
func empty(w http.ResponseWriter, written uint64) {
	w.Header().Set("X-ClickHouse-Summary", fmt.Sprintf(`{"written_rows":"%d"}`, written))
	w.Header().Set("Content-Length", "0")
	w.WriteHeader(http.StatusOK)
}

// hello answers clickhouse-go's first question by hand. The client decodes this
// reply by the revision it asked for, and every later one by the revision it is
// told here: libchdb writes the Native format of revision 0.
func hello(w http.ResponseWriter, c *session, v url.Values) error {
	out, err := c.query("select version(), timezone()", "TabSeparatedRaw", nil)
	if err != nil {
		return err
	}
	version, zone, _ := strings.Cut(strings.TrimSpace(string(out)), "\t")
	var b proto.Buffer
	b.PutUVarInt(1) // the block's info
	b.PutBool(false)
	b.PutUVarInt(2)
	b.PutInt32(-1)
	b.PutUVarInt(0)
	b.PutUVarInt(4) // columns
	b.PutUVarInt(1) // rows
	column := func(name, typ string) {
		b.PutString(name)
		b.PutString(typ)
		b.PutBool(false)
	}
	column("displayName()", "String")
	b.PutString("chserver")
	column("version()", "String")
	b.PutString(version)
	column("revision()", "UInt32")
	b.PutUInt32(0)
	column("timezone()", "String")
	b.PutString(zone)
	return respond(w, b.Buf, v)
}

var codeRe = regexp.MustCompile(`Code:\s*(\d+)`)

// fail answers an error as the server words it.
func fail(w http.ResponseWriter, err error) {
	message, status := err.Error(), http.StatusInternalServerError
	if m := codeRe.FindStringSubmatchIndex(message); m != nil {
		code := message[m[2]:m[3]]
		w.Header().Set("X-ClickHouse-Exception-Code", code)
		n, _ := strconv.Atoi(code)
		status = statusOf(n)
		message = message[m[0]:]
	}
	http.Error(w, message, status)
}

// statusOf follows the server's own table for the codes that tests meet.
func statusOf(code int) int {
	switch code {
	case 516, 192, 193, 194:
		return http.StatusUnauthorized
	case 497:
		return http.StatusForbidden
	case 62, 53, 6, 36, 26, 27, 41, 117, 72, 38, 69:
		return http.StatusBadRequest
	case 60, 46, 47, 81, 16:
		return http.StatusNotFound
	case 159:
		return http.StatusRequestTimeout
	}
	return http.StatusInternalServerError
}
