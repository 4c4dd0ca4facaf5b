package transfer_test

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"moonbear/internal/transfer"
)

const semicomplete = "testdata/semicomplete-2015-05.access.log"

// counted is what a plain loop over the log finds, by rules written down here
// anew: regular expressions for lines, a list of what is no page for paths. The
// only thing it shares with the import is the list of bots, which has its own
// tests.
type counted struct {
	lines, stored int64
	drops         map[transfer.Reason]int64
	views, visits map[string]int64 // by day
	visitors      map[string]map[string]bool
	pages         map[string]int64
}

type lineHit struct {
	at               time.Time
	who, page, refer string
	n                int
}

var combinedLine = regexp.MustCompile(`^(\S+) \S+ \S+ \[([^\]]+)\] "(\S+) (\S+)[^"]*" (\d{3}) \S+ "([^"]*)" "(.*?)"?$`)

// noPage are the ends of paths in this log that aren't pages.
var noPage = regexp.MustCompile(`(?i)(\.(css|js|png|jpe?g|gif|svg|ico|ttf|eot|woff|otf|txt|log|conf|pdf|gz|tgz|zip|exe|deb|rpm|jar|xml|rss|atom|tex|ps|mp3|mp4|ogv|webm|swf|dll|bz2|tar|gem|iso|yml|ini|asc|json|bin|dvi|doc|xslt?)|/feed/?|/rss2?/?|/atom/?|/rdf)$`)

func countLog(t *testing.T, w *world) *counted {
	t.Helper()
	l, err := lookups()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(semicomplete)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	c := &counted{
		drops: map[transfer.Reason]int64{}, views: map[string]int64{}, visits: map[string]int64{},
		visitors: map[string]map[string]bool{}, pages: map[string]int64{},
	}
	var hits []lineHit
	for s := bufio.NewScanner(f); s.Scan(); {
		c.lines++
		m := combinedLine.FindStringSubmatch(s.Text())
		if m == nil {
			c.drops[transfer.Malformed]++
			continue
		}
		at, err := time.Parse("02/Jan/2006:15:04:05 -0700", m[2])
		if err != nil {
			t.Fatal(err)
		}
		path, query, _ := strings.Cut(m[4], "?")
		agent := m[7]
		if agent == "-" {
			agent = ""
		}
		_, isBot := l.bots.Match(agent)
		switch {
		case m[3] != "GET":
			c.drops[transfer.Method]++
		case m[5][0] != '2' && m[5] != "304":
			c.drops[transfer.Status]++
		case noPage.MatchString(path) && !strings.HasSuffix(path, "pdf.html"), strings.Contains(query, "flav=rss"), strings.Contains(query, "flav=atom"), notAPageHere(path):
			c.drops[transfer.Asset]++
		case isBot:
			c.drops[transfer.Bot]++
		case l.sources.Spam(m[6]):
			c.drops[transfer.ReferrerSpam]++
		default:
			c.stored++
			hits = append(hits, lineHit{at, m[1] + " " + agent, path, m[6], len(hits)})
		}
	}
	c.visit(hits, w)
	return c
}

// notAPageHere are other paths of this log that machines ask for.
func notAPageHere(path string) bool {
	return strings.HasPrefix(path, "/.well-known/") || strings.HasPrefix(path, "/apple-touch-icon")
}

// visit forms visits: a gap of half an hour, or another site that links here,
// begins one. Of two lines of one second the earlier in the file is the first.
func (c *counted) visit(hits []lineHit, w *world) {
	slices.SortStableFunc(hits, func(a, b lineHit) int { return a.at.Compare(b.at) })
	type open struct {
		last   time.Time
		source string
	}
	seen := map[string]open{}
	for _, h := range hits {
		day := h.at.In(w.site.Location).Format(time.DateOnly)
		if c.visitors[day] == nil {
			c.visitors[day] = map[string]bool{}
		}
		c.visitors[day][h.who] = true
		c.views[day]++
		c.pages[h.page]++
		source := sourceOf(h.refer)
		o, was := seen[h.who]
		if !was || h.at.Sub(o.last) >= 30*time.Minute || source != "" && source != o.source {
			c.visits[day]++
			o.source = source
		}
		if h.at.After(o.last) {
			o.last = h.at
		}
		seen[h.who] = o
	}
}

// sourceOf names the site a line's visitor came from; "" is nowhere or here.
func sourceOf(refer string) string {
	host := refer
	if _, rest, ok := strings.Cut(refer, "://"); ok {
		host = rest
	}
	host, _, _ = strings.Cut(host, "/")
	if host == "-" || host == "" || strings.HasSuffix(host, "semicomplete.com") || !strings.Contains(refer, "://") {
		return ""
	}
	return host
}

// TestSemicomplete imports 10,000 lines of a real log in one go, and holds
// every number to the plain loop's.
func TestSemicomplete(t *testing.T) {
	w := newWorld(t, "America/Los_Angeles")
	w.site.Domain = "semicomplete.com"
	b, err := os.ReadFile(semicomplete)
	if err != nil {
		t.Fatal(err)
	}
	s := w.take(t, "semicomplete-2015-05.access.log", string(b))
	c := countLog(t, w)
	if s.Run.Lines != c.lines || c.lines != 10_000 || s.Run.Stored != c.stored {
		t.Errorf("%d lines and %d stored, counted %d and %d", s.Run.Lines, s.Run.Stored, c.lines, c.stored)
	}
	got := map[transfer.Reason]int64{}
	for _, d := range s.Run.Dropped {
		got[d.Reason] += d.Lines
	}
	if !maps.Equal(got, c.drops) {
		t.Errorf("dropped %v\ncounted %v", got, c.drops)
	}
	var visits, visitors int64
	for day, views := range c.views {
		from, _ := time.ParseInLocation(time.DateOnly, day, w.site.Location)
		to := from.AddDate(0, 0, 1)
		ask := func(what, column string) int64 {
			return w.number(t, fmt.Sprintf("select %s from events where %s >= ? and %s < ?", what, column, column), from.UTC(), to.UTC())
		}
		visits, visitors = visits+c.visits[day], visitors+int64(len(c.visitors[day]))
		if n := ask("count(*)", "ts"); n != views {
			t.Errorf("%s: %d pageviews, counted %d", day, n, views)
		}
		if n := ask("count(distinct visitor_id)", "ts"); n != int64(len(c.visitors[day])) {
			t.Errorf("%s: %d visitors, counted %d", day, n, len(c.visitors[day]))
		}
		if n := ask("count(distinct visit_id)", "visit_start"); n != c.visits[day] {
			t.Errorf("%s: %d visits, counted %d", day, n, c.visits[day])
		}
	}
	if s.Visits != visits || s.Visitors != visitors {
		t.Errorf("%d visits and %d visitors, counted %d and %d", s.Visits, s.Visitors, visits, visitors)
	}
	for page, views := range c.pages {
		if n := w.number(t, "select count(*) from events where path = ?", page); n != views && !strings.ContainsAny(page, "%") {
			t.Errorf("%s: %d views, counted %d", page, n, views)
		}
	}
}

// BenchmarkImport tells how many lines a second one processor takes in, of
// real lines made into a longer log.
func BenchmarkImport(b *testing.B) {
	text, err := os.ReadFile(semicomplete)
	if err != nil {
		b.Fatal(err)
	}
	const times = 50
	w := newWorld(b, "UTC")
	n := int64(0)
	for b.Loop() {
		b.StopTimer()
		s, err := w.Imports(context.Background(), w.site.ID)
		if err != nil {
			b.Fatal(err)
		}
		for _, i := range s {
			if i.State == transfer.Done {
				if _, err := w.Undo(context.Background(), w.site.ID, i.ID); err != nil {
					b.Fatal(err)
				}
			}
		}
		long := strings.Repeat(string(text), times)
		b.StartTimer()
		n += w.take(b, "long.log", long).Run.Lines
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "lines/s")
	b.ReportMetric(float64(n)/10_000*float64(len(text))/1e6/b.Elapsed().Seconds(), "MB/s")
}
