package main

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		exit(child(dir))
	}
	os.Exit(m.Run())
}

// testLog writes to the test's log.
func testLog(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// TestKilled is `make crash` in short.
func TestKilled(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 3
	}
	c := newCampaign(t.TempDir(), "", 16, rand.New(rand.NewPCG(rand.Uint64(), 1)), testLog(t))
	c.verifyEvery = 4
	if err := c.run(t.Context(), rounds); err != nil {
		t.Fatal(err)
	}
	if c.result.Acknowledged < 100 {
		t.Errorf("only %d hits were acknowledged: too few to mean anything", c.result.Acknowledged)
	}
	t.Logf("%+v", c.result)
}

func TestKilledOnAFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a small file system needs root")
	}
	dir := t.TempDir()
	unmount, err := mountSmall(dir)
	if err != nil {
		t.Skipf("no small file system here: %v", err)
	}
	c := newCampaign(dir, "", 16, rand.New(rand.NewPCG(rand.Uint64(), 1)), testLog(t))
	c.full, c.verifyEvery = true, 1
	err = c.run(t.Context(), 2)
	if err := unmount(); err != nil {
		t.Error(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if c.result.Refused == 0 || c.result.Acknowledged == 0 {
		t.Errorf("%d hits were refused and %d acknowledged: the disk was never full, or always", c.result.Refused, c.result.Acknowledged)
	}
	t.Logf("%+v", c.result)
}

// TestLedger makes sure that a campaign would notice.
func TestLedger(t *testing.T) {
	tests := []struct {
		name   string
		stored map[string]int
		want   string // "" is fine
	}{
		{"level", map[string]int{"a": 1, "b": 1}, ""},
		{"an unacknowledged hit survived", map[string]int{"a": 1, "b": 1, "c": 1}, ""},
		{"lost", map[string]int{"a": 1}, "b was acknowledged and is not stored"},
		{"twice", map[string]int{"a": 2, "b": 1}, "a is stored 2 times"},
		{"an unacknowledged hit twice", map[string]int{"a": 1, "b": 1, "c": 2}, "c is stored 2 times"},
		{"invented", map[string]int{"a": 1, "b": 1, "d": 1}, "d is stored and was never sent"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := ledger{sent: map[string]bool{}}
			for _, id := range []string{"a", "b", "c"} {
				l.send(id)
			}
			l.answer("a", 202)
			l.answer("b", 202)
			l.answer("c", 503)
			_, err := l.compare(tt.stored)
			if got := fmt.Sprint(err); tt.want == "" && err != nil || !strings.Contains(got, tt.want) {
				t.Errorf("compare says %q, want %q", got, tt.want)
			}
		})
	}
}
