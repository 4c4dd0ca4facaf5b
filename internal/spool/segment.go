package spool

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strconv"
	"strings"
)

// A segment file begins with
//
//	0  8 bytes   "moonspol"
//	8  uint32    version of the format
//	12 uint32    0
//	16 uint64    salt: random, begins every checksum in the file
//	24 uint64    position of the first record
//	32 16 bytes  birth ID of the spool
//	48 12 bytes  0
//	60 uint32    CRC-32C of the 60 bytes before
//
// and holds records from byte 64 on. A file gets its name only after its
// header and first batch are durable, so a named file with a bad header is
// damaged, never half made. It ends where the next one starts: what it may
// hold beyond was never acknowledged.
const (
	segmentHeader  = 64
	segmentMagic   = "moonspol"
	segmentVersion = 1
	segmentSuffix  = ".seg"
	badSuffix      = ".bad" // behind the name of a segment with a bad header
	spareName      = "spare"
)

// segment is a file of the log. It ends at the start of the next one, the last
// at the durable position.
type segment struct {
	start int64
	salt  uint64
	size  int64 // of the file
}

func segmentName(start int64) string { return fmt.Sprintf("%020d%s", start, segmentSuffix) }

// parseSegmentName is the inverse of segmentName.
func parseSegmentName(name string) (start int64, ok bool) {
	digits, ok := strings.CutSuffix(name, segmentSuffix)
	if !ok || len(digits) != 20 {
		return 0, false
	}
	start, err := strconv.ParseInt(digits, 10, 64)
	return start, err == nil && start >= 0
}

// setAsideSegment says whether a name is that of a segment with a bad header.
func setAsideSegment(name string) bool {
	name, ok := strings.CutSuffix(name, badSuffix)
	if !ok {
		return false
	}
	_, ok = parseSegmentName(name)
	return ok
}

func (s *Spool) path(name string) string { return filepath.Join(s.dir, name) }

func appendSegmentHeader(dst []byte, g segment, birth string) []byte {
	var h [segmentHeader]byte
	copy(h[:], segmentMagic)
	binary.LittleEndian.PutUint32(h[8:], segmentVersion)
	binary.LittleEndian.PutUint64(h[16:], g.salt)
	binary.LittleEndian.PutUint64(h[24:], uint64(g.start))
	id, _ := hex.DecodeString(birth) // checked by readIdentity
	copy(h[32:48], id)
	binary.LittleEndian.PutUint32(h[60:], crc32.Checksum(h[:60], castagnoli))
	return append(dst, h[:]...)
}

// errNewerVersion is not damage: an older program was started on the data of
// a newer one.
type errNewerVersion struct{ version uint32 }

func (e errNewerVersion) Error() string {
	return fmt.Sprintf("written by a newer version (spool format %d, this program knows %d)", e.version, segmentVersion)
}

// parseSegmentHeader checks a segment's first bytes.
func parseSegmentHeader(b []byte) (g segment, birth string, err error) {
	switch {
	case len(b) < segmentHeader:
		return segment{}, "", fmt.Errorf("header is %d bytes instead of %d", len(b), segmentHeader)
	case string(b[:8]) != segmentMagic:
		return segment{}, "", fmt.Errorf("does not begin with %q", segmentMagic)
	case crc32.Checksum(b[:60], castagnoli) != binary.LittleEndian.Uint32(b[60:]):
		return segment{}, "", fmt.Errorf("header checksum is wrong")
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != segmentVersion {
		return segment{}, "", errNewerVersion{v}
	}
	g = segment{salt: binary.LittleEndian.Uint64(b[16:]), start: int64(binary.LittleEndian.Uint64(b[24:]))}
	if g.start < 0 {
		return segment{}, "", fmt.Errorf("start position %d is negative", g.start)
	}
	return g, hex.EncodeToString(b[32:48]), nil
}
