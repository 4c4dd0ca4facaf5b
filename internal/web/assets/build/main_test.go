package main

import "testing"

// TestDistIsWhatSrcMakes fails when a source was changed and not built.
func TestDistIsWhatSrcMakes(t *testing.T) {
	if err := run("..", true); err != nil {
		t.Fatal(err)
	}
}

func TestSourcesOutsideAreNotFound(t *testing.T) {
	if err := run(t.TempDir(), true); err == nil {
		t.Fatal("an empty folder was built")
	}
}
