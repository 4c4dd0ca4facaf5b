package main

import (
	"errors"
	"fmt"
	"sync"
)

// ledger is what clients know: which hits were sent, and which were answered
// with 202.
type ledger struct {
	mu      sync.Mutex
	sent    map[string]bool // true: acknowledged
	acked   int
	refused int
	faults  []error
}

func (l *ledger) send(id string) {
	l.mu.Lock()
	l.sent[id] = false
	l.mu.Unlock()
}

func (l *ledger) answer(id string, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch status {
	case 202:
		l.sent[id] = true
		l.acked++
	case 503:
		l.refused++
	}
}

func (l *ledger) fault(err error) {
	l.mu.Lock()
	l.faults = append(l.faults, err)
	l.mu.Unlock()
}

// compare holds what is stored, by hit and how often, against the ledger. It
// returns how many hits are stored whose answer never came.
func (l *ledger) compare(stored map[string]int) (survived int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	faults := append([]error(nil), l.faults...)
	lost, twice, invented := 0, 0, 0
	note := func(n *int, format string, args ...any) {
		if *n++; *n <= 5 {
			faults = append(faults, fmt.Errorf(format, args...))
		}
	}
	for id, times := range stored {
		acked, sent := l.sent[id]
		switch {
		case !sent:
			note(&invented, "%s is stored and was never sent", id)
		case times != 1:
			note(&twice, "%s is stored %d times", id, times)
		case !acked:
			survived++
		}
	}
	for id, acked := range l.sent {
		if acked && stored[id] == 0 {
			note(&lost, "%s was acknowledged and is not stored", id)
		}
	}
	if len(faults) > 0 {
		faults = append(faults, fmt.Errorf("%d acknowledged and lost, %d stored twice, %d invented, of %d sent", lost, twice, invented, len(l.sent)))
	}
	return survived, errors.Join(faults...)
}
