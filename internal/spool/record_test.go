package spool

import (
	"bytes"
	"encoding/binary"
	"testing"
)

const (
	testSalt  = 7
	testStart = 1000
)

// batches stamps records into one segment's bytes, batch by batch.
func batches(salt uint64, start int64, bs ...[]string) []byte {
	var b []byte
	for _, records := range bs {
		var one []byte
		for _, r := range records {
			one = appendRecord(one, []byte(r))
		}
		stamp(one, salt, start+int64(len(b)))
		b = append(b, one...)
	}
	return b
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 0x40
	return b
}

func TestScan(t *testing.T) {
	const first, second, third = 2 * (recordHeader + 3), 3 * (recordHeader + 3), 4 * (recordHeader + 3)
	good := batches(testSalt, testStart, []string{"aaa", "bbb"}, []string{"ccc"}, []string{"ddd"})
	torn := batches(testSalt, testStart, []string{"aaa"}, []string{"bbb", "ccc", "ddd"})
	old := batches(testSalt+1, testStart, []string{"old", "old"}, []string{"old", "old", "old"}, []string{"old"})
	tests := []struct {
		name string
		b    []byte
		want extent
	}{
		{"nothing", nil, extent{end: testStart}},
		{"zeros", make([]byte, 4096), extent{end: testStart}},
		{"whole", good, extent{end: testStart + third}},
		{"whole, then zeros", append(bytes.Clone(good), make([]byte, 999)...), extent{end: testStart + third}},
		{"whole, then an older use of the file", append(bytes.Clone(good), old[third:]...), extent{end: testStart + third}},
		{"an older use of the file", old, extent{end: testStart}},
		{"cut in the last record", good[:len(good)-1], extent{end: testStart + second}},
		{"cut in its header", good[:second+5], extent{end: testStart + second}},
		{"the last payload is bad", flip(good, len(good)-1), extent{end: testStart + second}},
		{"bad in a batch that was durable", flip(good, recordHeader), extent{end: testStart + third, bad: 1}},
		{"a bad length in a batch that was durable", flip(good, first+4), extent{end: testStart + third, bad: 1}},
		{"bad at two places", flip(flip(good, 0), first+1), extent{end: testStart + third, bad: 1}},
		{"the last batch was torn", flip(torn, 1*(recordHeader+3)+2), extent{end: testStart + 19, torn: true, tornEnd: testStart + third}},
		{"the last batch was torn inside", flip(torn, 2*(recordHeader+3)+2), extent{end: testStart + 38, torn: true, tornEnd: testStart + third}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := scan(tt.b, testSalt, testStart); got != tt.want {
				t.Errorf("scan finds %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestRecordIsTiedToItsPlace(t *testing.T) {
	b := batches(testSalt, testStart, []string{"payload"})
	tests := []struct {
		name   string
		b      []byte
		salt   uint64
		pos    int64
		header bool
		whole  bool
	}{
		{"as written", b, testSalt, testStart, true, true},
		{"another segment", b, testSalt + 1, testStart, false, false},
		{"another position", b, testSalt, testStart + 1, false, false},
		{"another kind", flip(b, 7), testSalt, testStart, false, false},
		{"another length", flip(b, 4), testSalt, testStart, false, false},
		{"another batch", flip(b, 8), testSalt, testStart, false, false},
		{"another payload sum", flip(b, 12), testSalt, testStart, false, false},
		{"another payload", flip(b, recordHeader), testSalt, testStart, true, false},
		{"short", b[:len(b)-1], testSalt, testStart, true, false},
		{"no header", b[:recordHeader-1], testSalt, testStart, false, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, ok := parseHeader(tt.b, tt.salt, tt.pos)
			if ok != tt.header {
				t.Fatalf("the header passes: %v, want %v", ok, tt.header)
			}
			if !ok {
				return
			}
			if _, _, err := h.payload(tt.b); (err == nil) != tt.whole {
				t.Errorf("the payload: %v, want it to pass: %v", err, tt.whole)
			}
		})
	}
}

// FuzzScan gives recovery a segment of any bytes behind some good records: it
// must not panic, keep the good ones, and end inside the bytes.
func FuzzScan(f *testing.F) {
	good := batches(testSalt, testStart, []string{"a", "bb"}, []string{""})
	f.Add(uint8(3), []byte{})
	f.Add(uint8(0), good)
	f.Add(uint8(2), flip(good, 3))
	f.Add(uint8(1), batches(testSalt, testStart+int64(len(good)), []string{"late"}, []string{"later"}))
	f.Add(uint8(5), bytes.Repeat([]byte{0, 0, 0, kindData}, 64))
	f.Fuzz(func(t *testing.T, n uint8, tail []byte) {
		var b []byte
		for i := range n {
			b = append(b, batches(testSalt, testStart+int64(len(b)), []string{string(make([]byte, i))})...)
		}
		kept := int64(len(b))
		b = append(b, tail...)
		e := scan(b, testSalt, testStart)
		if e.end < testStart+kept || e.end > testStart+int64(len(b)) {
			t.Fatalf("%d good bytes of %d, and the end is %d", kept, len(b), e.end-testStart)
		}
		if e.torn && (e.tornEnd <= e.end || e.tornEnd > testStart+int64(len(b))) {
			t.Fatalf("%+v of %d bytes", e, len(b))
		}
	})
}

// FuzzSegmentHeader: what passes says the same again when it is written.
func FuzzSegmentHeader(f *testing.F) {
	f.Add(appendSegmentHeader(nil, segment{start: 5, salt: 6}, "000102030405060708090a0b0c0d0e0f"))
	f.Add([]byte(segmentMagic))
	f.Add(make([]byte, segmentHeader))
	f.Fuzz(func(t *testing.T, b []byte) {
		g, birth, err := parseSegmentHeader(b)
		if err != nil {
			return
		}
		again := appendSegmentHeader(nil, g, birth)
		if binary.LittleEndian.Uint32(again[12:]) == binary.LittleEndian.Uint32(b[12:]) && !bytes.Equal(again[:48], b[:48]) {
			t.Fatalf("%x is written as %x", b[:segmentHeader], again)
		}
	})
}

// FuzzIdentity: the id file is read or refused, never half believed.
func FuzzIdentity(f *testing.F) {
	f.Add([]byte(`{"version":1,"birth":"000102030405060708090a0b0c0d0e0f","name":"x","from":0}`))
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		id, err := parseIdentity(b)
		if err == nil && (len(id.Birth) != 32 || id.Name == "" || id.From < 0) {
			t.Fatalf("%q passes as %+v", b, id)
		}
	})
}
