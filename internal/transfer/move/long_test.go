package move_test

import (
	"os"
	"testing"
)

// long skips a test of ten seconds and more where nobody asked for it.
func long(t *testing.T) {
	t.Helper()
	if os.Getenv("TEST_LONG") == "" {
		t.Skip("long: TEST_LONG=1 runs it, as make test does")
	}
}
