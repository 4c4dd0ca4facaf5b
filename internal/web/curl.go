package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	"moonbear/internal/stats"
)

// curl is the command that asks the API what the page asked. The token is
// never in it: whoever copies it into a chat gives nothing away.
func curl(base string, q stats.Query) string {
	path := map[stats.Shape]string{stats.Totals: "aggregation", stats.Series: "timeseries", stats.Breakdown: "breakdown"}[q.Shape()]
	return "curl " + quoted(base+"/v1/stats/"+path) + " \\\n" +
		"  -H \"Authorization: Bearer $MOONBEAR_TOKEN\" \\\n" +
		"  -H 'Content-Type: application/json' \\\n" +
		"  -d " + quoted(apiBody(q)) + "\n"
}

// The API's pages are from 5 to 250 rows.
const minAPIRows, maxAPIRows = 5, 250

// apiBody is a question as the API reads it, a field a line. The zone is said
// always, for the API's own is UTC.
func apiBody(q stats.Query) string {
	var b strings.Builder
	field := func(name string, value any) {
		if b.Len() > 0 {
			b.WriteString(",\n")
		}
		fmt.Fprintf(&b, "  %q: %s", name, jsonText(value))
	}
	field("site_id", q.Site.PublicID)
	if q.Period.From == (stats.Date{}) {
		field("period", q.Period.Name)
	} else {
		field("from", q.Period.From.String())
		field("to", q.Period.To.String())
	}
	if loc, err := q.Location(); err == nil {
		field("timezone", loc.String())
	}
	field("aggregate", q.Metrics)
	if q.Interval != "" {
		field("time_bucket", q.Interval)
	}
	if len(q.Dimensions) > 0 {
		field("group_by", q.Dimensions)
	}
	if len(q.Order) > 0 {
		var order []string
		for _, o := range q.Order {
			order = append(order, o.String())
		}
		field("order_by", order)
	}
	if len(q.Dimensions) > 0 {
		if q.Page > 1 {
			field("page", q.Page)
		}
		field("page_size", min(max(q.PageSize, minAPIRows), maxAPIRows))
	}
	if q.Compare != stats.NoComparison {
		field("compare", q.Compare)
	}
	if !q.Filter.IsZero() {
		field("filter", json.RawMessage(q.Filter.JSON()))
	}
	return "{\n" + b.String() + "\n}"
}

// jsonText is compact JSON in which everything that doesn't print is escaped,
// so that nothing in it can act on a terminal.
func jsonText(v any) string {
	var raw bytes.Buffer
	e := json.NewEncoder(&raw)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // text, numbers and lists of them
	}
	var b strings.Builder
	for _, r := range strings.TrimSpace(raw.String()) {
		switch {
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			hi, lo := (r-0x10000)>>10+0xd800, (r-0x10000)&0x3ff+0xdc00
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// quoted is text as one word of a POSIX shell.
func quoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
