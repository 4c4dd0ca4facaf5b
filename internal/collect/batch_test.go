package collect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"moonbear/internal/event"
	"moonbear/internal/fault"
	"moonbear/internal/spool"
)

var auth = []string{"Authorization", "Bearer " + goodToken, "User-Agent", "Go-http-client/1.1"}

// list wraps events of the Korean site in a batch.
func list(events ...string) string {
	return `{"site_id":"` + siteID + `","events":[` + strings.Join(events, ",") + `]}`
}

func (w *world) ago(d time.Duration) string {
	return w.clock.now().Add(-d).UTC().Format(time.RFC3339Nano)
}

func TestBatchForms(t *testing.T) {
	w := newWorld(t, "")
	one := `{"site_id":"` + siteID + `","event":"signup","url":"https://example.com/a","visitor_id":"u1"}`
	for _, tc := range []struct {
		body     string
		received int
	}{
		{one, 1},
		{" [" + one + "," + one + "]", 2},
		{list(`{"event":"a","url":"https://example.com/"}`, `{"site":"`+shopID+`","name":"b","url":"https://shop.example/"}`), 2},
	} {
		status, answer := w.send(request("/v1/events", tc.body, auth...))
		if want := fmt.Sprintf("{\"received\":%d}\n", tc.received); status != 202 || answer != want {
			t.Errorf("%s: %d %s, want %s", tc.body, status, answer, want)
		}
	}
	got := w.stored().Events
	if len(got) != 5 || got[3].Site != 1 || got[4].Site != 2 || got[4].Name != "b" {
		t.Fatalf("%d events: %+v", len(got), got)
	}
	if got[0].Visitor == 0 || got[1].Visitor != got[0].Visitor || got[1].Visit != got[0].Visit || got[3].Visitor != 0 || got[3].Visit != 0 {
		t.Error("visitor_id makes a visitor; without one there is none, and no visit")
	}
}

// Who an event of a server is of, and what is known of them.
func TestBatchVisitors(t *testing.T) {
	w := newWorld(t, "")
	ip, ua := `,"override_ip":"`+korean+`"`, `,"override_user_agent":"`+iphone+`"`
	e := func(more string) string { return `{"event":"a","url":"https://example.com/"` + more + `}` }
	u1 := `,"visitor_id":"u1"`
	w.hit("/v1/events", list(e(""), e(u1+ip), e(`,"visitor_id":"u2"`+ua), e(ip+ua), e(u1), e(u1+ip+ua), e(`,"visitor_id":42`), e(`,"visitor_id":"42"`)), auth...)
	// The same visitor's own browser.
	w.hit("/event", pv("https://example.com/", ip+ua), "Authorization", "Bearer "+goodToken)
	got := w.stored().Events
	if len(got) != 9 {
		t.Fatalf("%d events", len(got))
	}
	if got[0].Visitor != 0 || got[0].Visit != 0 {
		t.Error("an event has a visitor, and nothing says who")
	}
	if got[1].Country != "KR" || got[2].Browser != "Safari" || got[0].Browser != "" {
		t.Errorf("facts %q, %q, %q", got[1].Country, got[2].Browser, got[0].Browser)
	}
	if got[3].Visitor == 0 || got[3].Visitor != got[8].Visitor || got[3].Visit != got[8].Visit {
		t.Error("address and user agent make another visitor when a server names them")
	}
	if got[4].Visitor == 0 || got[4].Visitor != got[5].Visitor || got[4].Visitor != got[1].Visitor || got[4].Visitor == got[3].Visitor {
		t.Error("visitor_id does not go before address and user agent")
	}
	if got[6].Visitor != got[7].Visitor || got[6].Visitor == got[4].Visitor {
		t.Error("42 and \"42\" are not one visitor")
	}
}

func TestBatchFaults(t *testing.T) {
	w := newWorld(t, "")
	good := `{"event":"a","url":"https://example.com/"}`
	for name, tc := range map[string]struct {
		body    string
		headers []string
		status  int
		says    string
	}{
		"no token":                      {list(good), []string{}, 401, "Authorization: Bearer"},
		"basic":                         {list(good), []string{"Authorization", "Basic " + goodToken}, 401, "Authorization: Bearer"},
		"a bad token":                   {list(good), []string{"Authorization", "Bearer nope"}, 401, "not valid"},
		"a reader":                      {list(good), []string{"Authorization", "Bearer " + readToken}, 403, "may not write"},
		"another's site":                {`{"site_id":"` + foreignID + `","url":"https://a.b/"}`, nil, 403, "site_id: this API token is not for this site"},
		"another's, by pid":             {`{"pid":"` + foreignID + `","url":"https://a.b/"}`, nil, 403, "pid: this API token is not for this site"},
		"no events":                     {list(), nil, 400, "1 to 1,000"},
		"1,001 events":                  {list(strings.Split(strings.Repeat(good+";", 1000)+good, ";")...), nil, 400, "1 to 1,000"},
		"events of a text":              {`{"events":"a"}`, nil, 400, "events: it must be a list of events, not a text."},
		"an event of a text":            {list(good, `"a"`), nil, 400, "events[1]: it must be an object, not a text."},
		"not JSON":                      {`{"events":[`, nil, 400, "not a JSON object"},
		"too large":                     {strings.Repeat(" ", maxBatch+1), nil, 400, "4 MiB"},
		"too large an event":            {list(good, `{"x":"`+strings.Repeat("a", maxHit)+`"}`), nil, 400, "events[1]: It is too large: an event, its properties included, has at most 16 KiB."},
		"too large, alone":              {`{"url":"` + strings.Repeat("a", maxHit) + `"}`, nil, 400, "at most 16 KiB"},
		"a type, far in":                {list(good, `{"props":[]}`), nil, 400, "events[1]: props: it must be an object"},
		"a fact, far in":                {list(good, good, `{"event":"1","url":"https://example.com/"}`), nil, 400, "events[2]: event: a name begins"},
		"no site, far in":               {`[` + good + `]`, nil, 400, "site_id: it must be the site's ID"},
		"an unknown site above":         {`{"site_id":"nobody","events":[` + good + `,` + good + `]}`, nil, 404, `{"message":"site_id: there is no site`},
		"a misspelt field":              {list(good, `{"url":"https://a.b/","visitorid":"u"}`), nil, 400, `events[1]: there is no field \"visitorid\".`},
		"a field of events beside them": {`{"site_id":"` + siteID + `","event":"a","events":[` + good + `]}`, nil, 400, "event: beside events there is site_id only"},
		"an address alone":              {list(good, `{"url":"https://example.com/","override_ip":"`+korean+`"}`), nil, 400, "events[1]: override_user_agent: it is missing. A visitor is named by override_ip together with override_user_agent, or by visitor_id."},
		"a user agent alone":            {list(`{"url":"https://example.com/","override_user_agent":"` + iphone + `"}`), nil, 400, "override_ip: it is missing. A visitor is named by override_user_agent together with override_ip, or by visitor_id."},
		"unknown site":                  {list(good, `{"site_id":"nobody","url":"https://a.b/"}`), nil, 404, "events[1]: site_id: there is no site"},
		"too old":                       {list(`{"url":"https://example.com/","timestamp":"` + w.ago(24*time.Hour+time.Second) + `"}`), nil, 400, "timestamp: it must be at most 24 hours old. Older events come in by import."},
		"in the future":                 {list(`{"url":"https://example.com/","timestamp":"` + w.ago(-6*time.Minute) + `"}`), nil, 400, "timestamp: it must not be in the future; the server's clock says 2026-03-02T03:00:00Z."},
		"no time":                       {list(`{"url":"https://example.com/","timestamp":"yesterday"}`), nil, 400, "timestamp: it must be RFC 3339"},
		"a time of a list":              {list(`{"url":"https://example.com/","timestamp":[]}`), nil, 400, "timestamp: it must be RFC 3339"},
		"a long visitor_id":             {list(`{"url":"https://example.com/","visitor_id":"` + strings.Repeat("a", 256) + `"}`), nil, 400, "visitor_id: it has at most 255"},
		"a visitor of a list":           {list(`{"url":"https://example.com/","visitor_id":[]}`), nil, 400, "visitor_id: it must be a text"},
		"a long key":                    {list(good), append([]string{"Idempotency-Key", strings.Repeat("k", 256)}, auth...), 400, "Idempotency-Key: it has at most 255"},
	} {
		headers := tc.headers
		if headers == nil {
			headers = auth
		}
		status, answer := w.send(request("/v1/events", tc.body, headers...))
		if status != tc.status || !strings.Contains(answer, tc.says) || !strings.HasPrefix(answer, `{"message":`) {
			t.Errorf("%s: %d %s; want %d and %q", name, status, answer, tc.status, tc.says)
		}
	}
	w.full[1] = true
	if status, _ := w.send(request("/v1/events", list(good), auth...)); status != 402 {
		t.Errorf("over quota: %d", status)
	}
	if b := w.stored(); len(b.Events) != 0 || len(b.Keys) != 0 || len(b.Drops) != 1 || b.Drops[0].Reason != "quota" {
		t.Errorf("refused batches left %+v", b)
	}
}

// Older events form visits in their batch only, in the order of their times.
func TestBatchOfThePast(t *testing.T) {
	w := newWorld(t, "")
	at := func(d time.Duration, path, more string) string {
		return fmt.Sprintf(`{"url":"https://example.com%s","visitor_id":"u","timestamp":%q%s}`, path, w.ago(d), more)
	}
	w.hit("/v1/events", list(`{"url":"https://example.com/now","visitor_id":"u"}`), auth...)
	w.hit("/v1/events", list(
		at(10*time.Minute, "/c", ""),
		at(20*time.Minute, "/b", ""),
		at(20*time.Minute, "/b2", ""),
		at(40*time.Minute, "/a", ""),
		at(9*time.Minute, "/c", `,"event":"engagement","engagement_time":1000`),
		at(23*time.Hour, "/yesterday", ""),
		at(16*time.Hour, "/", `,"event":"engagement"`), // seven hours after its page
	), auth...)
	w.hit("/v1/events", list(at(10*time.Minute, "/d", "")), auth...)
	w.hit("/v1/events", list(at(30*time.Second, "/recent", "")), auth...)

	b := w.stored()
	var paths []string
	byPath := map[string]event.Event{}
	for _, e := range b.Events {
		paths = append(paths, e.Path)
		if e.Name == event.Pageview {
			byPath[e.Path] = e
		}
	}
	if want := []string{"/now", "/yesterday", "/a", "/b", "/b2", "/c", "/c", "/d", "/recent"}; !reflect.DeepEqual(paths, want) {
		t.Fatalf("events %v, want %v", paths, want)
	}
	a, bb, b2, c := byPath["/a"], byPath["/b"], byPath["/b2"], byPath["/c"]
	if a.Visit != c.Visit || bb.Visit != a.Visit || b2.Visit != a.Visit || c.EntryPath != "/a" || b.Events[6].Visit != a.Visit {
		t.Error("events twenty minutes apart are not one visit")
	}
	if b2.Time != bb.Time+1 {
		t.Error("two events of one time tie")
	}
	if byPath["/d"].Visit == a.Visit || byPath["/d"].Visit == byPath["/now"].Visit {
		t.Error("another batch's older event joined a visit")
	}
	if byPath["/recent"].Visit != byPath["/now"].Visit {
		t.Error("what happened half a minute ago is not in the open visit")
	}
	for p, want := range map[string]int64{"/now": 1, "/a": 0, "/d": 0, "/recent": 1} {
		if byPath[p].Visit%2 != want {
			t.Errorf("visit of %s is %d: odd is open, even is a batch's", p, byPath[p].Visit)
		}
	}
	// 12:00 in Seoul: 23 hours ago was yesterday there, with yesterday's salt.
	if byPath["/yesterday"].Visitor == a.Visitor {
		t.Error("yesterday's visitor has today's salt")
	}
	if len(b.Drops) != 1 || b.Drops[0].Reason != "engagement_without_visit" {
		t.Errorf("drops %v", b.Drops)
	}
}

func TestBatchDrops(t *testing.T) {
	w := newWorld(t, "")
	bots := `{"url":"https://shop.example/","visitor_id":"b","override_user_agent":"` + yeti + `"}`
	body := `{"site_id":"` + shopID + `","events":[` + bots + `,{"url":"https://evil.example/"},{"url":"https://shop.example/"},` + bots + `]}`
	if status, answer := w.send(request("/v1/events", body, auth...)); status != 202 || answer != "{\"received\":4}\n" {
		t.Fatalf("%d %s", status, answer)
	}
	b := w.stored()
	got := map[string]int64{}
	for _, d := range b.Drops {
		got[d.Reason+" "+d.Detail] += d.Count
	}
	if want := map[string]int64{"bot Yeti (Naver)": 2, "hostname evil.example": 1}; len(b.Events) != 1 || !reflect.DeepEqual(got, want) {
		t.Errorf("%d events, drops %v", len(b.Events), got)
	}
}

func keyed(key string) []string { return append([]string{"Idempotency-Key", key}, auth...) }

func TestIdempotency(t *testing.T) {
	w := newWorld(t, "")
	body, other := list(`{"url":"https://example.com/a"}`, `{"url":"https://example.com/b"}`), list(`{"url":"https://example.com/c"}`)
	for range 3 {
		if status, answer := w.send(request("/v1/events", body, keyed("k1")...)); status != 202 || answer != "{\"received\":2}\n" {
			t.Fatalf("%d %s", status, answer)
		}
	}
	if status, answer := w.send(request("/v1/events", other, keyed("k1")...)); status != 422 || !strings.Contains(answer, "Idempotency-Key") {
		t.Errorf("another body under the key: %d %s", status, answer)
	}
	w.hit("/v1/events", other, keyed("k2")...)
	w.hit("/v1/events", body, auth...) // without a key it is another batch
	// A batch that is refused takes no key.
	if status, _ := w.send(request("/v1/events", list(`{"url":"x"}`), keyed("k3")...)); status != 400 {
		t.Error("a bad batch was taken")
	}
	w.hit("/v1/events", other, keyed("k3")...)
	// One of drops alone does.
	bots := list(`{"url":"https://example.com/","visitor_id":"b","override_user_agent":"` + yeti + `"}`)
	w.hit("/v1/events", bots, keyed("k4")...)
	w.hit("/v1/events", bots, keyed("k4")...)
	b := w.stored()
	if len(b.Events) != 2+1+2+1 || len(b.Keys) != 4 || len(b.Drops) != 1 || b.Drops[0].Count != 1 {
		t.Errorf("%d events, %d keys, drops %v", len(b.Events), len(b.Keys), b.Drops)
	}
	w.clock.add(24 * time.Hour)
	w.hit("/v1/events", other, keyed("k1")...)
	if b := w.stored(); len(b.Events) != 7 {
		t.Error("after 24 hours the key is not free")
	}
}

func TestIdempotencyAtOnce(t *testing.T) {
	w := newWorld(t, "")
	body := list(`{"url":"https://example.com/"}`)
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if status, answer := w.send(request("/v1/events", body, keyed("k")...)); status != 202 || answer != "{\"received\":1}\n" {
				t.Errorf("%d %s", status, answer)
			}
		})
	}
	wg.Wait()
	if b := w.stored(); len(b.Events) != 1 || len(b.Keys) != 1 {
		t.Errorf("%d events, %d keys of one batch", len(b.Events), len(b.Keys))
	}
}

// refusing is a spool that is full until it is not.
type refusing struct {
	Spool
	err error
}

func (r *refusing) Append(ctx context.Context, record []byte) error {
	if r.err != nil {
		return r.err
	}
	return r.Spool.Append(ctx, record)
}

func TestFullSpool(t *testing.T) {
	var full *refusing
	w := newWorld(t, "", func(o *Options) { full = &refusing{o.Spool, spool.ErrFull}; o.Spool = full })
	body := list(`{"url":"https://example.com/"}`, `{"url":"https://example.com/","visitor_id":"b","override_user_agent":"`+yeti+`"}`)
	for _, r := range []*http.Request{
		request("/event", pv("https://example.com/", "")),
		request("/v1/events", body, keyed("k")...),
	} {
		if status, answer := w.send(r); status != 503 || !strings.Contains(answer, "no room") {
			t.Errorf("%d %s", status, answer)
		}
	}
	w.hit("/event", pv("https://example.com/", ""), "User-Agent", yeti)
	if err := w.drops.flush(context.Background(), full); !errors.Is(err, spool.ErrFull) {
		t.Errorf("flushing drops: %v", err)
	}
	full.err = spool.ErrTooLarge
	if status, answer := w.send(request("/v1/events", body, keyed("k")...)); status != 400 || !strings.Contains(answer, "fewer events") {
		t.Errorf("%d %s", status, answer)
	}
	full.err = nil
	w.hit("/v1/events", body, keyed("k")...)
	b := w.stored()
	if len(b.Events) != 1 || len(b.Keys) != 1 || len(b.Drops) != 1 || b.Drops[0].Count != 2 {
		t.Errorf("%d events, %d keys, drops %v: a drop counts once, when its batch is stored", len(b.Events), len(b.Keys), b.Drops)
	}
}

// What admit says decides, before anything is judged.
func TestAdmit(t *testing.T) {
	w := newWorld(t, "")
	var told []int
	refusal := fault.New(fault.TooMany, "Enough for this minute.")
	w.admit = func(events int) error {
		told = append(told, events)
		if len(told) == 2 {
			return refusal
		}
		return nil
	}
	two := list(`{"url":"https://example.com/a"}`, `{"url":"https://example.com/b"}`)
	w.hit("/v1/events", two, auth...)
	key := append([]string{"Idempotency-Key", "k"}, auth...)
	if status, answer := w.send(request("/v1/events", two, key...)); status != 429 || !strings.Contains(answer, "Enough") {
		t.Errorf("%d %s", status, answer)
	}
	w.hit("/v1/events", two, key...) // a refused batch has not used up its key
	if b := w.stored(); len(b.Events) != 4 || !reflect.DeepEqual(told, []int{2, 2, 2}) {
		t.Errorf("%d events are stored, admit was told %v", len(b.Events), told)
	}
}
