package formats

import (
	"bytes"
	"context"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/event/eventtest"
	"moonbear/internal/site"
	"moonbear/internal/transfer"
	"moonbear/internal/transfer/export"
)

// events are a store of those few.
type events struct {
	event.Store
	all []event.Event
}

func (s events) Export(_ context.Context, _ int64, _, _ time.Time, yield func(*event.Event) error) error {
	for i := range s.all {
		if err := yield(&s.all[i]); err != nil {
			return err
		}
	}
	return nil
}

// TestOwnExportsAreKnown gives each of our own files to every format: one may
// take it, so that nobody has to say which it is.
func TestOwnExportsAreKnown(t *testing.T) {
	x := export.New(events{all: (&eventtest.Bulk{Seed: 1}).Next(300)}, nil)
	for _, f := range export.All() {
		var b bytes.Buffer
		if err := x.Write(t.Context(), &b, export.Request{Site: &site.Site{ID: 1, PublicID: "k3TdV9xQ2mA"}, Format: f, Gzip: true}, nil); err != nil {
			t.Fatal(err)
		}
		in, err := transfer.NewInput(transfer.File{Name: "events." + string(f), Reader: &b})
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range All() {
			if why := format.Looks(in.Head()); (why == "") != (format.Name == "moonbear-"+string(f)) {
				t.Errorf("%s says of our %s: %q", format.Name, f, why)
			}
		}
	}
}
