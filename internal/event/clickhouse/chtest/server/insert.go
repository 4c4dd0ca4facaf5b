package main

import (
	"errors"
	"io"
	"runtime"
	"unsafe"
)

// insert streams body into "insert into t (columns)"; killed says that it is to
// stop. A body that ends otherwise than by io.EOF was cut: nothing of it is
// committed, as in ClickHouse when the rows fit one block.
func (s *session) insert(q, format string, body io.Reader, killed func() bool) (written uint64, err error) {
	stream := streamInsert(s.handle(), bytesOf(q), uintptr(len(q)), bytesOf(format), uintptr(len(format)))
	runtime.KeepAlive(q)
	runtime.KeepAlive(format)
	if stream == nil {
		return 0, errors.New("the engine takes no insert")
	}
	defer func() {
		streamDestroy(stream)
		if err != nil {
			_ = s.exec(settled)
		}
	}()
	if e := streamError(stream); e != nil {
		return 0, errors.New(text(e))
	}
	if err := feed(stream, body); err != nil {
		streamCancel(stream)
		return 0, err
	}
	if killed() {
		streamCancel(stream)
		return 0, errKilled
	}
	_, written, err = result(streamDone(stream))
	return written, err
}

func feed(stream unsafe.Pointer, body io.Reader) error {
	buf := make([]byte, 1<<20)
	for {
		// Not io.ReadFull: it calls a body that was cut and one that is short by the same name.
		n, err := body.Read(buf)
		if n > 0 && streamAppend(stream, unsafe.Pointer(&buf[0]), uintptr(n)) != 0 {
			if e := streamError(stream); e != nil {
				return errors.New(text(e))
			}
			return nil // the reason comes with the result
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
