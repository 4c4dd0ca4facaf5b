package transfer

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/dchest/siphash"

	"moonbear/internal/collect"
	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/kv"
	"moonbear/internal/salt"
)

// earliest is before any log that somebody has; what is older is a clock that
// was never set, or a number that is no time.
var earliest = time.Date(1993, 1, 1, 0, 0, 0, 0, time.UTC)

// ahead is how far a log's clock may be ahead of ours.
const ahead = 24 * time.Hour

// record judges a line and has it wait in the window. A line that is refused
// waits too, so that what the lists of bots say, which may change from one run
// to the next, does not change the order of the others.
func (r *run) record(ctx context.Context, it *Item) error {
	rec := &it.Record
	p := pending{at: rec.Time.UnixMilli(), line: it.Line, size: int32(min(rec.textBytes(), windowBytes))}
	if rec.Time.Before(earliest) || rec.Time.After(r.im.o.Now().Add(ahead)) {
		p.at, p.drop = r.win.newest, Drop{Malformed, "its time is before 1993 or in the future"}
		r.win.push(p)
		return nil
	}
	d, err := r.days.of(ctx, rec.Time)
	if err != nil {
		return err
	}
	if d.live || r.others.haveDay(rec.Time.In(r.req.Site.Location)) {
		p.drop = Drop{CountedDay, d.text}
		if d.live {
			p.drop.Reason = LiveDay
		}
		r.win.push(p)
		return nil
	}
	r.pastHit(rec)
	j := &r.judged
	switch err := r.past.Judge(ctx, &r.hit, j); {
	case err == nil:
		if rec.URL == "" || rec.URL[0] == '?' {
			j.Event.Path = "" // the source doesn't say on which page it was
		}
		p.record = event.AppendEvent(nil, &j.Event)
		p.previous, p.origin, p.arrival = j.Previous.Visitor, j.Origin, j.Arrival
		if rec.Visit != "" {
			if p.told, err = r.toldVisit(rec.Visit); err != nil {
				return err
			}
		}
	default:
		if p.drop, err = refused(err); err != nil {
			return err
		}
	}
	r.win.push(p)
	return nil
}

// join finds the visit of a line whose turn has come, and makes it the judged
// event. Lines that are stored already join as well: others go on with their
// visits.
func (r *run) join(ctx context.Context, p *pending) error {
	r.decode.Events = r.decode.Events[:0]
	if err := r.decode.Decode(p.record); err != nil {
		return err
	}
	j := &r.judged
	*j = collect.Judged{Event: r.decode.Events[0], Origin: p.origin, Arrival: p.arrival}
	site := r.req.Site.ID
	if j.Event.Visitor != 0 {
		j.Visitor = kv.VisitKey{Site: site, Visitor: j.Event.Visitor}
	}
	if p.previous != 0 {
		j.Previous = kv.VisitKey{Site: site, Visitor: p.previous}
	}
	_, err := r.past.Join(ctx, j, r.visitID(), p.told)
	if err != nil {
		p.drop, err = refused(err)
		return err
	}
	if r.position%4096 == 0 {
		r.past.Forget(time.UnixMilli(p.at))
	}
	return nil
}

// exact takes in an event of our own export. Its visit is formed, so it has
// not to wait for its turn.
func (r *run) exact(ctx context.Context, it *Item) error {
	e := it.Record.Exact
	d, err := r.days.of(ctx, time.UnixMilli(e.Time))
	if err != nil {
		return err
	}
	if d.live {
		return r.passed(ctx, &Drop{LiveDay, d.text}, it.Line)
	}
	r.judged.Event = *e
	return r.passed(ctx, &Drop{}, it.Line)
}

// counts takes in counts of days.
func (r *run) counts(ctx context.Context, it *Item) error {
	r.position++
	if r.position <= r.from.Position && r.from.Items > 0 {
		return nil
	}
	stored, drop := "", Drop{}
	for _, c := range it.Days {
		date := time.UnixMilli(c.Day).UTC()
		text := date.Format(time.DateOnly)
		switch is, err := r.days.isLive(ctx, date, text); {
		case err != nil:
			return err
		case is:
			drop = Drop{LiveDay, text}
			continue
		}
		switch there, err := r.others.have(ctx, &c); {
		case err != nil:
			return err
		case there:
			drop = Drop{CountedDay, text}
			continue
		}
		stored = text
		if r.position > r.appended {
			c.Site, c.Import = r.req.Site.ID, r.row.ID
			r.batch.Days = append(r.batch.Days, c)
		}
	}
	if stored == "" {
		r.tally.drop(drop, it.Line)
		return nil
	}
	r.tally.store(stored)
	return r.appendIfFull(ctx)
}

// refused makes a drop of what Judge answers.
func refused(err error) (Drop, error) {
	if d, ok := errors.AsType[*collect.Refusal](err); ok {
		return Drop{Reason(d.Reason), d.Detail}, nil
	}
	if f, ok := fault.From(err); ok {
		return Drop{Malformed, f.Message}, nil
	}
	return Drop{}, err
}

func (rec *Record) textBytes() int {
	n := len(rec.URL) + len(rec.Referrer) + 200
	for i := range rec.Props {
		n += len(rec.Props[i].Key) + len(rec.Props[i].Value)
	}
	return n
}

// pastHit says what a record is to collecting.
func (r *run) pastHit(rec *Record) {
	r.hit = collect.PastHit{
		Time: rec.Time, Name: rec.Name, URL: r.absolute(rec), Referrer: rec.Referrer,
		Address: rec.IP, UserAgent: rec.UserAgent, Visitor: rec.Visitor,
		Facts: rec.Facts, Props: rec.Props, Revenue: rec.Revenue, Currency: rec.Currency,
		Measures: rec.Measures, Automatic: rec.Automatic,
	}
}

// absolute makes a whole address of a path.
func (r *run) absolute(rec *Record) string {
	if i := strings.Index(rec.URL, "://"); i > 0 && i < 10 {
		return rec.URL
	}
	host := rec.Hostname
	if host == "" {
		host = r.req.Site.Domain
	}
	if !strings.HasPrefix(rec.URL, "/") {
		return "http://" + host + "/" + rec.URL
	}
	return "http://" + host + rec.URL
}

// salts are those that visitors are hashed with.
func (r *run) salts(at time.Time) (today, before salt.Salt, err error) {
	d, err := r.days.of(context.Background(), at)
	if err != nil {
		return salt.Salt{}, salt.Salt{}, err
	}
	return d.today, d.before, nil
}

// toldVisit makes a visit's ID of another's word for it, under a salt of this
// import, so that nobody finds the word again.
func (r *run) toldVisit(word string) (int64, error) {
	if r.told == (salt.Salt{}) {
		var err error
		if r.told, err = r.im.o.Salts.Of(r.batch.Spool); err != nil {
			return 0, err
		}
	}
	id := siphash.Hash(binary.LittleEndian.Uint64(r.told[:8]), binary.LittleEndian.Uint64(r.told[8:]), []byte(word))
	return max(int64(id>>1)&^1, 2), nil
}
