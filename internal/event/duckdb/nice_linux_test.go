package duckdb

import (
	"syscall"
	"testing"
	"time"
)

// TestYielding: a long question's thread is made nice, and no thread that
// others use later stays so.
func TestYielding(t *testing.T) {
	niceness := func(id int) int {
		n, err := syscall.Getpriority(syscall.PRIO_PROCESS, id)
		if err != nil {
			t.Error(err)
		}
		return 20 - n // the system call tells 20 less the niceness
	}
	usual := niceness(syscall.Gettid())
	for _, c := range []struct {
		name string
		take time.Duration
		want int
	}{{"a quick one", 0, usual}, {"a long one", 2 * quick, max(usual, slowNice)}} {
		t.Run(c.name, func(t *testing.T) {
			err := yielding(func() error {
				time.Sleep(c.take)
				if n := niceness(syscall.Gettid()); n != c.want {
					t.Errorf("niceness %d at the end, want %d", n, c.want)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	for range 100 {
		if n := niceness(threadID()); n != usual {
			t.Fatalf("a thread with niceness %d went on to other work", n)
		}
		time.Sleep(time.Millisecond)
	}
}
