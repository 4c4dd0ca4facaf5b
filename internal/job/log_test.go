package job

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestRiverLog says the same once a minute, and how often it was not said.
func TestRiverLog(t *testing.T) {
	var b bytes.Buffer
	log := riverLog(slog.New(slog.NewTextHandler(&b, nil)))
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	say := func(l slog.Level, what string, after time.Duration) {
		r := slog.NewRecord(at.Add(after), l, what, 0)
		h := log.With("error", "gone").Handler()
		if !h.Enabled(t.Context(), l) {
			return
		}
		if err := h.Handle(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 90 {
		say(slog.LevelError, "no jobs", time.Duration(i)*time.Second)
	}
	say(slog.LevelWarn, "no leader", time.Second)
	say(slog.LevelInfo, "all well", time.Second)
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 3 || !strings.Contains(lines[1], "unsaid_before=59") || !strings.Contains(lines[2], "no leader") {
		t.Errorf("it said:\n%s", &b)
	}
}
