package transfer

import (
	"context"
	"fmt"
	"time"

	"moonbear/internal/fault"
)

// settings are what a source is told. One that reads far before it yields says
// so by Progress.Ahead.
func (im *Importer) settings(ctx context.Context, req *Request, in *Input, f *Format, say func(Progress)) Settings {
	told := time.Time{}
	return Settings{Domain: req.Site.Domain, Location: req.Site.Location, Temp: im.o.Temp, Tell: func() error {
		if now := time.Now(); now.Sub(told) >= tell {
			told = now
			say(Progress{Name: in.Name, Format: f.Name, Bytes: in.raw.n, Size: in.size, Ahead: true})
		}
		return ctx.Err()
	}}
}

// grown refuses a file that was read to its end and has more now, if its rows
// are sorted first: what was added is then among what is stored, and nothing
// tells them apart.
func (r *run) grown(src Source, in *Input) error {
	s, ok := src.(interface{ Items() int64 })
	n := len(r.prog.Ends)
	if !ok || n == 0 || s.Items() <= r.prog.Ends[n-1] {
		return nil
	}
	return fault.New(fault.Conflict, fmt.Sprintf("%s begins like a file that was imported before (import %d) and has more rows now. Take that back first: moonbear import --undo %d", in.Name, r.row.ID, r.row.ID))
}
