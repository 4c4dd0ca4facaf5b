// Package formats lists every kind of file that can be imported.
package formats

import (
	"slices"

	"moonbear/internal/transfer"
	"moonbear/internal/transfer/export"
	"moonbear/internal/transfer/tools"
	"moonbear/internal/transfer/weblog"
)

// All are the formats, in the order they are shown in.
func All() []transfer.Format {
	return slices.Concat(
		weblog.Formats(),
		export.Formats(),
		tools.Formats(),
	)
}
