package apitest_test

import (
	"net/http/httptest"
	"strings"
	"testing"
)

// TestExportEvents asks for the days of two zones: the site's events are at
// 10:00 UTC of 1 and 2 March 2026.
func TestExportEvents(t *testing.T) {
	s := newServer(t, 0)
	for _, c := range []struct {
		query string
		rows  int
	}{
		{"", 6},
		{"&from=2026-03-02", 5},
		{"&to=2026-03-01", 1},
		{"&from=2026-03-03", 0},
		{"&from=2026-03-02&to=2026-03-02&timezone=Pacific/Kiritimati", 1}, // 14 hours ahead: the first of March's 10:00 is the second there
		{"&from=2026-03-02&to=2026-03-02&timezone=Pacific/Niue", 0},
	} {
		w := s.do("GET", "/v1/events/export?format=ndjson&site_id=SITE"+c.query, "")
		if got := strings.Count(w.Body.String(), "\n"); w.Code != 200 || got != c.rows {
			t.Errorf("%s: %d with %d rows, want %d", c.query, w.Code, got, c.rows)
		}
		if strings.Count(w.Body.String(), s.site.PublicID) != strings.Count(w.Body.String(), "\n") {
			t.Errorf("%s: a row without the site's ID: %s", c.query, w.Body)
		}
	}
	for format, begins := range map[string]string{"&format=csv": "\ufeffmoonbear_export,site_id,ts,", "&format=parquet": "PAR1", "": "\ufeffmoonbear_export"} {
		w := s.do("GET", "/v1/events/export?site_id=SITE"+format, "")
		if w.Code != 200 || !strings.HasPrefix(w.Body.String(), begins) || !strings.Contains(w.Header().Get("Content-Disposition"), "shop.com-events.") {
			t.Errorf("%q: %d %v %.40q", format, w.Code, w.Header(), w.Body)
		}
	}
	r := httptest.NewRequest("HEAD", "/v1/events/export?site_id="+s.site.PublicID, nil)
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	if w.Code != 200 || w.Body.Len() > 0 || w.Header().Get("Content-Disposition") == "" {
		t.Errorf("HEAD: %d %v, %d bytes", w.Code, w.Header(), w.Body.Len())
	}
}
