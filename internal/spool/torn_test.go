package spool_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"moonbear/internal/spool"
)

// A batch that a kill left unfinished is cut off even if there is no room for
// a copy of it: a full disk must not keep the server down.
func TestTornBatchWithoutRoomForItsCopy(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "spool")
	synctest.Test(t, func(t *testing.T) {
		s, stop := open(t, spool.Options{Dir: dir})
		add(t, s, "before")
		stop()
		s, err := spool.Open(spool.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for i := range 3 {
			wg.Go(func() { add(t, s, fmt.Sprintf("torn%d", i)) })
		}
		synctest.Wait() // all three wait for one write
		ctx, cancel := context.WithCancel(t.Context())
		ran := make(chan error)
		go func() { ran <- s.Run(ctx) }()
		wg.Wait()
		cancel()
		if err := <-ran; err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
	names, err := filepath.Glob(filepath.Join(dir, "*.seg"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	slices.Sort(names)
	last := names[len(names)-1]
	f, err := os.OpenFile(last, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte{0xff}, 64+16); err != nil { // the first record's payload
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "bad"), nil, 0o600); err != nil { // no directory can be made here
		t.Fatal(err)
	}
	s, _ := open(t, spool.Options{Dir: dir})
	add(t, s, "after")
	if got := all(t, s, s.Oldest()); !slices.Equal(got, []string{"before", "after"}) {
		t.Errorf("the log holds %q", got)
	}
}
