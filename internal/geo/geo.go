// Package geo tells which place an IP address is in.
//
// A country database ships in the binary; a better one, with regions and
// cities, is a file the operator names (GEOIP_DB). Either way the trip is
//
//	address → search tree of the MaxMind DB file → record → Place
//
// and the address goes no further: a Place is all that is ever stored.
package geo

import (
	_ "embed"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"

	"github.com/klauspost/compress/zstd"
	"github.com/oschwald/maxminddb-golang/v2"
)

// builtin is the country database, compressed: 3.3 MiB instead of 7.5 in the
// binary, for 20 ms at the start. data/SOURCE tells its version.
//
//go:embed data/country.mmdb.zst
var builtin []byte

//go:embed data/SOURCE
var builtinSource string

// builtinLimit is the most the built-in file may unpack to, bytes.
const builtinLimit = 64 << 20

// Place is where an address is, as far as the database knows. The zero Place
// is "not known".
type Place struct {
	Country string // ISO 3166-1 alpha-2, upper case: "KR"
	Region  string // ISO 3166-2: "KR-11"
	City    string // English name: "Seoul"
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	reader   *maxminddb.Reader
	layout   layout
	describe string
	correct  *corrections // of the built-in file; nil for others
	cache    [cacheSlots]atomic.Pointer[cached]
}

// cacheSlots bounds the places kept decoded. The built-in file has 250 distinct
// records, a city file about 100,000 of which a site sees a few hundred; a
// slot is 8 bytes and a place about 100.
const cacheSlots = 4096

type cached struct {
	offset uintptr
	place  Place
}

// Open opens the database file at path, or the built-in one when path is "".
// The file must be a MaxMind DB (.mmdb) whose records name a country; the
// layouts of MaxMind, DB-IP, IP2Location, IPinfo and ip-location-db are known.
//
// The file is mapped, not read: replace it by renaming another over it, never
// by writing into it.
func Open(path string) (*DB, error) {
	if path == "" {
		return openBuiltin()
	}
	if info, err := os.Stat(path); err != nil {
		return nil, fmt.Errorf("geo database: %w", err)
	} else if info.IsDir() {
		return nil, fmt.Errorf("geo database %s is a directory: name the .mmdb file in it", path)
	}
	reader, err := maxminddb.Open(path)
	if err != nil {
		if broken := (maxminddb.InvalidDatabaseError{}); errors.As(err, &broken) {
			return nil, fmt.Errorf("geo database %s is not a MaxMind DB file (.mmdb; a .gz, .zip or .csv must be unpacked or converted first): %w", path, err)
		}
		return nil, fmt.Errorf("geo database %s: %w", path, err)
	}
	db, err := newDB(reader)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("geo database %s: %w", path, err), reader.Close())
	}
	return db, nil
}

func openBuiltin() (*DB, error) {
	unpack, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(builtinLimit))
	if err != nil {
		return nil, fmt.Errorf("built-in geo database: %w", err)
	}
	defer unpack.Close()
	raw, err := unpack.DecodeAll(builtin, nil)
	if err != nil {
		return nil, fmt.Errorf("built-in geo database: %w", err)
	}
	reader, err := maxminddb.OpenBytes(raw)
	if err != nil {
		return nil, fmt.Errorf("built-in geo database: %w", err)
	}
	db := &DB{reader: reader, layout: builtinLayout}
	if db.correct, err = readCorrections(correctionList); err != nil {
		return nil, fmt.Errorf("built-in geo database: %w", err)
	}
	db.describe = "built-in " + strings.TrimSpace(builtinSource) +
		": countries only; its publisher stopped updating it in 2026 and calls it partly wrong; GEOIP_DB names a better file"
	return db, nil
}

func newDB(reader *maxminddb.Reader) (*DB, error) {
	l, err := probe(reader)
	if err != nil {
		return nil, err
	}
	m := reader.Metadata
	return &DB{reader: reader, layout: l, describe: fmt.Sprintf("%s, built %s: %s",
		m.DatabaseType, m.BuildTime().UTC().Format("2006-01-02"), l.holds())}, nil
}

// Close releases the file. No Lookup may run then or later.
func (db *DB) Close() error { return db.reader.Close() }

// Describe says in one line which database answers, how old it is and what it
// holds, for the log, the doctor and the admin page.
func (db *DB) Describe() string { return db.describe }

// Lookup tells the place of an address. It is the zero Place for addresses
// that are nowhere (private, loopback, link-local, multicast, not valid) and
// for those the database does not know.
func (db *DB) Lookup(addr netip.Addr) Place {
	addr = addr.Unmap().WithZone("")
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return Place{}
	}
	res := db.reader.Lookup(addr)
	if !res.Found() || res.Err() != nil {
		return Place{}
	}
	// Offsets of records in the data section are spread by a multiplicative
	// hash; neighbours are a few bytes to a few hundred apart.
	slot := &db.cache[uint64(res.Offset())*0x9e3779b97f4a7c15>>52]
	c := slot.Load()
	if c == nil || c.offset != res.Offset() {
		c = &cached{res.Offset(), db.layout.place(res)}
		slot.Store(c)
	}
	return db.correct.place(addr, c.place)
}
