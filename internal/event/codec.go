package event

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
)

// A spool record's payload is
//
//	kind, version, body
//
// and nothing after it. Integers are varints (zigzag where they may be
// negative), strings are their length and their bytes, visitor and visit IDs
// are eight bytes because a hash never fits in fewer. Absent fields cost one
// bit in a mask. A plain pageview is about 150 bytes.
//
// Versions only grow. A decoder reads every version that was ever released,
// because a spool outlives the program that wrote it; a version from the
// future is refused by name, so that an old program never guesses.
const (
	kindEvent = 1
	kindBatch = 2
	kindDrops = 3

	recordVersion = 1
	entryVersion  = 1
)

// Bits of an event's flags.
const (
	flagInteractive = 1 << iota
	flagRevenue     // Revenue and Currency follow
	flagSpeed       // ConnectionSpeed follows
	flagProps       // Props follow
	flagMeasures    // Measures follow
	flagsKnown      = flagInteractive | flagRevenue | flagSpeed | flagProps | flagMeasures
)

// entryTexts is the number of text fields of an Entry, in the order of
// (*Entry).texts. Their presence mask has one more bit for ScreenWidth.
const entryTexts = 19

// texts lists the text fields in the order they are written. New fields go at
// the end, under a new entryVersion.
func (e *Entry) texts() [entryTexts]*string {
	return [entryTexts]*string{
		&e.EntryPath, &e.Referrer, &e.Source, &e.Channel,
		&e.UTMSource, &e.UTMMedium, &e.UTMCampaign, &e.UTMContent, &e.UTMTerm,
		&e.Country, &e.Region, &e.City,
		&e.Browser, &e.BrowserVersion, &e.OS, &e.OSVersion, &e.Device,
		&e.Language, &e.TimeZone,
	}
}

// AppendEntry appends the facts of a visit alone: what is kept for an open
// visit, and what AppendEventWithEntry embeds as it is.
func AppendEntry(dst []byte, e *Entry) []byte {
	texts := e.texts()
	var mask uint64
	for i, s := range texts {
		if *s != "" {
			mask |= 1 << i
		}
	}
	if e.ScreenWidth > 0 {
		mask |= 1 << entryTexts
	}
	dst = append(dst, entryVersion)
	dst = binary.AppendVarint(dst, e.VisitStart)
	dst = binary.AppendUvarint(dst, mask)
	for _, s := range texts {
		if *s != "" {
			dst = appendText(dst, *s)
		}
	}
	if e.ScreenWidth > 0 {
		dst = binary.AppendVarint(dst, int64(e.ScreenWidth))
	}
	return dst
}

// AppendEvent appends a whole record holding one event.
func AppendEvent(dst []byte, e *Event) []byte {
	dst = append(dst, kindEvent, recordVersion)
	dst = appendEventFields(dst, e)
	return AppendEntry(dst, &e.Entry)
}

// AppendEventWithEntry is AppendEvent with the entry facts already in bytes
// (from AppendEntry); e.Entry is not looked at. Joining an open visit then
// copies bytes instead of encoding twenty fields again.
func AppendEventWithEntry(dst []byte, e *Event, entry []byte) []byte {
	dst = append(dst, kindEvent, recordVersion)
	dst = appendEventFields(dst, e)
	return append(dst, entry...)
}

// AppendDrops appends one record holding many drop counts.
func AppendDrops(dst []byte, drops []Drop) []byte {
	dst = append(dst, kindDrops, recordVersion)
	dst = binary.AppendUvarint(dst, uint64(len(drops)))
	for i := range drops {
		d := &drops[i]
		dst = binary.AppendVarint(dst, d.Site)
		dst = binary.AppendVarint(dst, d.Time)
		dst = appendText(dst, d.Reason)
		dst = appendText(dst, d.Detail)
		dst = binary.AppendVarint(dst, d.Count)
	}
	return dst
}

// AppendBatch appends one record holding all events of a batch, so that they
// become durable together or not at all, with the idempotency key they came
// with; k is nil when none was sent.
func AppendBatch(dst []byte, k *Key, events []Event) []byte {
	dst = append(dst, kindBatch, recordVersion)
	if k == nil {
		dst = append(dst, 0)
	} else {
		dst = append(dst, 1)
		dst = binary.AppendVarint(dst, k.Site)
		dst = binary.AppendVarint(dst, k.Time)
		dst = append(dst, k.Key[:]...)
		dst = append(dst, k.Body[:]...)
	}
	dst = binary.AppendUvarint(dst, uint64(len(events)))
	for i := range events {
		dst = appendEventFields(dst, &events[i])
		dst = AppendEntry(dst, &events[i].Entry)
	}
	return dst
}

func appendEventFields(dst []byte, e *Event) []byte {
	var flags byte
	var mask uint64
	for i, m := range e.Measures {
		if m > 0 {
			mask |= 1 << i
		}
	}
	if e.Interactive {
		flags |= flagInteractive
	}
	if e.Revenue != 0 || e.Currency != "" {
		flags |= flagRevenue
	}
	if e.ConnectionSpeed != "" {
		flags |= flagSpeed
	}
	if len(e.Props) > 0 {
		flags |= flagProps
	}
	if mask != 0 {
		flags |= flagMeasures
	}
	dst = append(dst, flags)
	dst = binary.AppendVarint(dst, e.Site)
	dst = binary.AppendVarint(dst, e.Time)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Visitor))
	dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Visit))
	dst = appendText(dst, e.Name)
	dst = appendText(dst, e.Path)
	dst = appendText(dst, e.Hostname)
	if flags&flagSpeed != 0 {
		dst = appendText(dst, e.ConnectionSpeed)
	}
	if flags&flagMeasures != 0 {
		dst = binary.AppendUvarint(dst, mask)
		for m := mask; m != 0; m &= m - 1 {
			dst = binary.AppendUvarint(dst, uint64(e.Measures[bits.TrailingZeros64(m)]))
		}
	}
	if flags&flagRevenue != 0 {
		dst = binary.AppendVarint(dst, e.Revenue)
		dst = appendText(dst, e.Currency)
	}
	if flags&flagProps != 0 {
		dst = binary.AppendUvarint(dst, uint64(len(e.Props)))
		for _, p := range e.Props {
			dst = appendText(dst, p.Key)
			dst = appendText(dst, p.Value)
		}
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(s)))
	return append(dst, s...)
}

// DecodeEntry reads what AppendEntry wrote.
func DecodeEntry(b []byte) (Entry, error) {
	var e Entry
	r := reader{rest: string(b), size: len(b)}
	r.entry(&e)
	r.end()
	if r.err != nil {
		return Entry{}, r.err
	}
	return e, nil
}

// Decode adds what a record holds to b.Events, b.Drops and b.Keys. On an error
// b is as it was, and the error says what is wrong and at which byte. The
// memory taken is at most about fifty times the record's length (an empty
// event is 25 bytes there and 550 here), whatever the record claims. The
// record may be reused afterwards.
func (b *Batch) Decode(record []byte) error {
	events, drops, keys := len(b.Events), len(b.Drops), len(b.Keys)
	// One copy as a string: every text below is a slice of it, so a record
	// costs two allocations instead of twenty.
	r := reader{rest: string(record), size: len(record)}
	kind, version := r.byte("kind"), r.byte("version")
	switch {
	case r.err != nil:
	case kind != kindEvent && kind != kindBatch && kind != kindDrops:
		r.fail("kind %d is none that this program knows", kind)
	case version != recordVersion:
		r.fail("version %d is not one that this program reads (1 to %d)", version, recordVersion)
	case kind == kindEvent:
		b.decodeEvents(&r, 1)
	case kind == kindBatch:
		b.decodeBatch(&r)
	case kind == kindDrops:
		b.decodeDrops(&r)
	}
	r.end()
	if r.err != nil {
		clear(b.Events[events:])
		b.Events, b.Drops, b.Keys = b.Events[:events], b.Drops[:drops], b.Keys[:keys]
		return r.err
	}
	return nil
}

func (b *Batch) decodeBatch(r *reader) {
	switch has := r.byte("key mark"); has {
	case 0:
	case 1:
		var k Key
		k.Site, k.Time = r.varint("key site"), r.varint("key time")
		copy(k.Key[:], r.take(len(k.Key), "key"))
		copy(k.Body[:], r.take(len(k.Body), "key body"))
		b.Keys = append(b.Keys, k)
	default:
		r.fail("key mark is %d, not 0 or 1", has)
	}
	b.decodeEvents(r, r.count("events", minEvent))
}

// The fewest bytes one event, drop and property can take: what a count is
// checked against before anything is allocated for it.
const (
	minEvent = 1 + 1 + 1 + 8 + 8 + 3 + 3
	minDrop  = 5
	minProp  = 2
)

func (b *Batch) decodeEvents(r *reader, n int) {
	for range n {
		if r.err != nil {
			return
		}
		b.Events = append(b.Events, Event{})
		r.event(&b.Events[len(b.Events)-1])
	}
}

func (b *Batch) decodeDrops(r *reader) {
	for range r.count("drops", minDrop) {
		if r.err != nil {
			return
		}
		b.Drops = append(b.Drops, Drop{
			Site: r.varint("drop site"), Time: r.varint("drop time"),
			Reason: r.text("drop reason"), Detail: r.text("drop detail"),
			Count: r.varint("drop count"),
		})
	}
}

// reader reads fields off the front of a record. The first fault sticks, and
// everything read after it is zero.
type reader struct {
	rest string
	size int
	err  error
}

func (r *reader) event(e *Event) {
	flags := r.byte("flags")
	if flags&^flagsKnown != 0 {
		r.fail("flags %#x are none that this program knows", flags)
	}
	e.Interactive = flags&flagInteractive != 0
	e.Site, e.Time = r.varint("site"), r.varint("time")
	e.Visitor, e.Visit = r.fixed("visitor"), r.fixed("visit")
	e.Name, e.Path, e.Hostname = r.text("name"), r.text("path"), r.text("hostname")
	if flags&flagSpeed != 0 {
		e.ConnectionSpeed = r.text("connection speed")
	}
	if flags&flagMeasures != 0 {
		mask := r.uvarint("measures")
		if mask>>MeasureCount != 0 {
			r.fail("measures %#x are more than this program knows", mask)
			return
		}
		for ; mask != 0; mask &= mask - 1 {
			e.Measures[bits.TrailingZeros64(mask)] = r.measure()
		}
	}
	if flags&flagRevenue != 0 {
		e.Revenue, e.Currency = r.varint("revenue"), r.text("currency")
	}
	if flags&flagProps != 0 {
		if n := r.count("properties", minProp); n > 0 {
			e.Props = make([]Prop, n)
			for i := range e.Props {
				e.Props[i] = Prop{Key: r.text("property key"), Value: r.text("property value")}
			}
		}
	}
	r.entry(&e.Entry)
}

func (r *reader) entry(e *Entry) {
	if v := r.byte("entry version"); r.err == nil && v != entryVersion {
		r.fail("entry version %d is not one that this program reads (1 to %d)", v, entryVersion)
	}
	e.VisitStart = r.varint("visit start")
	mask := r.uvarint("entry fields")
	if mask>>(entryTexts+1) != 0 {
		r.fail("entry fields %#x are more than this program knows", mask)
		return
	}
	for i, s := range e.texts() {
		if mask&(1<<i) != 0 {
			*s = r.text("entry text")
		}
	}
	if mask&(1<<entryTexts) != 0 {
		w := r.varint("screen width")
		if w < 0 || w > 1<<31-1 {
			r.fail("screen width %d is out of range", w)
			return
		}
		e.ScreenWidth = int32(w)
	}
}

func (r *reader) measure() Measure {
	v := r.uvarint("measure")
	if v > 1<<31-1 {
		r.fail("measure %d is out of range", v)
		return 0
	}
	return Measure(v)
}

func (r *reader) take(n int, what string) string {
	if r.err != nil {
		return ""
	}
	if n > len(r.rest) {
		r.fail("%s needs %d bytes, %d are left", what, n, len(r.rest))
		return ""
	}
	s := r.rest[:n]
	r.rest = r.rest[n:]
	return s
}

func (r *reader) byte(what string) byte {
	if s := r.take(1, what); s != "" {
		return s[0]
	}
	return 0
}

func (r *reader) fixed(what string) int64 {
	s := r.take(8, what)
	if s == "" {
		return 0
	}
	var v uint64
	for i := range 8 {
		v |= uint64(s[i]) << (8 * i)
	}
	return int64(v)
}

func (r *reader) uvarint(what string) uint64 {
	var v uint64
	for i := 0; i < binary.MaxVarintLen64; i++ {
		c := r.byte(what)
		if r.err != nil {
			return 0
		}
		if i == binary.MaxVarintLen64-1 && c > 1 {
			break
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			return v
		}
	}
	r.fail("%s is a number of more than 64 bits", what)
	return 0
}

func (r *reader) varint(what string) int64 {
	u := r.uvarint(what)
	return int64(u>>1) ^ -int64(u&1)
}

func (r *reader) text(what string) string {
	n := r.uvarint(what)
	if n > uint64(len(r.rest)) {
		r.fail("%s claims %d bytes, %d are left", what, n, len(r.rest))
		return ""
	}
	return r.take(int(n), what)
}

// count reads how many of something follow, each at least least bytes long.
func (r *reader) count(what string, least int) int {
	n := r.uvarint(what)
	if n > uint64(len(r.rest)/least) {
		r.fail("%d %s cannot be in the %d bytes left", n, what, len(r.rest))
		return 0
	}
	return int(n)
}

func (r *reader) end() {
	if r.err == nil && r.rest != "" {
		r.fail("%d bytes follow the last field", len(r.rest))
	}
}

// errRecord is in the chain of every decoding error.
var errRecord = errors.New("event record")

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w, byte %d: %s", errRecord, r.size-len(r.rest), fmt.Sprintf(format, args...))
	}
}
