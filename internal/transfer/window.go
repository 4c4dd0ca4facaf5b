package transfer

import "time"

const (
	// orderWithin is how far out of order a log may be. Servers write a line
	// when the answer is through, or stamp it with the time it began: seconds
	// to minutes, an hour for the longest downloads.
	orderWithin = time.Hour
	// windowLines and windowBytes bound the window where an hour has more than
	// that: 100,000 pages in an hour are 28 a second. The window is then the
	// last 100,000 pages, still minutes wide.
	windowLines = 100_000
	windowBytes = 24 << 20
	// setBack lines in a row that are older than the window allows are no
	// stragglers: an older log follows a newer one in the file. It is ordered
	// by itself then.
	setBack = 200
)

// pending is a judged line that waits for its turn.
type pending struct {
	at   int64 // Unix milliseconds
	seq  int64 // of the lines that wait, in the order they were read: two of one time stay in it
	line int64
	size int32 // of the line's texts: of its bytes alone, so that a rerun finds the same

	drop Drop // it only keeps its place

	record   []byte // event.AppendEvent of the event
	previous int64
	origin   uint64
	arrival  bool
	told     int64
}

// window puts lines in order that are less than an hour out of it. It is a
// heap by time. What comes out when depends on nothing but what went in, so
// that a rerun gives the same order.
type window struct {
	heap   []pending
	seq    int64
	newest int64 // the latest time seen
	bytes  int64
	late   int // lines in a row that came too late
}

// push takes a line in.
func (w *window) push(p pending) {
	p.seq = w.seq
	w.seq++
	if p.at <= w.newest-orderWithin.Milliseconds() {
		w.late++
	} else {
		w.late = 0
	}
	w.newest = max(w.newest, p.at)
	w.bytes += int64(p.size)
	w.heap = append(w.heap, p)
	for i := len(w.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !w.less(i, parent) {
			break
		}
		w.heap[i], w.heap[parent] = w.heap[parent], w.heap[i]
		i = parent
	}
}

// turned says that the log went back in time for good: everything is to come
// out, and the window to begin again.
func (w *window) turned() bool { return w.late >= setBack }

// due says whether the oldest line's turn has come.
func (w *window) due() bool {
	return len(w.heap) > 0 && (w.heap[0].at <= w.newest-orderWithin.Milliseconds() ||
		len(w.heap) > windowLines || w.bytes > windowBytes)
}

// pop takes the oldest line out.
func (w *window) pop() pending {
	p := w.heap[0]
	n := len(w.heap) - 1
	w.heap[0], w.heap[n] = w.heap[n], pending{}
	w.heap = w.heap[:n]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < n; child++ {
			if w.less(child, least) {
				least = child
			}
		}
		if least == i {
			break
		}
		w.heap[i], w.heap[least] = w.heap[least], w.heap[i]
		i = least
	}
	w.bytes -= int64(p.size)
	return p
}

// restart forgets the time, when the window is empty.
func (w *window) restart() { w.newest, w.late = 0, 0 }

func (w *window) less(i, j int) bool {
	a, b := &w.heap[i], &w.heap[j]
	return a.at < b.at || a.at == b.at && a.seq < b.seq
}
