// Package weblog reads the logs of web servers.
package weblog

import "moonbear/internal/transfer"

// Formats are those of this package.
func Formats() []transfer.Format { return nil }
