//go:build !linux

package chaos

import "testing"

// disk is Linux's alone.
type disk struct{}

func mountSmall(*testing.T, string) *disk { return nil }

func (*disk) fill() {}
func (*disk) free() {}
