package web

import (
	"context"
	"net/http"
	"strings"

	"moonbear/internal/account"
	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// sitePath is where a site's pages begin.
func sitePath(st *site.Site) string { return "/sites/" + st.PublicID }

// sitesOf are the sites a viewer may see.
func (s *Server) sitesOf(ctx context.Context, v *viewer) ([]site.Site, error) {
	as, err := s.o.Accounts.Accounts(ctx, v.User.ID)
	if err != nil || len(as) == 0 {
		return nil, err
	}
	ids := make([]int64, len(as))
	for i, a := range as {
		ids[i] = a.ID
	}
	return s.o.Sites.ForAccounts(ctx, ids)
}

// siteList shows the viewer's sites: GET /sites
func (s *Server) siteList(w http.ResponseWriter, r *http.Request, v *viewer) error {
	return s.showSites(w, r, v, http.StatusOK, html.Sites{TimeZone: html.Field{Value: site.DefaultTimeZone}})
}

// sparked is how many sites of a list have their week drawn: each is a query.
const sparked = 24

func (s *Server) showSites(w http.ResponseWriter, r *http.Request, v *viewer, status int, list html.Sites) error {
	sites, err := s.sitesOf(r.Context(), v)
	if err != nil {
		return err
	}
	list.Page, list.Zones = s.page(r, v, v.Text.SitesTitle), commonZones()
	for i := range sites {
		st := &sites[i]
		row := html.SiteRow{Domain: site.DisplayHost(st.Domain), URL: sitePath(st), StartURL: sitePath(st) + "/start"}
		if i < sparked {
			s.sparkle(r.Context(), v.Text, st, &row)
		}
		list.Rows = append(list.Rows, row)
	}
	return s.render(w, r, status, html.SitesPage(list))
}

// sparkle adds a site's week. The list is worth showing without it, so an
// error is logged and the week left out.
func (s *Server) sparkle(ctx context.Context, t *html.Text, st *site.Site, row *html.SiteRow) {
	q := stats.Query{Site: st, Period: stats.Period{Name: "7d"}}
	res, err := s.o.Stats.Run(ctx, q.Series(stats.Visitors))
	if err != nil {
		s.problemOf(ctx, nil, "GET /sites", err)
		return
	}
	var points []float64
	sum := 0.0
	for _, p := range res.Points {
		n := p.Value(stats.Visitors).N
		points = append(points, n)
		sum += n
	}
	if len(points) == 0 || sum == 0 {
		return
	}
	row.Visitors = t.Value(points[len(points)-1], html.Count)
	row.Spark = &html.Spark{Line: sparkLine(points), Label: t.Periods["7d"] + ": " + t.Exact(sum) + " " + t.Metric(string(stats.Visitors)).Name}
}

// addSite makes a site in the viewer's first account that lets them:
// POST /sites
func (s *Server) addSite(w http.ResponseWriter, r *http.Request, v *viewer) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	as, err := s.o.Accounts.Accounts(r.Context(), v.User.ID)
	if err != nil {
		return err
	}
	owner := int64(0)
	for _, a := range as {
		if a.Role.AtLeast(account.Admin) {
			owner = a.ID
			break
		}
	}
	if owner == 0 {
		return errRole
	}
	list := html.Sites{Adding: true, Domain: html.Field{Value: r.PostForm.Get("domain")}, TimeZone: html.Field{Value: strings.TrimSpace(r.PostForm.Get("time_zone"))}}
	st, err := s.o.Sites.Create(r.Context(), site.NewSite{Account: owner, Domain: list.Domain.Value, TimeZone: list.TimeZone.Value})
	if err == nil {
		return seeOther(w, r, sitePath(&st)+"/start")
	}
	status, err := formProblem(v.Text, err, map[string]*html.Field{"domain": &list.Domain, "timezone": &list.TimeZone}, &list.Problem)
	if err != nil {
		return err
	}
	return s.showSites(w, r, v, status, list)
}

// allowHostname adds a hostname to a site's list: POST /sites/{site}/hostnames
func (s *Server) allowHostname(w http.ResponseWriter, r *http.Request, v *viewer) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	if err := s.o.Sites.AllowHostname(r.Context(), v.Site.PublicID, r.PostForm.Get("hostname")); err != nil {
		return err
	}
	return seeOther(w, r, localPath(r.PostForm.Get("return"), sitePath(v.Site)))
}
