package main

import (
	"errors"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// The part of libchdb's C API that is used here, bound at run time: no cgo, no
// header, no link step.
var (
	chdbConnect     func(argc int32, argv unsafe.Pointer) unsafe.Pointer // chdb_connection*
	chdbQuery       func(conn, q unsafe.Pointer, qlen uintptr, f unsafe.Pointer, flen uintptr, names, nlens, vals, vlens unsafe.Pointer, n uintptr) unsafe.Pointer
	streamInsert    func(conn, q unsafe.Pointer, qlen uintptr, f unsafe.Pointer, flen uintptr) unsafe.Pointer
	streamAppend    func(s, data unsafe.Pointer, n uintptr) int32
	streamDone      func(s unsafe.Pointer) unsafe.Pointer
	streamCancel    func(s unsafe.Pointer)
	streamError     func(s unsafe.Pointer) unsafe.Pointer
	streamDestroy   func(s unsafe.Pointer)
	resultBuffer    func(r unsafe.Pointer) unsafe.Pointer
	resultLength    func(r unsafe.Pointer) uintptr
	resultWritten   func(r unsafe.Pointer) uint64
	resultError     func(r unsafe.Pointer) unsafe.Pointer
	resultDestroy   func(r unsafe.Pointer)
	signalsEnabled  func(enabled int32)
	errNoConnection = errors.New("the engine does not open its directory")
)

func loadLibrary(path string) error {
	h, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return err
	}
	for name, f := range map[string]any{
		"chdb_connect": &chdbConnect, "chdb_query_with_params_n": &chdbQuery,
		"chdb_stream_insert_n": &streamInsert, "chdb_stream_append": &streamAppend, "chdb_stream_done": &streamDone,
		"chdb_stream_cancel_insert": &streamCancel, "chdb_stream_insert_error": &streamError, "chdb_destroy_insert_stream": &streamDestroy,
		"chdb_result_buffer": &resultBuffer, "chdb_result_length": &resultLength, "chdb_result_rows_written": &resultWritten,
		"chdb_result_error": &resultError, "chdb_destroy_query_result": &resultDestroy,
		"chdb_set_signal_handlers_enabled": &signalsEnabled,
	} {
		purego.RegisterLibFunc(f, h, name)
	}
	signalsEnabled(0) // Go's runtime has its own
	return nil
}

// session runs one statement at a time.
type session struct{ conn unsafe.Pointer }

func connect(data string) (*session, error) {
	args := []string{"clickhouse", "--path=" + data}
	var pin runtime.Pinner
	defer pin.Unpin()
	argv := make([]unsafe.Pointer, 0, len(args)+1)
	for _, a := range args {
		b := append([]byte(a), 0)
		pin.Pin(&b[0])
		argv = append(argv, unsafe.Pointer(&b[0]))
	}
	argv = append(argv, nil)
	c := chdbConnect(int32(len(args)), unsafe.Pointer(&argv[0]))
	if c == nil {
		return nil, errNoConnection
	}
	return &session{conn: c}, nil
}

// settled is asked after an error: the engine keeps a statement that failed in
// system.processes until its session is asked something else.
const settled = "select 1"

func (s *session) handle() unsafe.Pointer { return *(*unsafe.Pointer)(s.conn) }

// result copies what the engine hands over, and frees it.
func result(r unsafe.Pointer) (out []byte, written uint64, err error) {
	if r == nil {
		return nil, 0, errors.New("the engine gave no result")
	}
	defer resultDestroy(r)
	if e := resultError(r); e != nil {
		return nil, 0, errors.New(text(e))
	}
	if n := resultLength(r); n > 0 {
		out = append(out, unsafe.Slice((*byte)(resultBuffer(r)), n)...)
	}
	return out, resultWritten(r), nil
}

// query runs one statement, with values for its {name:Type}.
func (s *session) query(q, format string, params map[string]string) ([]byte, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	var names, values []unsafe.Pointer
	var nameLengths, valueLengths []uintptr
	for k, v := range params {
		for _, one := range []struct {
			text    string
			at      *[]unsafe.Pointer
			lengths *[]uintptr
		}{{k, &names, &nameLengths}, {v, &values, &valueLengths}} {
			b := append([]byte(one.text), 0)
			pin.Pin(&b[0])
			*one.at = append(*one.at, unsafe.Pointer(&b[0]))
			*one.lengths = append(*one.lengths, uintptr(len(one.text)))
		}
	}
	var n, nl, v, vl unsafe.Pointer
	if len(names) > 0 {
		n, nl, v, vl = unsafe.Pointer(&names[0]), unsafe.Pointer(&nameLengths[0]), unsafe.Pointer(&values[0]), unsafe.Pointer(&valueLengths[0])
	}
	r := chdbQuery(s.handle(), bytesOf(q), uintptr(len(q)), bytesOf(format), uintptr(len(format)), n, nl, v, vl, uintptr(len(names)))
	runtime.KeepAlive(q)
	runtime.KeepAlive(format)
	out, _, err := result(r)
	if err != nil && q != settled {
		_, _ = s.query(settled, "Null", nil)
	}
	return out, err
}

func (s *session) exec(q string) error {
	_, err := s.query(q, "Null", nil)
	return err
}

func bytesOf(s string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(s)) }

func text(p unsafe.Pointer) string {
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(p), n))
}
