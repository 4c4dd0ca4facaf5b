package event

import (
	"context"
	"time"
)

// Sums are what was counted in one day of a site for one value of a dimension:
// numbers that add up over days. Events, pageviews and visitors are of the day
// they happened on; visits, with all that is theirs, of the day they began on.
type Sums struct {
	Visitors  int64 // different ones: they add up because a visitor lasts one day
	Pageviews int64
	Events    int64
	Visits    int64
	Views     int64 // pageviews of the visits
	Bounces   int64
	Duration  int64 // of the visits, milliseconds
}

// Untold is in the place of a sum that an import's source doesn't tell. It is
// stored as null.
const Untold int64 = -1

// SumColumns are the event store's names for Sums, in their order.
var SumColumns = [...]string{"visitors", "pageviews", "events", "visits", "views", "bounces", "duration"}

// DayCount is one row of an import whose source has counts and no events, so
// that it can't be asked about two dimensions at once. It goes into the table
// `imported_days`: site_id, import_id, day (timestamp: midnight UTC of the
// local date), dimension, value, the SumColumns.
type DayCount struct {
	Site      int64
	Import    int64
	Day       int64  // Unix milliseconds of midnight UTC of the site's local date
	Dimension string // as in a query: "path", "country"; "" for the whole day
	Value     string // "" is not known
	Sums
}

// Day is one day of a site: from one midnight of a zone to the next.
type Day struct{ From, To time.Time }

// Kept is what a DayKeeper has of one site in one zone.
type Kept struct {
	Days []Day // in order of time; only those that still hold true
	// Settled is a moment before all that events still to be sorted, or to come,
	// are about, themselves or by their visit's start: days that end after it
	// can't be kept yet. Zero: everything is settled.
	Settled time.Time
	// Version is another one after anything was taken back that was kept, so
	// that whoever planned with Days knows whether they were there till the end.
	Version int64
	// Imports says that the site may have rows in imported_days. It is there
	// so that the many sites without any are spared the question.
	Imports bool
}

// DayKeeper is a Store that keeps what was counted in whole days beside the
// events themselves, so that a month on a busy site is thirty rows added up and
// not millions of events read again. Kept days are of settled events alone: one
// more event in a day, also a late or an imported one, or a deletion, and the
// day is kept no longer, before any query of this process sees the change, and
// those of others some seconds later. An event is in the day it happened on and
// in the day its visit began on, so that a deletion is also of the days that
// begin or end in the 24 hours before its first moment.
//
// SQL reads two more tables. `day_counts` has site_id, zone (IANA), day
// (timestamp: its first instant, UTC), dimension ("" for the whole day), value,
// and the SumColumns. `day_values` has site_id, zone, day, measure (one of
// MeasureColumns), marked, cell, value, count: how often exactly this was
// measured, and, in marked rows alone, upto: how often this or less, total: how
// often anything, and cell_count: at the last value of its cell, how often
// anything in the cell. What a cell is, which rises with the value, and which
// rows are marked, those of percentiles and the last of each cell, is up to who
// gives the SQL. Both may hold days that are kept no longer: ask for those of
// Kept. ClickHouse's have a column more, keep, and of a day only the rows with
// the greatest keep in `kept_days` (site_id, zone, from_ms, to_ms, keep) count.
type DayKeeper interface {
	Store
	// Kept costs nothing worth saving. Its Days are shared: read them only.
	Kept(ctx context.Context, site int64, zone string) (Kept, error)
	// KeepDays counts whole days of sites and keeps that. Days that aren't
	// settled are left out, and those that are kept already. What is kept when
	// it ends early, by an error or its context, stays kept.
	KeepDays(ctx context.Context, what []Keeping) error
	// ForgetDays takes days back that were found to be wrong.
	ForgetDays(ctx context.Context, site int64, zone string, days []Day) error
}

// Keeping is what KeepDays counts. SQL gives for each of the Days selects that
// read `events` and give all columns of day_counts or day_values, in their
// order.
type Keeping struct {
	Site int64
	Zone string
	Days []Day
	SQL  func(Day) (counts, values []string)
}
