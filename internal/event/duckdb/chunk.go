package duckdb

import (
	"runtime"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"moonbear/internal/event"
)

// chunkRows is DuckDB's vector size: what one data chunk holds.
const chunkRows = 2048

// chunk is a DuckDB data chunk whose vectors are written in place: a value is
// a store to memory, not a call into C. The driver's AppendRow boxes every
// value and crosses into C for it, 57 times a row, which costs ten times as
// much (BenchmarkAppend beside BenchmarkAppendRow).
//
// A chunk belongs to one goroutine.
type chunk struct {
	columns []column
	data    mapping.DataChunk
	vectors []vector
	rows    int
	arena   arena
}

// vector is a column of a chunk; the slice of its kind is set.
type vector struct {
	vec   mapping.Vector
	i64   []int64
	i32   []int32
	bools []bool
	texts []textRef
	valid []uint64 // a bit a row, only for optional and sum
	lists []listRef
	// A map is a list of (key, value) pairs.
	keys, values   []textRef
	pairs, maxPair int
}

// textRef is duckdb_string_t: up to 12 bytes are kept inside, more elsewhere.
type textRef struct {
	length uint32
	prefix [4]byte
	rest   uint64 // the last 8 of 12 bytes, or the address of all
}

const inlineText = 12

// listRef is duckdb_list_entry.
type listRef struct{ offset, length uint64 }

func newChunk(columns []column) *chunk {
	c := &chunk{columns: columns, vectors: make([]vector, len(columns))}
	ts := make([]mapping.LogicalType, len(columns))
	for i, col := range columns {
		ts[i] = logicalType(col.kind)
	}
	c.data = mapping.CreateDataChunk(ts)
	for i := range ts {
		mapping.DestroyLogicalType(&ts[i])
	}
	c.reset()
	return c
}

func logicalType(k kind) mapping.LogicalType {
	switch k {
	case timestamp:
		return mapping.CreateLogicalType(mapping.TypeTimestamp)
	case integer, optional:
		return mapping.CreateLogicalType(mapping.TypeInteger)
	case boolean:
		return mapping.CreateLogicalType(mapping.TypeBoolean)
	case text:
		return mapping.CreateLogicalType(mapping.TypeVarchar)
	case blob:
		return mapping.CreateLogicalType(mapping.TypeBlob)
	case textMap:
		t := mapping.CreateLogicalType(mapping.TypeVarchar)
		defer mapping.DestroyLogicalType(&t)
		return mapping.CreateMapType(t, t)
	default:
		return mapping.CreateLogicalType(mapping.TypeBigInt)
	}
}

func (c *chunk) destroy() {
	mapping.DestroyDataChunk(&c.data)
	c.arena.free()
}

// reset empties the chunk and finds its memory again: DuckDB may have moved it.
func (c *chunk) reset() {
	mapping.DataChunkReset(c.data)
	c.rows = 0
	c.arena.reset()
	for i, col := range c.columns {
		v := &c.vectors[i]
		v.vec = mapping.DataChunkGetVector(c.data, mapping.IdxT(i))
		p := mapping.VectorGetData(v.vec)
		switch col.kind {
		case bigint, timestamp:
			v.i64 = unsafe.Slice((*int64)(p), chunkRows)
		case integer:
			v.i32 = unsafe.Slice((*int32)(p), chunkRows)
		case sum:
			v.i64 = unsafe.Slice((*int64)(p), chunkRows)
			mapping.VectorEnsureValidityWritable(v.vec)
			v.valid = unsafe.Slice((*uint64)(mapping.VectorGetValidity(v.vec)), chunkRows/64)
		case optional:
			v.i32 = unsafe.Slice((*int32)(p), chunkRows)
			mapping.VectorEnsureValidityWritable(v.vec)
			v.valid = unsafe.Slice((*uint64)(mapping.VectorGetValidity(v.vec)), chunkRows/64)
		case boolean:
			v.bools = unsafe.Slice((*bool)(p), chunkRows)
		case text, blob:
			v.texts = unsafe.Slice((*textRef)(p), chunkRows)
		case textMap:
			v.lists = unsafe.Slice((*listRef)(p), chunkRows)
			v.pairs, v.maxPair = 0, 0
			v.reserve(chunkRows)
		}
	}
}

// finish tells DuckDB how much was written.
func (c *chunk) finish() {
	for i, col := range c.columns {
		if col.kind == textMap {
			mapping.ListVectorSetSize(c.vectors[i].vec, mapping.IdxT(c.vectors[i].pairs))
		}
	}
	mapping.DataChunkSetSize(c.data, mapping.IdxT(c.rows))
}

func (v *vector) optional(row int, m event.Measure) {
	n, ok := m.Value()
	if ok {
		v.i32[row] = n
		return
	}
	v.i32[row] = 0
	v.valid[row>>6] &^= 1 << (row & 63)
}

func (v *vector) sum(row int, n int64) {
	v.i64[row] = n
	if n == event.Untold {
		v.valid[row>>6] &^= 1 << (row & 63)
	}
}

func (c *chunk) bytes(v *vector, row int, b []byte) {
	c.arena.put(&v.texts[row], unsafe.String(unsafe.SliceData(b), len(b)))
}

// props writes a map. Its keys must differ, as they do in an event.
func (c *chunk) props(v *vector, row int, props []event.Prop) {
	v.lists[row] = listRef{offset: uint64(v.pairs), length: uint64(len(props))}
	if len(props) == 0 {
		return
	}
	if n := v.pairs + len(props); n > v.maxPair {
		v.reserve(max(n, 2*v.maxPair))
	}
	for i := range props {
		c.arena.text(&v.keys[v.pairs], props[i].Key)
		c.arena.text(&v.values[v.pairs], props[i].Value)
		v.pairs++
	}
}

// reserve makes room for n pairs, keeping those written: DuckDB copies as many
// as the list's size says.
func (v *vector) reserve(n int) {
	mapping.ListVectorSetSize(v.vec, mapping.IdxT(v.pairs))
	mapping.ListVectorReserve(v.vec, mapping.IdxT(n))
	v.maxPair = n
	pair := mapping.ListVectorGetChild(v.vec)
	v.keys = unsafe.Slice((*textRef)(mapping.VectorGetData(mapping.StructVectorGetChild(pair, 0))), n)
	v.values = unsafe.Slice((*textRef)(mapping.VectorGetData(mapping.StructVectorGetChild(pair, 1))), n)
}

// arena holds the bytes of texts too long for a textRef until DuckDB has
// copied the chunk. It is pinned because C reads it.
type arena struct {
	pinner runtime.Pinner
	block  []byte // what is being filled
	first  []byte // kept from chunk to chunk
}

// arenaBlock holds the long texts of a usual chunk: 2,048 rows with about 150
// bytes of them.
const arenaBlock = 512 << 10

func (a *arena) reset() {
	if a.first == nil {
		a.first = make([]byte, 0, arenaBlock)
		a.pinner.Pin(unsafe.SliceData(a.first))
	} else if unsafe.SliceData(a.block) != unsafe.SliceData(a.first) {
		a.pinner.Unpin()
		a.pinner.Pin(unsafe.SliceData(a.first))
	}
	a.block = a.first[:0]
}

func (a *arena) free() {
	a.pinner.Unpin()
	a.first, a.block = nil, nil
}

// text writes s, with U+FFFD for what is not UTF-8: DuckDB trusts what is in a
// vector and would fail later, reading it.
func (a *arena) text(dst *textRef, s string) {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	a.put(dst, s)
}

func (a *arena) put(dst *textRef, s string) {
	if len(s) <= inlineText {
		// Unused bytes must be zero: DuckDB compares all twelve.
		*dst = textRef{length: uint32(len(s))}
		copy((*[inlineText]byte)(unsafe.Pointer(&dst.prefix))[:], s)
		return
	}
	if len(a.block)+len(s) > cap(a.block) {
		a.block = make([]byte, 0, max(arenaBlock, len(s)))
		a.pinner.Pin(unsafe.SliceData(a.block))
	}
	at := len(a.block)
	a.block = append(a.block, s...)
	dst.length = uint32(len(s))
	copy(dst.prefix[:], s)
	dst.rest = uint64(uintptr(unsafe.Pointer(&a.block[at])))
}
