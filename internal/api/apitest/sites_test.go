package apitest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"moonbear/internal/account"
	"moonbear/internal/api"
	"moonbear/internal/apidoc"
)

// ask sends a request that must be answered with a status, and reads the answer.
func (s *server) ask(status int, method, path, body string) (answer map[string]any, w *httptest.ResponseRecorder) {
	s.t.Helper()
	w = s.do(method, path, body)
	if w.Code != status {
		s.t.Fatalf("%s %s %s: %d %s, want %d", method, path, body, w.Code, w.Body, status)
	}
	if w.Body.Len() > 0 {
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil {
			s.t.Fatal(err)
		}
	}
	return answer, w
}

// refused sends a request that must be answered with a fault.
func (s *server) refused(status int, says, method, path, body string) {
	s.t.Helper()
	if w := s.do(method, path, body); w.Code != status || !strings.Contains(said(w), says) {
		s.t.Errorf("%s %s %s: %d %s; want %d saying %q", method, path, body, w.Code, said(w), status, says)
	}
}

func TestManageSites(t *testing.T) {
	s := newServer(t, 0)
	made, w := s.ask(201, "POST", "/v1/sites", `{"domain":"https://Blog.com/x","timezone":"Europe/Berlin","currency":"eur","hostnames":["www.blog.com","blog.com"],"keep_fragment":true}`)
	id := made["id"].(string)
	if made["domain"] != "blog.com" || made["timezone"] != "Europe/Berlin" || made["currency"] != "EUR" || made["keep_fragment"] != true ||
		w.Header().Get("Location") != "/v1/sites/"+id {
		t.Errorf("made %v, at %s", made, w.Header().Get("Location"))
	}
	plain, _ := s.ask(201, "POST", "/v1/sites", `{"domain":"plain.com"}`)
	if hosts := plain["hostnames"].([]any); len(hosts) != 1 || hosts[0] != "plain.com" || plain["timezone"] != "UTC" || plain["currency"] != "USD" {
		t.Errorf("made %v", plain)
	}
	if all, _ := s.ask(201, "POST", "/v1/sites", `{"domain":"all.com","hostnames":[]}`); len(all["hostnames"].([]any)) != 0 {
		t.Errorf("made %v", all)
	}
	one := "/v1/sites/" + id
	if same, _ := s.ask(200, "PATCH", one, `{}`); same["currency"] != "EUR" || len(same["hostnames"].([]any)) != 2 {
		t.Errorf("nothing changed it to %v", same)
	}
	changed, _ := s.ask(200, "PATCH", one, `{"domain":"new.com","timezone":"Asia/Seoul","keep_fragment":false,"hostnames":["new.com"]}`)
	if read, _ := s.ask(200, "GET", one, ""); changed["domain"] != "new.com" || read["timezone"] != "Asia/Seoul" || read["keep_fragment"] != false || read["currency"] != "EUR" {
		t.Errorf("changed %v, read %v", changed, read)
	}
	s.refused(409, "domain: domain: Your account already measures", "POST", "/v1/sites", `{"domain":"new.com"}`)
	s.refused(409, "domain: domain: This domain is already measured by another", "PATCH", one, `{"domain":"other.com"}`)
	s.refused(400, "domain: domain is missing", "POST", "/v1/sites", `{}`)
	s.refused(400, "domain: domain must be text", "POST", "/v1/sites", `{"domain":7}`)
	s.refused(400, `hostnames: hostnames: "*.x.com" is not`, "PATCH", one, `{"hostnames":["*.x.com"]}`)
	s.refused(400, "timezone: timezone: \"Mars\" is not a time zone", "PATCH", one, `{"timezone":"Mars"}`)
	s.refused(400, "timezone: timezone must be an IANA name", "PATCH", one, `{"timezone":""}`)
	s.refused(400, "currency: currency must be an ISO 4217", "PATCH", one, `{"currency":" "}`)
	s.refused(400, "keep_fragment: keep_fragment must be true or false", "PATCH", one, `{"keep_fragment":1}`)
	s.refused(400, "did you mean timezone?", "PATCH", one, `{"time_zone":"UTC"}`)
	s.refused(404, "no such site", "PATCH", "/v1/sites/OTHER", `{}`)

	gone, _ := s.ask(200, "DELETE", one, "")
	if gone["id"] != id || gone["destroyed_at"] == nil {
		t.Errorf("deleted: %v", gone)
	}
	s.refused(404, "no such site", "GET", one, "")
	s.refused(404, "no such site", "DELETE", one, "")
	s.refused(404, "no deleted site", "POST", "/v1/sites/SITE/restore", "")
	s.refused(404, "no deleted site", "POST", "/v1/sites/OTHER/restore", "")
	taken, _ := s.ask(201, "POST", "/v1/sites", `{"domain":"new.com"}`)
	s.refused(409, "domain: ", "POST", one+"/restore", "")
	s.ask(200, "PATCH", "/v1/sites/"+taken["id"].(string), `{"domain":"newer.com"}`)
	if back, _ := s.ask(200, "POST", one+"/restore", ""); back["id"] != id || back["domain"] != "new.com" {
		t.Errorf("restored %v", back)
	}
	if err := s.sites.Delete(t.Context(), s.other.PublicID); err != nil {
		t.Fatal(err)
	}
	s.refused(404, "no deleted site", "POST", "/v1/sites/OTHER/restore", "")
}

func TestTokenOfOneSiteManages(t *testing.T) {
	s := newServer(t, 0)
	second, _ := s.ask(201, "POST", "/v1/sites", `{"domain":"second.com"}`)
	s.token.Sites = []int64{s.site.ID}
	s.refused(403, "for some sites only", "POST", "/v1/sites", `{"domain":"third.com"}`)
	for method, path := range map[string]string{"GET": "", "PATCH": "", "DELETE": "", "POST": "/goals"} {
		s.refused(404, "no such site", method, "/v1/sites/"+second["id"].(string)+path, "{}")
	}
	s.ask(200, "PATCH", "/v1/sites/SITE", `{"currency":"KRW"}`)
	s.ask(200, "DELETE", "/v1/sites/SITE", "")
	s.ask(200, "POST", "/v1/sites/SITE/restore", "")
}

func TestGoals(t *testing.T) {
	s := newServer(t, 0)
	const all = "/v1/sites/SITE/goals"
	bought, w := s.ask(201, "POST", all, `{"name":" Bought ","event":"buy","value":12.345}`)
	one := all + "/" + bought["id"].(string)
	if bought["name"] != "Bought" || bought["event"] != "buy" || bought["path"] != nil || bought["value"] != 12.345 || len(bought["properties"].([]any)) != 0 ||
		!strings.HasSuffix(w.Header().Get("Location"), "/goals/"+bought["id"].(string)) {
		t.Errorf("made %v", bought)
	}
	pro, _ := s.ask(201, "POST", all, `{"name":"a pro","event":"signup","properties":[{"key":"plan","operator":"eq","value":"pro"},{"key":"seats","operator":"gt","value":9.5},{"key":"trial","operator":"is_set"},{"key":"beta","operator":"eq","value":true}]}`)
	if p := pro["properties"].([]any); len(p) != 4 || p[1].(map[string]any)["value"] != "9.5" || p[2].(map[string]any)["value"] != nil || p[3].(map[string]any)["value"] != "true" {
		t.Errorf("made %v", pro)
	}
	list, _ := s.ask(200, "GET", all+"?page_size=5", "")
	if data := list["data"].([]any); list["result_count"] != 2.0 || list["page_count"] != 1.0 || len(data) != 2 || data[0].(map[string]any)["name"] != "a pro" {
		t.Errorf("listed %v", list)
	}
	if beyond, _ := s.ask(200, "GET", all+"?page=1000000&page_size=250", ""); len(beyond["data"].([]any)) != 0 {
		t.Errorf("listed %v", beyond)
	}
	if path, _ := s.ask(200, "PATCH", all+"/"+pro["id"].(string), `{"path":"/docs"}`); path["event"] != nil || path["path"] != "/docs" || len(path["properties"].([]any)) != 0 {
		t.Errorf("a path takes an event's place: %v", path)
	}
	if event, _ := s.ask(200, "PATCH", all+"/"+pro["id"].(string), `{"event":"signup","value":1000000000000}`); event["path"] != nil || event["event"] != "signup" || event["value"] != 1e12 {
		t.Errorf("an event takes a path's place: %v", event)
	}
	if same, _ := s.ask(200, "GET", one, ""); same["name"] != "Bought" || same["value"] != 12.345 {
		t.Errorf("read %v", same)
	}
	for _, c := range []struct {
		status             int
		says, method, path string
		body               string
	}{
		{400, "name: name is missing", "POST", all, `{"path":"/"}`},
		{400, "name: name: Give the goal a name", "POST", all, `{"name":"","path":"/"}`},
		{400, "path: path: Say what meets the goal", "POST", all, `{"name":"x"}`},
		{400, "event: event: A goal is met by", "POST", all, `{"name":"x","path":"/","event":"e"}`},
		{400, "path: path: Say what meets the goal", "PATCH", one, `{"path":""}`},
		{400, "event: event: A goal is met by", "PATCH", one, `{"path":"/","event":"e"}`},
		{400, "value: value must be a number from 0", "POST", all, `{"name":"x","path":"/","value":"5"}`},
		{400, "value: value must be a number from 0", "POST", all, `{"name":"x","path":"/","value":1.2345}`},
		{400, "value: value must be a number from 0", "POST", all, `{"name":"x","path":"/","value":-1}`},
		{400, "value: value must be a number from 0", "POST", all, `{"name":"x","path":"/","value":1e999999999}`},
		{400, "value: value must be a number from 0", "POST", all, `{"name":"x","path":"/","value":1e-999999999}`},
		{400, "value: value must be a number from 0", "POST", all, `{"name":"x","path":"/","value":1000000000000.001}`},
		{400, "properties: properties must be a list", "POST", all, `{"name":"x","event":"e","properties":{}}`},
		{400, "properties[0]: properties[0]: The body must be one JSON object", "POST", all, `{"name":"x","event":"e","properties":["plan"]}`},
		{400, "properties[1].op: properties[1]: There is no field \"op\"", "POST", all, `{"name":"x","event":"e","properties":[{"key":"a","operator":"is_set"},{"key":"a","op":"eq"}]}`},
		{400, "properties[0].operator: properties[0]: operator is missing", "POST", all, `{"name":"x","event":"e","properties":[{"key":"a"}]}`},
		{400, "properties[0].value: properties[0]: value must be text, a number", "POST", all, `{"name":"x","event":"e","properties":[{"key":"a","operator":"eq","value":[]}]}`},
		{400, "properties: properties: Only events have properties", "POST", all, `{"name":"x","path":"/","properties":[{"key":"a","operator":"is_set"}]}`},
		{400, "did you mean event?", "POST", all, `{"name":"x","events":"e"}`},
		{409, "name: name: This site already has a goal", "POST", all, `{"name":"BOUGHT","path":"/"}`},
		{409, "name: name: This site already has a goal", "PATCH", one, `{"name":"A PRO"}`},
		{400, "did you mean page?", "GET", all + "?pages=1", ""},
		{404, "no such goal", "GET", all + "/nope", ""},
		{404, "no such goal", "PATCH", all + "/nope", "{}"},
		{404, "no such goal", "DELETE", all + "/nope", ""},
		{404, "no such site", "GET", "/v1/sites/OTHER/goals", ""},
		{404, "no such site", "POST", "/v1/sites/OTHER/goals", `{"name":"x","path":"/"}`},
	} {
		s.refused(c.status, c.says, c.method, c.path, c.body)
	}

	// Two buys of the visit from Google, one of them in another currency and
	// so without money in the site's own.
	w = s.do("POST", "/v1/stats/breakdown", `{"site_id":"SITE","aggregate":["conversions","conversion_rate"],"group_by":["goal"],"period":"24h"}`)
	if got, want := w.Body.String(), `"data":[{"goal":"Bought","conversions":2,"conversion_rate":50}]`; !strings.Contains(got, want) {
		t.Errorf("by goal %s, want %s", got, want)
	}
	w = s.do("POST", "/v1/stats/aggregation", `{"site_id":"SITE","aggregate":["conversions"],"period":"24h","filter":[{"dimension":"goal","operator":"eq","value":"a pro"}]}`)
	if got, want := strings.TrimSpace(w.Body.String()), `{"data":{"conversions":{"value":0}}}`; got != want {
		t.Errorf("of one goal %s, want %s", got, want)
	}
	s.refused(400, "filter: ", "POST", "/v1/stats/aggregation", `{"site_id":"SITE","aggregate":["visits"],"filter":[{"dimension":"goal","operator":"eq","value":"Bougt"}]}`)
	if _, w := s.ask(204, "DELETE", one, ""); w.Body.Len() != 0 {
		t.Errorf("deleted: %s", w.Body)
	}
	s.refused(404, "no such goal", "GET", one, "")
}

func TestEvents(t *testing.T) {
	s := newServer(t, 5)
	two := `{"site_id":"SITE","events":[{"url":"https://shop.com/a"},{"url":"https://shop.com/b","event":"x"}]}`
	got, w := s.ask(202, "POST", "/v1/events", two)
	if h := w.Header(); got["received"] != 2.0 || s.spool.records != 1 || h.Get("X-RateLimit-Limit") != "5" || h.Get("X-RateLimit-Remaining") != "3" {
		t.Errorf("%v, %d records, %v", got, s.spool.records, h)
	}
	// A refused request costs one; what is left is for other events.
	s.refused(400, "visitorid: there is no field \"visitorid\"; did you mean visitor_id?", "POST", "/v1/events", `{"site_id":"SITE","url":"https://shop.com/","visitorid":"u"}`)
	w = s.do("POST", "/v1/events", `[`+strings.Repeat(`{"site_id":"SITE","url":"https://shop.com/"},`, 2)+`{"site_id":"SITE","url":"https://shop.com/"}]`)
	if w.Code != 429 || w.Header().Get("X-RateLimit-Remaining") != "1" || s.spool.records != 1 {
		t.Errorf("three events where two fit: %d %s %v", w.Code, w.Body, w.Header())
	}
	if w := s.do("GET", "/v1/sites/SITE", ""); w.Header().Get("X-RateLimit-Remaining") != "4" {
		t.Errorf("events are counted as requests: %v", w.Header())
	}
	s.refused(400, "plan: there is no field \"plan\". Words of your own go into props.", "POST", "/v1/events", `{"site_id":"SITE","url":"https://shop.com/","plan":"pro"}`)
}

// Every field of an event in the document is taken.
func TestEveryEventField(t *testing.T) {
	s := newServer(t, 0)
	o, err := apidoc.Find("POST /v1/events")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range o.Body {
		value := map[string]string{"pid": `"SITE"`, "site": `"SITE"`, "site_id": `"SITE"`, "url": `"https://shop.com/"`, "timestamp": "null",
			"override_ip": `"203.0.113.7"`, "override_country_code": `"DE"`, "props": "{}", "interactive": "true", "include_url_fragment": "true",
			"currency": `"EUR"`, "visitor_id": `"u"`}[f.Name]
		if value == "" {
			value = map[bool]string{true: "1", false: `"x"`}[f.Type == "number"]
		}
		event := map[string]json.RawMessage{"site_id": json.RawMessage(`"SITE"`), "url": json.RawMessage(`"https://shop.com/"`), "visitor_id": json.RawMessage(`"u"`)}
		event[f.Name] = json.RawMessage(value)
		body, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		s.ask(202, "POST", "/v1/events", string(body))
	}
}

// TestRoutesAreDescribed: each route is in the document, and no other is.
func TestRoutesAreDescribed(t *testing.T) {
	var routes, described []string
	for _, r := range api.New(api.Options{}).Routes() {
		routes = append(routes, r.Pattern+" "+string(r.Scope))
	}
	for _, g := range apidoc.Reference() {
		for _, o := range g.Operations {
			described = append(described, o.Method+" "+o.Path+" "+string(o.Scope))
		}
	}
	slices.Sort(routes)
	slices.Sort(described)
	if !slices.Equal(routes, described) {
		t.Errorf("routes\n%s\ndescribed\n%s", strings.Join(routes, "\n"), strings.Join(described, "\n"))
	}
}

func TestOpenAPI(t *testing.T) {
	s := newServer(t, 0)
	s.token = account.Token{}
	_, w := s.ask(200, "GET", "/v1/openapi.json", "")
	h := w.Header()
	if h.Get("ETag") == "" || h.Get("X-RateLimit-Limit") != "" || h.Get("Access-Control-Allow-Origin") != "*" || w.Body.String() != string(apidoc.Document()) {
		t.Errorf("%v", h)
	}
	r := httptest.NewRequest("GET", "/v1/openapi.json", nil)
	r.Header.Set("If-None-Match", h.Get("ETag"))
	again := httptest.NewRecorder()
	if s.mux.ServeHTTP(again, r); again.Code != http.StatusNotModified || again.Body.Len() != 0 {
		t.Errorf("with its ETag: %d with %d bytes", again.Code, again.Body.Len())
	}
}
