package tools

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/source"
	"moonbear/internal/transfer"
)

// plausible reads the zip of Plausible's "Export data": a table a dimension,
// each row the counts of one value on one day of the site there.
type plausible struct {
	tables  []plausibleTable // in a fixed order, the same at every run
	sources *source.Sources
	custom  map[int64]int64 // custom events of a day; nil: the zip doesn't say

	at    int // the table being read
	table *table
	file  io.Closer
	line  int64
}

// plausibleTable is one file of the zip.
type plausibleTable struct {
	name string // "imported_pages"
	file *zip.File
	read func(p *plausible, day int64, it *transfer.Item)
}

// plausibleTables are the tables there are, and who reads them.
var plausibleTables = []plausibleTable{
	{name: "imported_visitors", read: (*plausible).visitors},
	{name: "imported_pages", read: (*plausible).pages},
	{name: "imported_entry_pages", read: one("entry_page", "entry_page", page, "entrances")},
	{name: "imported_exit_pages", read: one("exit_page", "exit_page", page, "exits")},
	{name: "imported_sources", read: (*plausible).from},
	{name: "imported_locations", read: (*plausible).locations},
	{name: "imported_devices", read: one("device", "device", func(_ *table, v string) string { return deviceName(v) }, "visits")},
	{name: "imported_browsers", read: (*plausible).browsers},
	{name: "imported_operating_systems", read: (*plausible).systems},
	{name: "imported_custom_events", read: (*plausible).events},
}

// tableOf is the table a file of the zip holds: "imported_pages_20230101_20240131.csv".
func tableOf(name string) string {
	base := strings.TrimSuffix(strings.ToLower(path.Base(name)), ".csv")
	if base == strings.ToLower(path.Base(name)) || strings.HasPrefix(name, "__MACOSX") {
		return ""
	}
	for strings.HasPrefix(base, "imported_") {
		i := strings.LastIndexByte(base, '_')
		if digits := base[i+1:]; len(digits) != 8 || strings.Trim(digits, "0123456789") != "" {
			return base
		}
		base = base[:i]
	}
	return ""
}

func looksPlausible(h *transfer.Head) string {
	for _, m := range h.Members {
		if tableOf(m) != "" {
			return ""
		}
	}
	if plausibleTotals(h.Members) {
		return ""
	}
	return "it isn't a zip with imported_….csv in it"
}

// plausibleTotals tells the zip that Plausible's dashboard downloads.
func plausibleTotals(members []string) bool {
	return member(members, "visitors.csv") != "" && member(members, "sources.csv") != "" && member(members, "pages.csv") != "" && member(members, "entry_pages.csv") != ""
}

func openPlausible(in *transfer.Input, _ transfer.Settings) (transfer.Source, error) {
	if in.Zip == nil {
		return nil, invalid("Plausible's export is a zip; take it as it is.")
	}
	p := &plausible{}
	var members []string
	for _, f := range in.Zip.File {
		members = append(members, f.Name)
	}
	for _, t := range plausibleTables {
		for _, f := range in.Zip.File {
			if tableOf(f.Name) == t.name {
				t.file = f
				p.tables = append(p.tables, t)
			}
		}
	}
	if len(p.tables) == 0 {
		if plausibleTotals(members) {
			return nil, invalid("This zip has totals of a period, as Plausible's dashboard downloads them; they can't be spread over its days. Take the export of all data instead: in Plausible's site settings, Imports & exports, Export data.")
		}
		return nil, invalid("This zip isn't Plausible's export of all data: there is no imported_….csv in it.")
	}
	var err error
	if p.sources, err = source.New(); err != nil {
		return nil, err
	}
	return p, p.sumCustom()
}

// sumCustom adds up the custom events of each day, which the day's own table
// leaves out.
func (p *plausible) sumCustom() error {
	q := plausible{tables: slices.DeleteFunc(slices.Clone(p.tables), func(t plausibleTable) bool { return t.name != "imported_custom_events" })}
	if len(q.tables) == 0 {
		return nil
	}
	sums := map[int64]int64{}
	for {
		var it transfer.Item
		err := q.Next(&it)
		if errors.Is(err, io.EOF) {
			p.custom = sums
			return nil
		}
		if err != nil {
			return err
		}
		for _, d := range it.Days {
			sums[d.Day] += max(d.Events, 0)
		}
	}
}

func (p *plausible) Next(it *transfer.Item) error {
	for {
		if p.table == nil {
			if p.at == len(p.tables) {
				return io.EOF
			}
			if err := p.open(p.tables[p.at].file); err != nil {
				return err
			}
		}
		err := p.table.next(it)
		if errors.Is(err, io.EOF) {
			_ = p.file.Close() // only read from
			p.table, p.at = nil, p.at+1
			continue
		}
		p.line++
		it.Line = p.line
		if err != nil || it.Drop.Reason != "" {
			return err
		}
		day, ok := dateOf(p.table.get("date"))
		if !ok {
			it.Drop = dropped(transfer.Malformed, "no date")
			return nil
		}
		p.tables[p.at].read(p, day, it)
		checkSums(it)
		return nil
	}
}

func (p *plausible) open(f *zip.File) error {
	r, err := f.Open()
	if err != nil {
		return fmt.Errorf("open %s: %w", f.Name, err)
	}
	p.file = r
	if f.UncompressedSize64 == 0 {
		p.table = newTable(r)
		return nil
	}
	if p.table, err = openTable(r); err != nil {
		return fmt.Errorf("%s: %w", path.Base(f.Name), err)
	}
	p.line++
	if c := p.table.lacks("date", "visitors"); c != "" {
		return missingColumn(path.Base(f.Name), c)
	}
	return nil
}

// dateOf reads "2024-05-01" or "20240501" as midnight UTC, Unix milliseconds.
func dateOf(s string) (int64, bool) {
	layout := "20060102"
	if strings.ContainsRune(s, '-') {
		layout = time.DateOnly
	}
	t, err := time.Parse(layout, s)
	if err != nil || t.Year() < 1990 || t.Year() > 2200 {
		return 0, false
	}
	return t.UnixMilli(), true
}

// untold are sums of which nothing is known.
func untold() event.Sums {
	return event.Sums{Visitors: event.Untold, Pageviews: event.Untold, Events: event.Untold, Visits: event.Untold, Views: event.Untold, Bounces: event.Untold, Duration: event.Untold}
}

// checkSums drops a row whose numbers can't be.
func checkSums(it *transfer.Item) {
	for _, d := range it.Days {
		for _, n := range [...]int64{d.Visitors, d.Pageviews, d.Events, d.Visits, d.Views, d.Bounces, d.Duration} {
			if n < event.Untold {
				it.Drop = dropped(transfer.Malformed, "a number that is none, or negative")
			}
		}
		if d.Bounces != event.Untold && d.Visits != event.Untold && d.Bounces > d.Visits {
			it.Drop = dropped(transfer.Malformed, "more bounces than visits")
		}
	}
	if it.Drop.Reason != "" {
		it.Days = nil
	}
}

// wrong stands for a number that can't be read, so that checkSums finds it.
const wrong = event.Untold - 1

// number is a column's count: untold where there is no such column.
func (t *table) number(names ...string) int64 {
	for _, n := range names {
		if !t.has(n) {
			continue
		}
		v := t.get(n)
		if v == "" {
			return event.Untold
		}
		c, ok := count(v)
		if !ok {
			return wrong
		}
		return c
	}
	return event.Untold
}

// milliseconds is a column of seconds.
func (t *table) milliseconds(name string) int64 {
	if s := t.number(name); s > 0 {
		return s * 1000
	} else {
		return s
	}
}

// visitSums are the numbers of a table of visits.
func (p *plausible) visitSums(visits string) event.Sums {
	t := p.table
	s := untold()
	s.Visitors, s.Visits, s.Bounces = t.number("visitors"), t.number(visits), t.number("bounces")
	s.Duration = t.milliseconds("visit_duration")
	// These are the pageviews of the visits that began on the day.
	s.Views = t.number("pageviews")
	s.Pageviews = s.Views
	return s
}

func add(it *transfer.Item, day int64, dimension, value string, s event.Sums) {
	it.Days = append(it.Days, event.DayCount{Day: day, Dimension: dimension, Value: value, Sums: s})
}

// one reads a table of one dimension.
func one(dimension, column string, value func(*table, string) string, visits string) func(*plausible, int64, *transfer.Item) {
	return func(p *plausible, day int64, it *transfer.Item) {
		add(it, day, dimension, value(p.table, p.table.get(column)), p.visitSums(visits))
	}
}

func page(_ *table, v string) string { return pathOf(v) }

// visitors reads the whole days.
func (p *plausible) visitors(day int64, it *transfer.Item) {
	s := p.visitSums("visits")
	if p.custom != nil && s.Pageviews >= 0 {
		s.Events = s.Pageviews + p.custom[day]
	}
	add(it, day, "", "", s)
	views := untold()
	views.Visitors = event.Untold // of pageviews alone isn't told
	views.Pageviews, views.Events = s.Pageviews, s.Pageviews
	add(it, day, "event_name", event.Pageview, views)
}

func (p *plausible) pages(day int64, it *transfer.Item) {
	t := p.table
	s := untold()
	// Bounces and durations of a path are those of visits that began there.
	s.Visitors, s.Visits, s.Pageviews = t.number("visitors"), t.number("visits"), t.number("pageviews")
	add(it, day, "path", pathOf(t.get("page")), s)
	if h := strings.ToLower(t.get("hostname")); h != "" {
		host := untold() // visitors of several pages are not the sum of the pages' visitors
		host.Pageviews = s.Pageviews
		add(it, day, "hostname", cut(printable(h), 255), host)
	}
}

// from reads where visits came from: a row a combination, so that a visitor
// who came in two ways counts in two rows.
func (p *plausible) from(day int64, it *transfer.Item) {
	t := p.table
	s := p.visitSums("visits")
	ref := t.get("referrer")
	if ref != "" && !strings.Contains(ref, "://") {
		ref = "https://" + ref
	}
	in := source.Input{Referrer: ref, UTMSource: t.get("utm_source"), UTMMedium: t.get("utm_medium"), UTMCampaign: t.get("utm_campaign")}
	if name := told(t.get("source")); in.UTMSource == "" && !strings.HasPrefix(strings.ToLower(name), "direct") {
		in.Ref = name
		if in.Referrer != "" {
			in.Ref = ""
		}
	}
	f := p.sources.Find(in)
	add(it, day, "source", f.Source, s)
	add(it, day, "channel", f.Channel, s)
	if t.has("referrer") {
		add(it, day, "referrer", f.Referrer, s)
	}
	for _, tag := range [...]string{"utm_source", "utm_medium", "utm_campaign", "utm_content", "utm_term"} {
		if t.has(tag) {
			add(it, day, tag, cut(printable(t.get(tag)), 255), s)
		}
	}
}

// locations reads places. A city is a number of GeoNames there, which isn't
// translated here.
func (p *plausible) locations(day int64, it *transfer.Item) {
	t := p.table
	s := p.visitSums("visits")
	c := country(t.get("country"))
	add(it, day, "country", c, s)
	add(it, day, "region", region(c, t.get("region")), s)
}

func (p *plausible) browsers(day int64, it *transfer.Item) {
	s := p.visitSums("visits")
	name := browserName(p.table.get("browser"))
	add(it, day, "browser", name, s)
	if p.table.has("browser_version") {
		add(it, day, "browser_version", browserVersion(name, p.table.get("browser_version")), s)
	}
}

func (p *plausible) systems(day int64, it *transfer.Item) {
	s := p.visitSums("visits")
	add(it, day, "os", systemName(p.table.get("operating_system")), s)
	if p.table.has("operating_system_version") {
		add(it, day, "os_version", versionOf(p.table.get("operating_system_version"), 2), s)
	}
}

func (p *plausible) events(day int64, it *transfer.Item) {
	t := p.table
	name, own := eventName(t.get("name"))
	switch {
	case t.get("name") == "engagement":
		it.Drop = dropped(transfer.Unknown, "engagement")
		return
	case name == "":
		it.Drop = dropped(transfer.Malformed, "an event without a name")
		return
	case own != "":
		name = cut(own, maxName) // counts have no property to keep it in
	}
	s := untold()
	s.Visitors, s.Events = t.number("visitors"), t.number("events")
	s.Pageviews = 0
	add(it, day, "event_name", name, s)
}
