package eventtest

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"moonbear/internal/event"
)

// Full is an event whose every field has a value of its own, so that two
// columns that changed places show.
func Full() event.Event {
	var e event.Event
	n := int64(0)
	fill(reflect.ValueOf(&e).Elem(), &n)
	e.Interactive = true
	e.Time = Start.UnixMilli() + 123
	e.VisitStart = Start.UnixMilli() - 7
	e.Props = []event.Prop{{Key: "plan", Value: "premium"}, {Key: "über", Value: "가격"}}
	return e
}

func fill(v reflect.Value, n *int64) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Array:
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.Int32, reflect.Int64:
		v.SetInt(*n)
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d", *n))
	}
}

func roundTrip(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	at := func(i int, change func(*event.Event)) event.Event {
		e := event.Event{Site: 1, Time: Start.UnixMilli() + int64(i), Name: event.Pageview}
		change(&e)
		return e
	}
	cases := []event.Event{
		at(0, func(*event.Event) {}),
		at(1, func(e *event.Event) { f := Full(); f.Site, f.Time = e.Site, e.Time; *e = f }),
		at(2, func(e *event.Event) { e.Visitor, e.Visit = math.MinInt64, math.MaxInt64 }),
		at(3, func(e *event.Event) { e.Revenue, e.Currency = math.MinInt64, "KRW" }),
		at(4, func(e *event.Event) { e.Revenue, e.ScreenWidth = math.MaxInt64, math.MaxInt32 }),
	}
	for i := range event.MeasureCount {
		for _, v := range []int64{0, 1, math.MaxInt32 - 1} { // the greatest a Measure holds
			cases = append(cases, at(len(cases), func(e *event.Event) { e.Measures[i] = event.Measured(v) }))
		}
	}
	for _, text := range []string{
		"x", "exactly 12 b", "thirteen byte", "\x00", "a\x00b", "'; drop table events; --", `"\`, "\n\r\t", "한국어 텍스트", "🐻", "e\u0301", strings.Repeat("ㄱ", 700),
	} {
		cases = append(cases, at(len(cases), func(e *event.Event) {
			e.Name, e.Path, e.Source = text, "/"+text, text
			e.Props = []event.Prop{{Key: text, Value: text}}
		}))
	}
	cases = append(cases,
		at(len(cases), func(e *event.Event) { e.Props = []event.Prop{{Key: "", Value: ""}} }),
		at(len(cases)+1, func(e *event.Event) { e.Props = props(30, 5) }),
		at(len(cases)+2, func(e *event.Event) { e.Props = props(30, 500) }),
		at(len(cases)+3, func(e *event.Event) { e.Props = props(2500, 30) }),
	)
	Append(t, s, Batch("a", 0, cases))
	got := All(t, s, 1)
	if len(got) != len(cases) {
		t.Fatalf("%d events, want %d", len(got), len(cases))
	}
	for i := range cases {
		if len(got[i].Props) == 0 {
			got[i].Props = nil
		}
		if !reflect.DeepEqual(got[i], cases[i]) {
			t.Errorf("event %d came back as\n%+v, want\n%+v", i, got[i], cases[i])
		}
	}
}

func props(n, length int) []event.Prop {
	var ps []event.Prop
	for i := range n {
		ps = append(ps, event.Prop{Key: fmt.Sprintf("key %05d", i), Value: strings.Repeat("v", length)})
	}
	return ps
}

func badText(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	es := Events(Visit(View("/caf\xe9 is not UTF-8"), Custom("buy", "k\xff", "v\xff")))
	Append(t, s, Batch("a", 0, es))
	for _, e := range All(t, s, Site) {
		for _, text := range []string{e.Path, e.EntryPath} {
			if !utf8.ValidString(text) || !strings.HasPrefix(text, "/caf") {
				t.Errorf("text came back as %q", text)
			}
		}
		for _, p := range e.Props {
			if !utf8.ValidString(p.Key) || !utf8.ValidString(p.Value) {
				t.Errorf("property came back as %q", p)
			}
		}
	}
	if n := Number(t, s, "select count(*) from events where path like '/caf%'"); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

// columns reads one event by the names and types that event.Store promises.
func columns(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	e := Full()
	e.Measures[event.CLS] = 0
	Append(t, s, Batch("a", 0, []event.Event{e}))
	type pair struct {
		column string
		want   any
	}
	pairs := []pair{
		{"site_id", e.Site}, {"name", e.Name}, {"visitor_id", e.Visitor}, {"visit_id", e.Visit}, {"path", e.Path}, {"hostname", e.Hostname},
		{"interactive", e.Interactive}, {"entry_path", e.EntryPath}, {"referrer", e.Referrer}, {"source", e.Source}, {"channel", e.Channel},
		{"utm_source", e.UTMSource}, {"utm_medium", e.UTMMedium}, {"utm_campaign", e.UTMCampaign}, {"utm_content", e.UTMContent}, {"utm_term", e.UTMTerm},
		{"country", e.Country}, {"region", e.Region}, {"city", e.City}, {"browser", e.Browser}, {"browser_version", e.BrowserVersion},
		{"os", e.OS}, {"os_version", e.OSVersion}, {"device", e.Device}, {"screen_width", e.ScreenWidth}, {"language", e.Language},
		{"time_zone", e.TimeZone}, {"connection_speed", e.ConnectionSpeed}, {"revenue", e.Revenue}, {"currency", e.Currency},
		{"ts", time.UnixMilli(e.Time).UTC()}, {"visit_start", time.UnixMilli(e.VisitStart).UTC()}, {"props['plan']", "premium"}, {"props['über']", "가격"},
	}
	for i, name := range event.MeasureColumns {
		v, ok := e.Measures[i].Value()
		if !ok {
			pairs = append(pairs, pair{name, nil})
			continue
		}
		pairs = append(pairs, pair{name, v})
	}
	for _, p := range pairs {
		t.Run(p.column, func(t *testing.T) {
			rows, err := s.Select(context.Background(), "select "+p.column+" from events")
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			if !rows.Next() {
				t.Fatal("no row")
			}
			if p.want == nil {
				var null sql.NullInt64
				if err := rows.Scan(&null); err != nil || null.Valid {
					t.Errorf("%v, %v; want null", null, err)
				}
				return
			}
			got := reflect.New(reflect.TypeOf(p.want))
			if err := rows.Scan(got.Interface()); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got.Elem().Interface(), p.want) {
				t.Errorf("%v, want %v", got.Elem(), p.want)
			}
		})
	}
}

func dropsAndKeys(t *testing.T, open Opener) {
	s := open(t)
	defer closing(t, s)
	minute := Start.UnixMilli()
	key := event.Key{Site: 1, Time: minute + 5, Key: [16]byte{0, 1, 0xff, 15: 9}, Body: [16]byte{7, 15: 0}}
	b := &event.Batch{Spool: "a", From: 0, To: 10, Drops: []event.Drop{
		{Site: 1, Time: minute, Reason: "bot", Detail: "Yeti", Count: 3},
		{Site: 1, Time: minute, Reason: "hostname", Detail: "www.shop.example", Count: 1},
		{Site: 2, Time: minute, Reason: "bot", Detail: "Yeti", Count: 100},
	}, Keys: []event.Key{key}}
	Append(t, s, b)
	Append(t, s, b)
	Append(t, s, &event.Batch{Spool: "a", From: 10, To: 11, Drops: []event.Drop{{Site: 1, Time: minute, Reason: "bot", Detail: "Yeti", Count: 4}}})
	for _, c := range []struct {
		where string
		want  int64
	}{
		{"site_id = 1 and reason = 'bot' and detail = 'Yeti'", 7},
		{"site_id = 1 and reason = 'hostname' and detail = 'www.shop.example'", 1},
		{"site_id = 2", 100},
	} {
		if n := Number(t, s, "select sum(count) from drops where ts = ? and "+c.where, time.UnixMilli(minute).UTC()); n != c.want {
			t.Errorf("drops where %s: %d, want %d", c.where, n, c.want)
		}
	}
	rows, err := s.Select(context.Background(), "select site_id, ts, key, body from keys where ts >= ?", time.UnixMilli(minute).UTC())
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got []event.Key
	for rows.Next() {
		var k event.Key
		var ts time.Time
		var id, body []byte
		if err := rows.Scan(&k.Site, &ts, &id, &body); err != nil {
			t.Fatal(err)
		}
		k.Time = ts.UnixMilli()
		copy(k.Key[:], id)
		copy(k.Body[:], body)
		if len(id) != 16 || len(body) != 16 {
			t.Errorf("key of %d bytes, body of %d: want 16 each", len(id), len(body))
		}
		got = append(got, k)
	}
	if len(got) != 1 || got[0] != key {
		t.Errorf("keys = %v, want %v", got, key)
	}
}
