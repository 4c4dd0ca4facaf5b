package stats

import "time"

// Begin is the first instant of the day in loc, which is not always midnight:
// where the clock jumps over that, it is the first instant after it.
func (d Date) Begin(loc *time.Location) time.Time { return d.in(loc) }

// Next is the day after.
func (d Date) Next() Date { return d.add(1) }

// IsZero says that it is no day at all.
func (d Date) IsZero() bool { return d == Date{} }
