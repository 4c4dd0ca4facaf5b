package tools

import (
	"strings"
	"time"

	"moonbear/internal/transfer"
)

// goatCounter reads GoatCounter's CSV export, whose versions 1 and 2 are told
// by the digit before the first column's name:
// https://www.goatcounter.com/code/export
type goatCounter struct {
	table  *table
	agents bool // version 1: the column Browser is the user agent
}

func looksGoatCounter(h *transfer.Head) string {
	row := headerOf(h)
	if len(row) < 2 || strings.TrimLeft(row[0], "0123456789") != "path" || row[0] == "path" || row[1] != "title" {
		return "its first column isn't 2Path or 1Path"
	}
	return ""
}

func openGoatCounter(in *transfer.Input, _ transfer.Settings) (transfer.Source, error) {
	if in.Reader == nil {
		return nil, invalid("GoatCounter's CSV export is one file, alone or compressed with gzip. Its JSON export, a zip, has no single pageviews unless these are kept there; take the CSV.")
	}
	t, err := openTable(in)
	if err != nil {
		return nil, err
	}
	g := &goatCounter{table: t, agents: t.has("1path")}
	if !g.agents && !t.has("2path") {
		for name := range t.columns {
			if v, ok := strings.CutSuffix(name, "path"); ok && v != "" && strings.Trim(v, "0123456789") == "" {
				return nil, invalid("This is version " + cut(v, 10) + " of GoatCounter's export; versions 1 and 2 can be read.")
			}
		}
		return nil, invalid("This isn't GoatCounter's CSV export: its first column is named 2Path (or 1Path).")
	}
	if c := t.lacks("event", "bot", "session", "date"); c != "" {
		return nil, missingColumn("GoatCounter's export", c)
	}
	return g, nil
}

func missingColumn(of, name string) error {
	return invalid("The column " + name + " of " + of + " isn't there. Take the file as it was made, with its first row.")
}

func (g *goatCounter) Next(it *transfer.Item) error {
	if err := g.table.next(it); err != nil || it.Drop.Reason != "" {
		return err
	}
	it.Drop = g.read(&it.Record)
	return nil
}

// read fills a record from the row, or says why it isn't one.
func (g *goatCounter) read(r *transfer.Record) transfer.Drop {
	t := g.table
	at, err := time.Parse(time.RFC3339, t.get("date"))
	if err != nil {
		return dropped(transfer.Malformed, "no date")
	}
	if b := t.get("bot"); b != "" && b != "0" {
		return dropped(transfer.Bot, "GoatCounter's mark "+b)
	}
	r.Time = at
	path := t.get("1path", "2path")
	if e := strings.ToLower(t.get("event")); e == "1" || e == "true" {
		// The path is the event's name; on which page it was isn't told.
		var own string
		if r.Name, own = eventName(strings.TrimPrefix(path, "/")); r.Name == "" {
			return dropped(transfer.Malformed, "an event without a name")
		}
		r.Props = property(nil, "name", own)
	} else if r.URL = path; path == "" {
		return dropped(transfer.Malformed, "no path")
	}
	if s := t.get("session"); strings.Trim(s, "0-") != "" {
		// It lasts eight hours, so it tells the visitor and not the visit.
		r.Visitor = s
	}
	readGoatReferrer(r, t.get("referrer"), t.get("referrer scheme"))
	g.readFacts(r)
	return transfer.Drop{}
}

// readGoatReferrer takes a referrer by its scheme: h is an address without its
// scheme, g a name GoatCounter gave to several addresses, c what a campaign's
// tag said, o an app or another text.
func readGoatReferrer(r *transfer.Record, ref, scheme string) {
	switch {
	case ref == "":
	case strings.Contains(ref, "://"):
		r.Referrer = ref
	case scheme == "h" || scheme == "":
		r.Referrer = "https://" + ref
	case scheme == "c":
		r.URL = tagged(r.URL, "utm_source", ref)
	default:
		r.URL = tagged(r.URL, "ref", ref)
	}
}

func (g *goatCounter) readFacts(r *transfer.Record) {
	t, f := g.table, &r.Facts
	if g.agents {
		r.UserAgent = t.get("browser")
	} else {
		r.UserAgent = t.get("useragent", "user-agent")
		name, version := nameAndVersion(t.get("browser"))
		f.Browser = browserName(name)
		f.BrowserVersion = browserVersion(f.Browser, version)
		name, version = nameAndVersion(t.get("system"))
		f.OS, f.OSVersion = systemName(name), version
	}
	f.ScreenWidth = width(t.get("screen size"))
	place := strings.ToUpper(t.get("location"))
	code, _, _ := strings.Cut(place, "-")
	if f.Country = country(code); f.Country != "" && place != code {
		f.Region = region(f.Country, place)
	}
}
