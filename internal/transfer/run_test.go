package transfer_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/transfer"
)

const (
	chrome  = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"
	firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"
	yeti    = "Mozilla/5.0 (compatible; Yeti/1.1; +https://naver.me/spd)"
)

// line is one of the combined format.
func line(at time.Time, ip, target, referrer, agent string) string {
	return fmt.Sprintf("%s - - [%s] \"GET %s HTTP/1.1\" 200 512 %q %q\n", ip, at.Format("02/Jan/2006:15:04:05 -0700"), target, cmp.Or(referrer, "-"), agent)
}

var may = time.Date(2025, 5, 17, 8, 0, 0, 0, time.UTC)

// someLog is a log of n lines as servers write them: pages, pictures, bots,
// errors, a little out of order.
func someLog(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	at := may
	for range n {
		at = at.Add(time.Duration(r.IntN(40)) * time.Second)
		stamp := at.Add(-time.Duration(r.IntN(120)) * time.Second)
		ip := fmt.Sprintf("203.0.113.%d", r.IntN(60))
		switch r.IntN(10) {
		case 0:
			b.WriteString(line(stamp, ip, "/logo.png", "", chrome))
		case 1:
			b.WriteString(line(stamp, ip, "/", "", yeti))
		case 2:
			b.WriteString(strings.Replace(line(stamp, ip, "/gone", "", chrome), " 200 ", " 404 ", 1))
		case 3:
			b.WriteString("what is this\n")
		case 4:
			b.WriteString(line(stamp, ip, "/a?utm_source=news&x=1", "", firefox))
		default:
			b.WriteString(line(stamp, ip, fmt.Sprintf("/p%d", r.IntN(9)), "https://www.google.com/", chrome))
		}
	}
	return b.String()
}

// told is an event as people see it, so that two imports can be compared whose
// salts and numbers differ: visitors and visits by the order they appear in.
func told(events []event.Event) []string {
	slices.SortStableFunc(events, func(a, b event.Event) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Path, b.Path), cmp.Compare(a.VisitStart, b.VisitStart), cmp.Compare(a.Browser, b.Browser))
	})
	var out []string
	for _, e := range events {
		e.Visitor, e.Visit, e.Import = 0, 0, 0
		out = append(out, fmt.Sprintf("%+v", e))
	}
	slices.Sort(out)
	return out
}

func same(t *testing.T, what string, got, want []event.Event) {
	t.Helper()
	g, w := told(got), told(want)
	if slices.Equal(g, w) {
		return
	}
	t.Errorf("%s: %d events, want %d", what, len(g), len(w))
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			t.Fatalf("%s: event %d\n got %s\nwant %s", what, i, g[i], w[i])
		}
	}
}

func TestRerunStoresNothing(t *testing.T) {
	w := newWorld(t, "Europe/Berlin")
	text := someLog(1, 3000)
	first := w.take(t, "access.log", text)
	if first.Run.Lines != 3000 || first.Run.Stored < 1500 || first.Resumed {
		t.Fatalf("%+v", first)
	}
	events := w.events(t)
	if int64(len(events)) != first.Run.Stored {
		t.Errorf("%d events of %d lines stored", len(events), first.Run.Stored)
	}
	again := w.take(t, "access.log.1", text)
	if again.ID != first.ID || again.Run.Stored != 0 || dropped(again.Run, transfer.Known) != 3000 || again.Counts.Lines != 3000 {
		t.Errorf("again: %+v", again)
	}
	same(t, "again", w.events(t), events)
	if all, err := w.Imports(t.Context(), w.site.ID); err != nil || len(all) != 1 || all[0].State != transfer.Done || all[0].Stored != first.Stored {
		t.Errorf("%+v, %v", all, err)
	}
}

// A file that grew by pieces gives what it gives at once, but where a piece
// ended within the hour that lines may be out of order: there the order is that
// of the pieces.
func TestGrownFile(t *testing.T) {
	text := someLog(2, 2000)
	for _, cuts := range [][]int{{100}, {5000, 5001, 60_000}, {1}, {70_000, 180_000}} {
		w := newWorld(t, "UTC")
		var stored int64
		for _, cut := range append(cuts, len(text)) {
			s := w.take(t, "access.log", text[:cut], func(r *transfer.Request) { r.Format = "combined" })
			stored += s.Run.Stored
		}
		all, err := w.Imports(t.Context(), w.site.ID)
		if err != nil || len(all) != 1 {
			t.Fatalf("cut at %v: %+v, %v", cuts, all, err)
		}
		whole := newWorld(t, "UTC")
		want := whole.take(t, "access.log", text)
		if all[0].Stored != want.Stored || stored != want.Stored || all[0].Lines != want.Lines {
			t.Errorf("cut at %v: %d lines and %d stored, want %d and %d", cuts, all[0].Lines, all[0].Stored, want.Lines, want.Stored)
		}
		if got, want := int64(len(w.events(t))), want.Stored; got != want {
			t.Errorf("cut at %v: %d events, want %d", cuts, got, want)
		}
		if got := w.number(t, "select count(distinct visitor_id) from events"); got != want.Visitors {
			t.Errorf("cut at %v: %d visitors, want %d", cuts, got, want.Visitors)
		}
	}
}

func TestUndo(t *testing.T) {
	w := newWorld(t, "UTC")
	text := someLog(3, 500)
	first := w.take(t, "access.log", text)
	other := w.take(t, "other.log", someLog(4, 500))
	if _, err := w.Undo(t.Context(), w.site.ID+1, first.ID); err != transfer.ErrNotFound {
		t.Errorf("another site's import: %v", err)
	}
	gone, err := w.Undo(t.Context(), w.site.ID, first.ID)
	if err != nil || gone.State != transfer.Undone || gone.UndoneAt.IsZero() {
		t.Fatalf("%+v, %v", gone, err)
	}
	if _, err := w.Undo(t.Context(), w.site.ID, first.ID); !isFault(err, "taken back already") {
		t.Errorf("twice: %v", err)
	}
	if n := int64(len(w.events(t))); n != other.Stored {
		t.Errorf("%d events are left, want the other import's %d", n, other.Stored)
	}
	if n := w.number(t, "select count(*) from drops"); n != 0 {
		t.Errorf("an import left %d drops", n)
	}
	back := w.take(t, "access.log", text)
	if back.ID == first.ID || back.Run.Stored != first.Run.Stored || back.Resumed {
		t.Errorf("imported again: %+v", back)
	}
}

// live puts an event there that was collected.
func (w *world) live(t *testing.T, at time.Time) {
	t.Helper()
	e := event.Event{Site: w.site.ID, Time: at.UnixMilli(), Name: event.Pageview, Path: "/live", Visitor: 1, Visit: 1}
	e.VisitStart = e.Time
	pos := at.UnixMilli()
	if err := w.store.Append(t.Context(), &event.Batch{Spool: fmt.Sprint("live", pos), From: 0, To: 1, Events: []event.Event{e}}); err != nil {
		t.Fatal(err)
	}
}

func TestLiveDaysAreSkipped(t *testing.T) {
	w := newWorld(t, "Asia/Seoul")
	day := func(d, h int) time.Time { return time.Date(2025, 5, d, h, 0, 0, 0, w.site.Location) }
	w.live(t, day(18, 23))
	w.live(t, day(20, 0))
	text := line(day(17, 12), "203.0.113.1", "/a", "", chrome) + // a day before
		line(day(18, 0), "203.0.113.1", "/b", "", chrome) + // live, at its other end
		line(day(19, 1), "203.0.113.1", "/c", "", chrome) + // between
		line(day(20, 23), "203.0.113.1", "/d", "", chrome) // live
	s := w.take(t, "access.log", text)
	if s.Run.Stored != 2 || dropped(s.Run, transfer.LiveDay) != 2 || s.First != "2025-05-17" || s.Last != "2025-05-19" {
		t.Errorf("%+v", s)
	}
	var days []string
	for _, d := range s.Run.Dropped {
		days = append(days, d.Detail)
	}
	if !slices.Equal(days, []string{"2025-05-18", "2025-05-20"}) {
		t.Errorf("skipped %q", days)
	}
	if _, err := w.Undo(t.Context(), w.site.ID, s.ID); err != nil {
		t.Fatal(err)
	}
	s = w.take(t, "access.log", text, func(r *transfer.Request) { r.Overlap = true })
	if s.Run.Stored != 4 {
		t.Errorf("with overlap: %+v", s)
	}
	// Another import's days are no live ones: logs are rotated in the middle of
	// a day.
	s = w.take(t, "second.log", line(day(17, 13), "203.0.113.9", "/e", "", chrome))
	if s.Run.Stored != 1 {
		t.Errorf("a second file of the same day: %+v", s)
	}
}
