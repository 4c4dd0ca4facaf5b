package eventtest

import (
	"context"
	"testing"

	"moonbear/internal/event"
)

// Opener opens a store. Within one test (the t it is given) every call opens
// the same one; the first call of a test finds it empty. The test closes it.
type Opener func(t *testing.T) event.Store

// Conformance holds a store to what event.Store says.
func Conformance(t *testing.T, open func(t *testing.T) event.Store) {
	for _, c := range []struct {
		name string
		run  func(t *testing.T, open Opener)
	}{
		{"append a batch again", appendAgain},
		{"append overlapping batches", appendOverlapping},
		{"append after opening again", appendReopened},
		{"append two spools", appendTwoSpools},
		{"append nothing but a position", appendEmpty},
		{"append with a cancelled context", appendCancelled},
		{"append many", appendMany},
		{"every field comes back", roundTrip},
		{"text that is not UTF-8", badText},
		{"columns", columns},
		{"drops and keys", dropsAndKeys},
		{"imported days", importedDays},
		{"delete imported days", deleteDays},
		{"select with arguments", selectArguments},
		{"select with a cancelled context", selectCancelled},
		{"select while appending", selectWhileAppending},
		{"select while reading", selectWhileReading},
		{"export in order", exportOrder},
		{"export stopped", exportStopped},
		{"delete a site", deleteSite},
		{"delete a period", deletePeriod},
		{"delete an import", deleteImport},
		{"tending changes nothing", tending},
		{"deleted for good", deletedForGood},
		{"closed", closed},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, open) })
	}
}

// Tender is a store that now and then has files to tend.
type Tender interface {
	Compact(ctx context.Context) error
}

// Disk is a store that knows the directory its files are in.
type Disk interface {
	Directory() string
}
