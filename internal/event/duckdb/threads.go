package duckdb

import (
	"runtime"
	"sync"
	"time"
)

// slowNice is the niceness of threads that answer long questions: at 10 the
// kernel gives them a ninth of a core that collecting wants, all of one it
// doesn't.
const slowNice = 10

// yielding calls f on a thread that yields to others once f takes long. Threads
// can't be made eager again by a process without privileges, so one that was
// made nice ends with f.
func yielding(f func() error) (err error) {
	done := make(chan any)
	go func() {
		runtime.LockOSThread()
		d := demoteLater()
		defer func() {
			if !d.stop() {
				runtime.UnlockOSThread()
			}
		}()
		defer func() { done <- recover() }() // the caller's to deal with
		err = f()
	}()
	if p := <-done; p != nil {
		panic(p)
	}
	return err
}

// niced calls f on a thread that yields to others from the start, and so do the
// threads that f makes.
func niced(f func() error) (err error) {
	done := make(chan any)
	go func() {
		runtime.LockOSThread()
		defer func() { done <- recover() }()
		if !beNice(threadID()) {
			defer runtime.UnlockOSThread()
		}
		err = f()
	}()
	if p := <-done; p != nil {
		panic(p)
	}
	return err
}

// demotion makes a thread nice when its time has come.
type demotion struct {
	mu    sync.Mutex
	timer *time.Timer
	over  bool
	nice  bool
}

// demoteLater is called on the thread it is about.
func demoteLater() *demotion {
	d := &demotion{}
	id := threadID()
	d.timer = time.AfterFunc(quick, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		if !d.over {
			d.nice = beNice(id)
		}
	})
	return d
}

// stop ends it, and says whether the thread was made nice.
func (d *demotion) stop() bool {
	d.timer.Stop()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	return d.nice
}
