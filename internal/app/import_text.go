package app

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"moonbear/internal/transfer"
)

// importTeller tells people what becomes of their files.
type importTeller struct {
	out   io.Writer
	bar   *progress
	start time.Time
}

func (t *importTeller) begin() {
	t.start = t.bar.now()
	t.bar.shown = t.start
}

// progress shows how far a file is, with its rates and the time that is left;
// of a stream, whose size nobody knows, without.
func (t *importTeller) progress(p transfer.Progress) {
	b := t.bar
	every := lineEvery
	if b.terminal {
		every = barEvery
	}
	now := b.now()
	if now.Sub(b.shown) < every {
		return
	}
	b.shown = now
	text := t.text(&p, now.Sub(t.start))
	if !b.terminal {
		fmt.Fprintln(b.out, p.Name+": "+text)
		return
	}
	if p.Size > 0 {
		const cells = 20
		full := int(min(p.Bytes, p.Size) * cells / p.Size)
		text = "[" + strings.Repeat("#", full) + strings.Repeat(".", cells-full) + "] " + text
	}
	b.draw(text)
}

func (t *importTeller) text(p *transfer.Progress, took time.Duration) string {
	seconds := max(took.Seconds(), 1e-3)
	if p.Ahead {
		return fmt.Sprintf("%.1f MB read, to be put in order, %.1f MB/s", float64(p.Bytes)/1e6, float64(p.Bytes)/1e6/seconds)
	}
	text := fmt.Sprintf("%s lines, %s lines/s, %.1f MB/s", digits(p.Lines), digits(int64(float64(p.Lines)/seconds)), float64(p.Bytes)/1e6/seconds)
	if p.Size > 0 {
		text = fmt.Sprintf("%3d %%  ", min(p.Bytes, p.Size)*100/p.Size) + text
		if left := float64(p.Size-p.Bytes) * seconds / max(float64(p.Bytes), 1); left > 0 {
			text += ", " + (time.Duration(left) * time.Second).String() + " left"
		}
	}
	if p.Known {
		text += " (known from before)"
	}
	return text
}

// reasonTexts say why lines are dropped, in the order they are told.
var reasonTexts = []struct {
	reason transfer.Reason
	text   string
}{
	{transfer.Known, "imported before"},
	{transfer.Asset, "not a page (scripts, pictures, feeds and other files)"},
	{transfer.Method, "not GET"},
	{transfer.Status, "answered with neither 2xx nor 304"},
	{transfer.Prefetch, "fetched ahead, perhaps never looked at"},
	{transfer.Bot, "bots"},
	{transfer.ReferrerSpam, "referrer spam"},
	{transfer.Hostname, "a hostname that the site does not allow"},
	{transfer.LiveDay, "days that have live events already"},
	{transfer.CountedDay, "days that another import has already"},
	{transfer.NoVisit, "engagement without a visit"},
	{transfer.Unknown, "of a kind this format has no use for"},
	{transfer.Malformed, "malformed"},
	{transfer.TooLong, "longer than 64 KiB"},
	{transfer.Torn, "the last line, which is not finished: it is taken when it is"},
}

// summary tells what became of a file.
func (t *importTeller) summary(s *transfer.Summary) error {
	var b strings.Builder
	if s.ID == 0 {
		_, err := fmt.Fprintf(t.out, "%s: there is nothing in it.\n", s.Name)
		return err
	}
	fmt.Fprintf(&b, "%s (%s)\n", s.Name, s.Format)
	total := s.Run.Total()
	fmt.Fprintf(&b, "  %s lines read = %s stored + %s dropped, in %s\n", digits(s.Run.Lines), digits(s.Run.Stored), digits(total), t.took())
	for _, r := range reasonTexts {
		var all []transfer.Count
		var n int64
		for _, d := range s.Run.Dropped {
			if d.Reason == r.reason {
				all = append(all, d)
				n += d.Lines
			}
		}
		if n > 0 {
			fmt.Fprintf(&b, "  %12s  %s%s\n", digits(n), r.text, details(r.reason, all))
		}
	}
	if s.Stored > 0 {
		fmt.Fprintf(&b, "  Of this file, here now: %s lines, %s visits, %s visitors, %s\n", digits(s.Stored), digits(s.Visits), digits(s.Visitors), span(s.First, s.Last))
	}
	if s.State == transfer.Stopped {
		b.WriteString("  It is shorter than it was when it was read before. Import the whole file to go on.\n")
	}
	for _, d := range s.Run.Dropped {
		if d.Reason == transfer.LiveDay {
			fmt.Fprintf(&b, "  To import days that have live events as well: take import %d back, then import with --overlap.\n", s.ID)
			break
		}
		if d.Reason == transfer.CountedDay {
			fmt.Fprintf(&b, "  What another import has is not added to. To have this file's instead, take that one (moonbear import --list) and import %d back, then import again.\n", s.ID)
			break
		}
	}
	fmt.Fprintf(&b, "  Import %d. To take it back: moonbear import --undo %d\n", s.ID, s.ID)
	_, err := io.WriteString(t.out, b.String())
	return err
}

func (t *importTeller) took() string {
	d := t.bar.now().Sub(t.start)
	if d < 10*time.Second {
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// details names the largest of what was dropped for one reason.
func details(r transfer.Reason, all []transfer.Count) string {
	slices.SortStableFunc(all, func(a, b transfer.Count) int { return cmp.Compare(b.Lines, a.Lines) })
	switch r {
	case transfer.LiveDay, transfer.CountedDay:
		return ": " + daysText(all)
	case transfer.Malformed, transfer.Unknown:
		first := all[0]
		for _, d := range all {
			if d.First < first.First {
				first = d
			}
		}
		return fmt.Sprintf("; the first is line %s: %s", digits(first.First), first.Detail)
	}
	const most = 8
	var parts []string
	for _, d := range all {
		if d.Detail != "" && len(parts) < most {
			parts = append(parts, d.Detail+" "+digits(d.Lines))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	text := ": " + strings.Join(parts, ", ")
	if n := len(all) - len(parts); n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// daysText names days, those that follow each other as one span.
func daysText(all []transfer.Count) string {
	var days []string
	for _, d := range all {
		days = append(days, d.Detail)
	}
	slices.Sort(days)
	var parts []string
	for i := 0; i < len(days); {
		j := i
		for j+1 < len(days) && follows(days[j], days[j+1]) {
			j++
		}
		parts = append(parts, span(days[i], days[j]))
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

func follows(a, b string) bool {
	at, err := time.Parse(time.DateOnly, a)
	return err == nil && at.AddDate(0, 0, 1).Format(time.DateOnly) == b
}

func span(first, last string) string {
	if first == last {
		return first
	}
	return first + " to " + last
}

// list prints imports as a table.
func (t *importTeller) list(all []listedImport) error {
	if len(all) == 0 {
		_, err := fmt.Fprintln(t.out, "Nothing was imported yet.")
		return err
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSITE\tFILE\tFORMAT\tDAYS\tSTORED\tDROPPED\tSTATE")
	for _, i := range all {
		days := "–"
		if i.First != "" {
			days = span(i.First, i.Last)
		}
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", i.ID, cmp.Or(i.Domain, "(deleted)"), i.Name, i.Format, days, digits(i.Stored), digits(i.Total()), i.State)
	}
	return w.Flush()
}

func (t *importTeller) undone(i transfer.Import) error {
	_, err := fmt.Fprintf(t.out, "Import %d (%s) is taken back: %s lines of it are gone from every number. Their bytes leave the disk with the next compaction, tonight at the latest. The file can be imported again.\n", i.ID, i.Name, digits(i.Stored))
	return err
}
