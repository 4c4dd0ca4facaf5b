package tools

import (
	"bufio"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/source"
	"moonbear/internal/transfer"
)

// ga4 reads a report of Google Analytics 4 as its page downloads it: one or
// more tables, each under comments that say of which days it is.
type ga4 struct {
	in      *bufio.Reader
	line    int64
	sources *source.Sources

	from, to int64 // of the report, midnights UTC; 0: not said
	header   []string
	columns  []gaKind // of the table being read; nil: the next row is its header
	dims     []int    // columns of dimensions, known or not, but the day
	tables   int      // begun so far
	told     map[gaTold]int
	day      int // the day's column, or -1
}

// gaTold is a number of a dimension; which of the report's tables told it first
// is known, since a report may hold the same one twice.
type gaTold struct {
	about  [4]string
	number string
}

const gaNoDays = "This report has totals of several days, which can't be spread over them. Make it with the dimension Date: in Explore, a free form with Date and at most one other dimension as rows. Or take a report of a single day, or the events from BigQuery."

func openGA4(in *transfer.Input, _ transfer.Settings) (transfer.Source, error) {
	if in.Reader == nil {
		return nil, invalid("A report of Google Analytics is a CSV file, not a zip.")
	}
	sources, err := source.New()
	if err != nil {
		return nil, err
	}
	if err := gaHasDays(in.Head().Bytes, sources); err != nil {
		return nil, err
	}
	return &ga4{in: bufio.NewReaderSize(in, 64<<10), sources: sources, told: map[gaTold]int{}}, nil
}

// gaHasDays reads the head of a report, so that one that can't be read at all
// is refused before anything is stored.
func gaHasDays(head []byte, sources *source.Sources) error {
	g := &ga4{in: bufio.NewReader(strings.NewReader(string(head))), sources: sources, told: map[gaTold]int{}}
	counted, unknown := false, ""
	for {
		var it transfer.Item
		if err := g.Next(&it); err != nil {
			break
		}
		if len(it.Days) > 0 {
			return nil
		}
		if it.Drop.Reason == transfer.Unknown && it.Drop.Detail != gaTotals {
			unknown = it.Drop.Detail
		}
		counted = true
	}
	switch {
	case unknown == gaNoDay:
		return invalid(gaNoDays)
	case counted && unknown != "":
		return invalid("Nothing of this report can be taken: " + unknown + ". Columns are known by their English or Korean names.")
	}
	return nil
}

func (g *ga4) Next(it *transfer.Item) error {
	for {
		line, err := g.readLine()
		if err != nil {
			return err
		}
		switch {
		case line == "":
			g.columns = nil
			continue
		case strings.HasPrefix(line, "#"):
			g.comment(strings.TrimSpace(strings.TrimLeft(line, "# ")))
			continue
		}
		it.Line = g.line
		r := csv.NewReader(strings.NewReader(line))
		r.FieldsPerRecord = -1
		row, err := r.Read()
		if err != nil {
			it.Drop = dropped(transfer.Malformed, "no row of CSV")
			return nil
		}
		if g.columns == nil {
			g.setHeader(row)
			continue
		}
		g.read(row, it)
		return nil
	}
}

// readLine reads a line without its end. One that is too long is an error.
func (g *ga4) readLine() (string, error) {
	var b []byte
	g.line++
	for {
		part, err := g.in.ReadSlice('\n')
		if b = append(b, part...); len(b) > maxRow {
			return "", errLongRow
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && len(b) > 0:
			return strings.TrimSpace(strings.TrimPrefix(string(b), "\ufeff")), nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
	}
}

// comment takes the days a report is of: "Start date: 20240101", "End date:
// 20240131", or "20240101-20240131".
func (g *ga4) comment(s string) {
	g.columns = nil
	key, value, _ := strings.Cut(s, ":")
	value = strings.TrimSpace(value)
	switch strings.ToLower(strings.TrimSpace(key)) {
	case "start date", "시작일":
		g.from, _ = dateOf(value)
		return
	case "end date", "종료일":
		g.to, _ = dateOf(value)
		return
	}
	if a, b, ok := strings.Cut(s, "-"); ok && len(a) == 8 && len(b) == 8 {
		from, ok1 := dateOf(a)
		to, ok2 := dateOf(b)
		if ok1 && ok2 {
			g.from, g.to = from, to
		}
	}
}

// setHeader reads the names of the columns. Dimensions come before the first
// number; one we have no word for still splits the rows.
func (g *ga4) setHeader(row []string) {
	g.header, g.columns, g.dims, g.day = row, make([]gaKind, len(row)), g.dims[:0], -1
	g.tables++
	numbers := false
	for i, name := range row {
		k := gaColumns[strings.ToLower(strings.TrimSpace(name))]
		g.columns[i] = k
		switch {
		case k.kind == gaDay || k.kind == gaNth:
			g.day = i
		case k.kind == gaMetric:
			numbers = true
		case k.kind == gaDimension || !numbers:
			g.dims = append(g.dims, i)
		}
	}
	if !numbers {
		// Nothing tells dimensions from numbers: a table of another kind.
		g.dims = g.dims[:0]
	}
	for i := range g.columns {
		if g.columns[i].kind == gaMetric && !g.firstToTell(g.columns[i].name) {
			g.columns[i] = gaKind{}
		}
	}
}

// firstToTell says whether no table before told this number of what this one
// is about.
func (g *ga4) firstToTell(number string) bool {
	k := gaTold{number: number}
	for n, i := range g.dims[:min(len(g.dims), len(k.about))] {
		k.about[n] = first(g.columns[i].name, g.header[i])
	}
	if g.told[k] == 0 {
		g.told[k] = g.tables
	}
	return g.told[k] == g.tables
}

// Why rows of a report aren't taken.
const (
	gaTotals  = "totals"
	gaNoDay   = "rows of several days without a date"
	gaNothing = "no number that is counted here, or one that was told before"
)

func (g *ga4) read(row []string, it *transfer.Item) {
	if g.isTotal(row) {
		it.Drop = dropped(transfer.Unknown, gaTotals)
		return
	}
	if len(row) != len(g.columns) {
		it.Drop = dropped(transfer.Malformed, "another number of columns than the table's first row")
		return
	}
	day, drop := g.dayOf(row)
	if drop.Reason != "" {
		it.Drop = drop
		return
	}
	n, any := g.numbers(row)
	if !any {
		it.Drop = dropped(transfer.Unknown, gaNothing)
		return
	}
	g.count(row, day, n, it)
	if it.Drop.Reason == "" {
		checkSums(it)
	}
}

// isTotal tells the row of totals, whose dimensions are all empty.
func (g *ga4) isTotal(row []string) bool {
	if len(row) == len(g.columns)+1 && strings.EqualFold(strings.TrimSpace(row[len(row)-1]), "grand total") {
		return true
	}
	cells := slices.Clone(g.dims)
	if g.day >= 0 {
		cells = append(cells, g.day)
	}
	for _, i := range cells {
		if i < len(row) && strings.TrimSpace(row[i]) != "" && !strings.EqualFold(strings.TrimSpace(row[i]), "grand total") {
			return false
		}
	}
	return len(cells) > 0
}

func (g *ga4) dayOf(row []string) (int64, transfer.Drop) {
	const length = int64(24 * time.Hour / time.Millisecond)
	switch {
	case g.day >= 0 && g.columns[g.day].kind == gaDay:
		if day, ok := dateOf(strings.TrimSpace(row[g.day])); ok {
			return day, transfer.Drop{}
		}
		return 0, dropped(transfer.Malformed, "no date")
	case g.day >= 0:
		n, ok := count(strings.TrimSpace(row[g.day]))
		if !ok || n > 10_000 || g.from == 0 {
			return 0, dropped(transfer.Malformed, "a day's number without the report's first date")
		}
		return g.from + n*length, transfer.Drop{}
	case g.from != 0 && g.from == g.to:
		return g.from, transfer.Drop{}
	}
	return 0, dropped(transfer.Unknown, gaNoDay)
}

// numbers reads what is counted. Bounces and durations aren't taken: a bounce
// there is a session that wasn't engaged, which is something else.
func (g *ga4) numbers(row []string) (s event.Sums, any bool) {
	s = untold()
	all := event.Untold
	for i, k := range g.columns {
		if k.kind != gaMetric {
			continue
		}
		n, ok := count(strings.TrimSpace(row[i]))
		if !ok {
			n = wrong
		}
		any = true
		switch k.name {
		case "visitors":
			s.Visitors = n
		case "all_visitors":
			all = n
		case "visits":
			s.Visits = n
		case "pageviews":
			s.Pageviews = n
		case "events":
			s.Events = n
		}
	}
	if s.Visitors == event.Untold {
		s.Visitors = all
	}
	return s, any
}

// count makes the counts of a row: of the whole day where there is no
// dimension, else of each.
func (g *ga4) count(row []string, day int64, s event.Sums, it *transfer.Item) {
	if len(g.dims) == 0 {
		s.Events = event.Untold // Google's notes about itself are among them
		if s.Views = s.Pageviews; s == untold() {
			it.Drop = dropped(transfer.Unknown, gaNothing)
			return
		}
		add(it, day, "", "", s)
		return
	}
	ofEvents := slices.ContainsFunc(g.dims, func(i int) bool { return g.columns[i].event })
	if len(g.dims) > 1 {
		// Whoever is in two rows of this day is one visitor all the same.
		s.Visitors = event.Untold
		if ofEvents {
			s.Visits = event.Untold
		}
	}
	for _, i := range g.dims {
		k := g.columns[i]
		if k.kind != gaDimension {
			continue
		}
		value, sums := k.read(row[i]), s
		switch k.name {
		case "event_name":
			if value == "" {
				it.Drop, it.Days = dropped(transfer.Unknown, told(row[i])), nil
				return
			}
			sums.Visits = event.Untold
			if sums.Pageviews = 0; value == event.Pageview {
				sums.Pageviews = sums.Events
			}
		case "source":
			value = g.sources.Find(source.Input{UTMSource: value}).Source
			sums.Events = event.Untold
		default:
			sums.Events = event.Untold
		}
		if !k.event {
			sums.Views = sums.Pageviews
		}
		add(it, day, k.name, value, sums)
	}
	if len(it.Days) == 0 {
		it.Drop = dropped(transfer.Unknown, "counts by "+strings.TrimSpace(g.header[g.dims[0]]))
	}
}
