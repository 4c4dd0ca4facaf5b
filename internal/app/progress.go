package app

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress tells people how far a long piece of work is: on a terminal as a bar
// that is drawn over itself, else as a line now and then, which a log keeps.
type progress struct {
	out      io.Writer
	terminal bool
	every    time.Duration // how often it is shown
	unit     string
	total    int64
	begun    int64 // done before this run
	now      func() time.Time
	start    time.Time
	shown    time.Time
	width    int // of what is on the terminal's line
}

// How often progress is shown: a bar often, lines seldom.
const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 10 * time.Second
)

// newProgress begins to count up to total of a unit, of which some may have
// been done before.
func newProgress(out io.Writer, unit string, done, total int64) *progress {
	f, isFile := out.(*os.File)
	p := &progress{out: out, every: lineEvery, unit: unit, total: total, begun: done, now: time.Now}
	if isFile {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	if p.terminal {
		p.every = barEvery
	}
	p.start = p.now()
	p.shown = p.start
	return p
}

// at shows that so many of the total are done, if it is time to show it.
func (p *progress) at(done int64) {
	now := p.now()
	if now.Sub(p.shown) < p.every {
		return
	}
	p.shown = now
	text := p.text(done, now.Sub(p.start))
	if !p.terminal {
		fmt.Fprintln(p.out, text)
		return
	}
	const cells = 30
	full := int(done * cells / max(1, p.total))
	text = "[" + strings.Repeat("#", full) + strings.Repeat(".", cells-full) + "] " + text
	p.draw(text)
}

func (p *progress) text(done int64, took time.Duration) string {
	rate := float64(done-p.begun) / max(took.Seconds(), 1e-9)
	text := fmt.Sprintf("%3d %%  %s of %s %s, %s/s", done*100/max(1, p.total), digits(done), digits(p.total), p.unit, digits(int64(rate)))
	if rate > 0 && done < p.total {
		left := time.Duration(float64(p.total-done) / rate * float64(time.Second))
		text += ", " + left.Round(time.Second).String() + " left"
	}
	return text
}

// draw replaces the terminal's line.
func (p *progress) draw(text string) {
	pad := max(0, p.width-len(text))
	p.width = len(text)
	fmt.Fprint(p.out, "\r"+text+strings.Repeat(" ", pad))
}

// clear takes the bar off, so that a line can be printed in its place.
func (p *progress) clear() {
	if p.terminal && p.width > 0 {
		p.draw("")
		fmt.Fprint(p.out, "\r")
	}
}

// digits writes a count with commas between thousands: 10,000,000.
func digits(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
