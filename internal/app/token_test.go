package app

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestMakeToken makes tokens beside a running server, which must know them at
// once, and without one.
func TestMakeToken(t *testing.T) {
	cfg := testConfig(t, t.TempDir())
	made, err := Setup(t.Context(), cfg, SetupRequest{Email: "owner@shop.test", Password: "a long enough password", Domain: "shop.test"})
	if err != nil {
		t.Fatal(err)
	}
	request := TokenRequest{Email: "Owner@Shop.test", Name: "Deploy", Scopes: []string{"manage_sites", " read_stats"}}
	stopped, err := MakeToken(t.Context(), cfg, request)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(stopped.Scopes, []string{"read_stats", "manage_sites"}) {
		t.Errorf("got the scopes %q", stopped.Scopes)
	}
	r := start(t, cfg, ServeOptions{})
	request.Sites = []string{made.SiteID}
	running, err := MakeToken(t.Context(), cfg, request)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, token string
		status      int
	}{
		{"the first token lacks the scope", made.Token, http.StatusForbidden},
		{"made before the start", stopped.Token, http.StatusCreated},
		{"of one site only", running.Token, http.StatusForbidden},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.url+"/v1/sites", strings.NewReader(`{"domain":"second.test"}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+c.token)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if res.Body.Close(); res.StatusCode != c.status {
			t.Errorf("%s: adding a site was answered %d, want %d", c.name, res.StatusCode, c.status)
		}
	}
	for _, c := range []struct {
		change func(*TokenRequest)
		says   string
	}{
		{func(r *TokenRequest) { r.Email = "nobody@shop.test" }, "Nobody signs in"},
		{func(r *TokenRequest) { r.Email = "nobody" }, "email"},
		{func(r *TokenRequest) { r.Name = " " }, "name"},
		{func(r *TokenRequest) { r.Scopes = []string{"read"} }, `"read" is not a scope: use read_stats`},
		{func(r *TokenRequest) { r.Scopes = nil }, "at least one scope"},
		{func(r *TokenRequest) { r.Sites = []string{"made-up"} }, `no site "made-up"`},
	} {
		bad := request
		c.change(&bad)
		if got, err := MakeToken(t.Context(), cfg, bad); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: got %+v, %v; want an error that says %q", bad, got, err, c.says)
		}
	}
}
