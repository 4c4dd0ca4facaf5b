package spool

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// A record is
//
//	0  uint32  header checksum: CRC-32C of salt, position and bytes 4 to 16
//	4  uint32  kind in the top byte, payload length in the lower three
//	8  uint32  distance to the first record of the batch it was written with
//	12 uint32  payload checksum: CRC-32C of the payload, begun with the header's
//	16         payload
//
// little endian. The salt is the segment's own random number and the position
// is not stored, so bytes of an older use of the file, or of another place or
// another spool, never pass. The header has its own checksum so that damage to
// a payload costs one record, and so that the next good record is found by
// testing 12 bytes at each offset instead of up to 16 MiB.
const (
	recordHeader = RecordOverhead
	maxLength    = 1<<24 - 1

	// kindData is the one kind there is. Zero is none, so that a zero-filled
	// file has no records.
	kindData = 1
)

// RecordOverhead is what a record takes in the log beside its own bytes: the
// next one's position is this one's, plus its length, plus RecordOverhead.
const RecordOverhead = 16

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errBadRecord = errors.New("bad record")

// appendRecord adds a record whose checksums are still to be stamped.
func appendRecord(dst, payload []byte) []byte {
	var h [recordHeader]byte
	binary.LittleEndian.PutUint32(h[4:], kindData<<24|uint32(len(payload)))
	return append(append(dst, h[:]...), payload...)
}

// stamp fills in the checksums of a batch that begins at pos.
func stamp(buf []byte, salt uint64, pos int64) {
	for off := 0; off < len(buf); {
		n := recordHeader + int(binary.LittleEndian.Uint32(buf[off+4:])&maxLength)
		rec := buf[off : off+n]
		binary.LittleEndian.PutUint32(rec[8:], uint32(off))
		binary.LittleEndian.PutUint32(rec[12:], 0)
		// The header's checksum covers the payload's, which begins with the
		// header's own first bytes: seed, then payload, then header.
		seed := headerSum(salt, pos+int64(off), rec[4:12])
		binary.LittleEndian.PutUint32(rec[12:], crc32.Update(seed, castagnoli, rec[recordHeader:]))
		binary.LittleEndian.PutUint32(rec, crc32.Update(seed, castagnoli, rec[12:16]))
		off += n
	}
}

// headerSum is the CRC-32C of salt, position, and the eight bytes of kind,
// length and batch distance.
func headerSum(salt uint64, pos int64, h []byte) uint32 {
	var b [24]byte
	binary.LittleEndian.PutUint64(b[:], salt)
	binary.LittleEndian.PutUint64(b[8:], uint64(pos))
	copy(b[16:], h[:8])
	return crc32.Update(0, castagnoli, b[:])
}

// header is a record's header that passed its checksum.
type header struct {
	length int   // of the payload
	batch  int64 // position of the first record of its batch
	seed   uint32
	sum    uint32 // of the payload
}

// parseHeader reads the header at pos. ok is false for anything that was not
// written at exactly this position of this segment.
func parseHeader(b []byte, salt uint64, pos int64) (h header, ok bool) {
	if len(b) < recordHeader || b[7] != kindData {
		return header{}, false
	}
	seed := headerSum(salt, pos, b[4:12])
	if crc32.Update(seed, castagnoli, b[12:16]) != binary.LittleEndian.Uint32(b) {
		return header{}, false
	}
	return header{
		length: int(binary.LittleEndian.Uint32(b[4:]) & maxLength),
		batch:  pos - int64(binary.LittleEndian.Uint32(b[8:])),
		seed:   seed,
		sum:    binary.LittleEndian.Uint32(b[12:]),
	}, true
}

// payload returns the payload behind a header, or errBadRecord.
// short is true when b ends before the record does.
func (h header) payload(b []byte) (p []byte, short bool, err error) {
	if len(b) < recordHeader+h.length {
		return nil, true, errBadRecord
	}
	p = b[recordHeader : recordHeader+h.length : recordHeader+h.length]
	if crc32.Update(h.seed, castagnoli, p) != h.sum {
		return nil, false, errBadRecord
	}
	return p, false, nil
}

// resync finds the first whole good record at or after the start of b, which
// begins at pos. It returns the offset in b and its header, or -1.
func resync(b []byte, salt uint64, pos int64) (int, header) {
	for off := 0; off+recordHeader <= len(b); off++ {
		if b[off+7] != kindData {
			continue
		}
		h, ok := parseHeader(b[off:], salt, pos+int64(off))
		if !ok {
			continue
		}
		if _, _, err := h.payload(b[off:]); err == nil {
			return off, h
		}
	}
	return -1, header{}
}

// extent is what a scan of the last segment found.
type extent struct {
	end     int64 // position after the last record to keep
	torn    bool  // behind end stand records of a batch that was never finished
	tornEnd int64 // position after the last of them that is whole, when torn
	bad     int   // damaged stretches before end: Read will raise each
}

// scan finds where a segment's records end. b holds the bytes from position
// start to the end of the file.
//
// Batches are written one after the other, each after the fdatasync of the one
// before. So a bad record with a later batch behind it was durable once and is
// damage; one in the last batch is what a cut during the write leaves, nobody
// was told that batch is stored, and it is cut there.
func scan(b []byte, salt uint64, start int64) extent {
	var e extent
	for off := 0; ; {
		off += goodRecords(b[off:], salt, start+int64(off))
		e.end, e.torn, e.tornEnd = start+int64(off), false, 0
		later := -1
		for next := off; later < 0; {
			i, h := resync(b[next:], salt, start+int64(next))
			if i < 0 {
				return e
			}
			next += i
			if h.batch > e.end {
				later = next
				break
			}
			next += recordHeader + h.length
			e.torn, e.tornEnd = true, start+int64(next)
		}
		e.bad++
		off = later
	}
}

// goodRecords returns how many bytes of good records b begins with.
func goodRecords(b []byte, salt uint64, pos int64) (n int) {
	for {
		h, ok := parseHeader(b[n:], salt, pos+int64(n))
		if !ok {
			return n
		}
		if _, _, err := h.payload(b[n:]); err != nil {
			return n
		}
		n += recordHeader + h.length
	}
}
