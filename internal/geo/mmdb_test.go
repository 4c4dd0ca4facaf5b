package geo

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// A writer of MaxMind DB files, as small as the layouts' tests need: 24-bit
// records, IPv6 tree with IPv4 at ::/96, control bytes of the format 2.0.

type object map[string]any

func encode(dst []byte, v any) []byte {
	switch v := v.(type) {
	case string:
		return append(control(dst, 2, len(v)), v...)
	case object:
		dst = control(dst, 7, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			dst = encode(encode(dst, k), v[k])
		}
		return dst
	case []any:
		dst = control(dst, 11, len(v))
		for _, item := range v {
			dst = encode(dst, item)
		}
		return dst
	case uint32:
		return binary.BigEndian.AppendUint32(control(dst, 6, 4), v)
	}
	panic("geo test: no encoding for this type")
}

func control(dst []byte, kind, size int) []byte {
	first := byte(kind) << 5
	if kind > 7 {
		first = 0
	}
	extended := []byte{}
	if kind > 7 {
		extended = []byte{byte(kind - 7)}
	}
	if size < 29 {
		return append(append(dst, first|byte(size)), extended...)
	}
	return append(append(append(dst, first|29), extended...), byte(size-29))
}

// writeDB writes a file in which each prefix has a record.
func writeDB(t testing.TB, kind string, records map[string]object) string {
	t.Helper()
	type node [2]uint32 // 0: none; below 1<<24: node; else data offset | 1<<24
	tree := []node{{}}
	var data []byte
	for _, p := range slices.Sorted(maps.Keys(records)) {
		prefix := netip.MustParsePrefix(p)
		bits, ip := prefix.Bits(), prefix.Addr().As16()
		if prefix.Addr().Is4() {
			bits += 96
			ip = [16]byte{}
			v4 := prefix.Addr().As4()
			copy(ip[12:], v4[:])
		}
		at := uint32(0)
		for i := range bits {
			bit := ip[i/8] >> (7 - i%8) & 1
			if i == bits-1 {
				tree[at][bit] = uint32(len(data)) | 1<<24
				break
			}
			if tree[at][bit] == 0 {
				tree = append(tree, node{})
				tree[at][bit] = uint32(len(tree) - 1)
			}
			at = tree[at][bit]
		}
		data = encode(data, records[p])
	}
	count := uint32(len(tree))
	var file []byte
	for _, n := range tree {
		for _, r := range n {
			switch {
			case r == 0:
				r = count
			case r >= 1<<24:
				r = r&^(1<<24) + count + 16
			}
			file = append(file, byte(r>>16), byte(r>>8), byte(r))
		}
	}
	file = append(append(file, make([]byte, 16)...), data...)
	file = encode(append(file, "\xab\xcd\xefMaxMind.com"...), object{
		"binary_format_major_version": uint32(2), "binary_format_minor_version": uint32(0), "build_epoch": uint32(1767225600),
		"database_type": kind, "description": object{"en": "test"}, "ip_version": uint32(6), "languages": []any{"en"},
		"node_count": count, "record_size": uint32(24),
	})
	path := filepath.Join(t.TempDir(), "test.mmdb")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
