package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/event"
	"moonbear/internal/transfer"
)

// imported makes an import as one that ran would be kept, with two events and,
// when counted, a day that is a count.
func (w *world) imported(st int64, name string, counted bool) int64 {
	w.t.Helper()
	var id int64
	err := w.db.Bun().NewRaw(`insert into imports (site_id, head_hash, head_bytes, name, format, state, progress, lines, stored, visits, visitors, first_day, last_day, started_at)
		values (?, ?, 1, ?, 'combined', 'done', ?, 10, 2, 1, 1, '2015-05-17', '2015-05-20', current_timestamp) returning id`, st, []byte{0}, name,
		`{"marks":[{"position":2,"items":10,"counts":{"lines":10,"stored":2,"first":"2015-05-17","last":"2015-05-20","dropped":[{"reason":"asset","lines":5,"first":1},{"reason":"bot","detail":"Bear","lines":3,"first":2}]}}]}`).Scan(w.t.Context(), &id)
	if err != nil {
		w.t.Fatal(err)
	}
	at := time.Date(2015, 5, 17, 12, 0, 0, 0, time.UTC).UnixMilli()
	b := &event.Batch{Spool: "import-" + strconv.FormatInt(id, 10), From: 0, To: 2, Events: []event.Event{
		{Site: st, Import: id, Time: at, Name: event.Pageview, Path: "/a", Entry: event.Entry{VisitStart: at}},
		{Site: st, Import: id, Time: at + 1, Name: event.Pageview, Path: "/b", Entry: event.Entry{VisitStart: at}},
	}}
	if counted {
		b.Days = []event.DayCount{{Site: st, Import: id, Day: at - at%86_400_000, Sums: event.Sums{Visitors: 1}}}
	}
	if err := w.store.Append(w.t.Context(), b); err != nil {
		w.t.Fatal(err)
	}
	return id
}

// TestTransfer exports by the page's own form, in the site's zone, and takes an
// import back.
func TestTransfer(t *testing.T) {
	w := newWorld(t, base)
	owner := w.claim("owner@example.com", "example.com", "Asia/Seoul")
	viewer := w.join("viewer@example.com", owner.site.Account, account.Viewer)
	seoul := owner.site.Location
	var events []event.Event
	for i, at := range []time.Time{time.Date(2026, 3, 1, 23, 59, 59, 0, seoul), time.Date(2026, 3, 2, 0, 0, 0, 0, seoul), time.Date(2026, 3, 3, 0, 0, 0, 0, seoul)} {
		events = append(events, view(owner.site, at, "/"+strconv.Itoa(i), 7))
	}
	w.put(events, nil)
	id := w.imported(owner.site.ID, "access.log", true)
	home := sitePath(owner.site) + "/transfer"
	for _, p := range []*person{owner, viewer} {
		res := p.get(home + "/events?from=2026-03-02&to=2026-03-02&format=ndjson")
		if n := strings.Count(res.Body.String(), "\n"); res.Code != 200 || n != 1 || !strings.Contains(res.Body.String(), `"path":"/1"`) {
			t.Errorf("one day: %d, %d rows: %s", res.Code, n, res.Body)
		}
		page := p.get(home + "?from=2026-03-01&to=2026-03-02").Body.String()
		for _, says := range []string{"2 events, roughly", "moonbear import --site " + owner.site.PublicID, "access.log", "2 of 10 rows stored", "8 rows not taken", "Of the imports, 1 brought counts", "2015-05-17 to 2015-05-20"} {
			if !strings.Contains(page, says) {
				t.Errorf("the page doesn't say %q", says)
			}
		}
		if has := strings.Contains(page, `data-test="undo"`); has != (p == owner) {
			t.Errorf("taking back is offered: %v, to the owner: %v", has, p == owner)
		}
	}
	for path, says := range map[string]string{
		"/events?from=2026-03-02&to=2026-03-01": "The last day is before the first", "?from=yesterday": "from must be a date", "/events?format=xlsx": "csv, ndjson or parquet",
	} {
		if res := owner.get(home + path); res.Code != http.StatusBadRequest || !strings.Contains(res.Body.String(), says) || res.Header().Get("Content-Disposition") != "" {
			t.Errorf("%s: %d, without %q", path, res.Code, says)
		}
	}
	undo := home + "/imports/" + strconv.FormatInt(id, 10) + "/undo"
	other := w.addSite(owner, "other.example")
	if res := owner.post(sitePath(other)+"/transfer/imports/"+strconv.FormatInt(id, 10)+"/undo", url.Values{}); res.Code != http.StatusNotFound {
		t.Errorf("another site's import: %d", res.Code)
	}
	if res := owner.post(undo, url.Values{}); res.Code != 200 || !strings.Contains(res.Body.String(), "was taken back") || strings.Contains(res.Body.String(), `data-test="undo"`) {
		t.Errorf("taking it back: %d %s", res.Code, res.Body)
	}
	if left := owner.get(home + "/events?format=ndjson").Body.String(); strings.Count(left, "\n") != len(events) {
		t.Errorf("afterwards there are %d events, want %d", strings.Count(left, "\n"), len(events))
	}
	if all, err := transfer.New(transfer.Options{DB: w.db, Store: w.store}).Imports(t.Context(), owner.site.ID); err != nil || len(all) != 1 || all[0].State != transfer.Undone {
		t.Errorf("the import is %+v, %v", all, err)
	}
}
