package app

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/api/apitest"
	"moonbear/internal/apidoc"
	"moonbear/internal/event"
	. "moonbear/internal/event/eventtest"
	"moonbear/internal/site"
)

var update = flag.Bool("update", false, "write the answers of the API's examples anew")

// shopVisits are two weeks of March 2026 on the site of the examples.
func shopVisits(id int64) (visits [][]event.Event) {
	paths := []string{"/", "/pricing", "/docs", "/blog/moon", "/", "/features"}
	sources := [][2]string{{"", ""}, {"Google", "Organic Search"}, {"", ""}, {"newsletter", "Email"}, {"GitHub", "Referral"}}
	countries := []string{"DE", "DE", "AT", "FR", "KR", "US", "DE"}
	for day := 2; day <= 15; day++ {
		for i := range 20 + day*7%13 {
			steps := []Step{OnSite(id), At(time.Date(2026, 3, day, 6+i%16, i, 0, 0, time.UTC)),
				With(func(e *event.Event) { e.Country = countries[(i+day)%7] }),
				From(sources[(i*3+day)%5][0], sources[(i*3+day)%5][1]),
				View(paths[(i+day)%6]), Measure(event.PageLoad, int64(700+i*37%900))}
			if i%3 != 0 {
				steps = append(steps, After(40*time.Second), View("/pricing"))
			}
			if i%6 == 1 {
				steps = append(steps, After(time.Minute), Custom("signup", "plan", []string{"pro", "free"}[i%4/2]))
			}
			if i%9 == 4 {
				steps = append(steps, After(time.Minute), Paid("order", int64(19_900+1000*(i%5)), "EUR"))
			}
			visits = append(visits, Visit(steps...))
		}
	}
	return visits
}

// exampleServer is a server with the examples' site, and a token for all of it.
func exampleServer(t *testing.T) (s *running, bearer string) {
	t.Helper()
	ctx := t.Context()
	cfg := testConfig(t, t.TempDir())
	made, err := Setup(ctx, cfg, SetupRequest{Email: "owner@shop.example", Password: "a long enough password", Domain: "shop.example", TimeZone: "Europe/Berlin"})
	if err != nil {
		t.Fatal(err)
	}
	off, err := open(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	st, err := off.control.sites.Update(ctx, made.SiteID, site.Change{Currency: new("EUR")})
	must(err)
	for _, g := range []site.Goal{
		{Name: "Order", Rule: site.Rule{Event: "order"}},
		{Name: "Signup", Rule: site.Rule{Event: "signup"}, Value: 5_000},
	} {
		g.Site = st.ID
		_, err := off.control.sites.AddGoal(ctx, g)
		must(err)
	}
	must(off.store.Append(ctx, Batch("examples", 0, Events(shopVisits(st.ID)...))))
	for _, q := range []string{
		"update sites set public_id = '" + apidoc.ExampleSite + "'",
		"update goals set public_id = case name when 'Order' then 'o5VbT1nXc8K' else 'u2MdJ6yLw3P' end",
	} {
		_, err := off.control.db.Bun().NewRaw(q).Exec(ctx)
		must(err)
	}
	bearer, _, err = off.control.accounts.CreateToken(ctx, account.NewToken{Account: st.Account, Name: "examples", Scopes: account.Scopes()})
	must(err)
	must(off.close())
	return start(t, cfg, ServeOptions{}), bearer
}

// Of each run anew: made IDs and the clock.
var (
	madeID  = regexp.MustCompile(`"id":"([0-9A-Za-z]{11})"`)
	stamped = map[*regexp.Regexp]string{
		regexp.MustCompile(`"created_at":"[^"]+Z"`):   `"created_at":"2026-03-01T09:30:00Z"`,
		regexp.MustCompile(`"destroyed_at":"[^"]+Z"`): `"destroyed_at":"2026-03-19T09:30:00Z"`,
	}
	// documented are the IDs that the document has for what its examples make.
	documented = map[string]string{"createSite": "b2NfY7sKq4W", "createGoal": apidoc.ExampleGoal}
)

// TestExamples sends every example of the API's document to a real server, in
// order: request and answer must be what the document says, to the number.
func TestExamples(t *testing.T) {
	s, bearer := exampleServer(t)
	actual := map[string]string{} // documented ID → the one made here
	for _, g := range apidoc.Reference() {
		for _, o := range g.Operations {
			for _, e := range o.Examples {
				path := e.Path
				for doc, id := range actual {
					path = strings.ReplaceAll(path, doc, id)
				}
				status, header, body := s.example(&o, e, path, bearer)
				if status != e.Status {
					t.Fatalf("%s: %d %s, want %d", o.Summary, status, body, e.Status)
				}
				apitest.Request(t, o.Method, path, http.Header{"Authorization": {"Bearer x"}}, e.Body)
				apitest.Response(t, o.Method, path, status, header, body)
				if len(body) == 0 || o.ID == "getDocument" || len(o.Files) > 0 {
					continue
				}
				if doc := documented[o.ID]; doc != "" {
					actual[doc] = string(madeID.FindSubmatch(body)[1])
				}
				got := string(body)
				for doc, id := range actual {
					got = strings.ReplaceAll(got, id, doc)
				}
				for what, as := range stamped {
					got = what.ReplaceAllString(got, as)
				}
				var pretty bytes.Buffer
				if err := json.Indent(&pretty, []byte(strings.TrimSpace(got)), "", "  "); err != nil {
					t.Fatal(err)
				}
				if *update {
					if err := os.WriteFile("../apidoc/examples/"+e.AnswerFile(), append(pretty.Bytes(), '\n'), 0o644); err != nil {
						t.Fatal(err)
					}
				} else if pretty.String() != e.Answer {
					t.Errorf("%s: %s\n got %s\nwant %s", o.Summary, e.Title, pretty.String(), e.Answer)
				}
			}
		}
	}
}

func (r *running) example(o *apidoc.Operation, e apidoc.Example, path, bearer string) (int, http.Header, []byte) {
	r.t.Helper()
	req, err := http.NewRequest(o.Method, r.url+path, strings.NewReader(e.Body))
	if err != nil {
		r.t.Fatal(err)
	}
	if o.Scope != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	if name, value, ok := strings.Cut(e.Header, ": "); ok {
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	if limit := res.Header.Get("X-RateLimit-Limit"); (limit != "") != (o.Scope != "") {
		r.t.Errorf("%s: X-RateLimit-Limit is %q", o.Summary, limit)
	}
	return res.StatusCode, res.Header, body
}
