package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
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

// A list of more than searchable sites can be searched; sitesPage is how many
// are on one page.
const (
	searchable = 12
	sitesPage  = 50
)

func (s *Server) showSites(w http.ResponseWriter, r *http.Request, v *viewer, status int, list html.Sites) error {
	sites, err := s.sitesOf(r.Context(), v)
	if err != nil {
		return err
	}
	in := r.URL.Query()
	list.Page, list.Zones, list.Search = s.page(r, v, v.Text.SitesTitle), commonZones(), strings.TrimSpace(in.Get("q"))
	list.Asked = len(sites) > searchable || list.Search != ""
	var found []*site.Site
	for i := range sites {
		if strings.Contains(site.DisplayHost(sites[i].Domain), strings.ToLower(list.Search)) {
			found = append(found, &sites[i])
		}
	}
	slices.SortStableFunc(found, func(a, b *site.Site) int {
		return strings.Compare(site.DisplayHost(a.Domain), site.DisplayHost(b.Domain))
	})
	numbers, err := s.o.Stats.VisitorsBySite(r.Context(), found, stats.Period{Name: "4w"})
	if err != nil { // the list is worth showing without numbers
		s.problemOf(r.Context(), nil, "GET /sites", err)
	}
	first, last := pageOf(in.Get("page"), len(found), sitesPage)
	for _, st := range found[first:last] {
		list.Rows = append(list.Rows, siteRow(v.Text, st, numbers))
	}
	if len(found) > 1 && numbers != nil {
		list.All = allSites(v.Text, numbers)
	}
	link := func(page int) string {
		return "/sites?" + url.Values{"q": {list.Search}, "page": {strconv.Itoa(page)}}.Encode()
	}
	if first > 0 {
		list.Previous = link(first / sitesPage)
	}
	if last < len(found) {
		list.Next = link(first/sitesPage + 2)
	}
	list.Range = fmt.Sprintf(v.Text.RowsOf, v.Text.Exact(float64(first+1)), v.Text.Exact(float64(last)), v.Text.Exact(float64(len(found))))
	return s.render(w, r, status, html.SitesPage(list))
}

// pageOf are the first and the end of a page's rows; a page there isn't is the first.
func pageOf(page string, n, size int) (first, last int) {
	number, err := strconv.Atoi(page)
	if err != nil || number < 1 || number > (n+size-1)/size {
		number = 1
	}
	return (number - 1) * size, min(number*size, n)
}

func siteRow(t *html.Text, st *site.Site, numbers map[int64]stats.SiteVisitors) html.SiteRow {
	row := html.SiteRow{Domain: site.DisplayHost(st.Domain), URL: sitePath(st), StartURL: sitePath(st) + "/start", LiveURL: sitePath(st) + "/live"}
	if n, ok := numbers[st.ID]; ok {
		fillSite(t, &row, n)
	}
	return row
}

func fillSite(t *html.Text, row *html.SiteRow, n stats.SiteVisitors) {
	row.Known = true
	if n.Online > 0 {
		row.Now = t.Exact(float64(n.Online))
	}
	if n.Visitors.N == 0 {
		return
	}
	row.Visitors, row.Exact = t.Value(n.Visitors.N, html.Count), t.Exact(n.Visitors.N)
	row.Change, row.Trend = t.Change(n.Visitors.N, n.Visitors.Previous.N, html.Count, false)
	row.Spark = &html.Spark{Line: sparkLine(n.Days), Label: fmt.Sprintf(t.Count.SitesDays, row.Exact)}
}

// allSites adds the sites up. Nobody is known on two of them, so visitors are
// a sum.
func allSites(t *html.Text, numbers map[int64]stats.SiteVisitors) *html.SiteRow {
	var all stats.SiteVisitors
	for _, n := range numbers {
		all.Visitors.N += n.Visitors.N
		all.Visitors.Previous.N += n.Visitors.Previous.N
		all.Online += n.Online
		for i, d := range n.Days {
			if i >= len(all.Days) {
				all.Days = append(all.Days, 0)
			}
			all.Days[i] += d
		}
	}
	row := &html.SiteRow{Domain: fmt.Sprintf(t.Count.SitesAll, t.Exact(float64(len(numbers))))}
	fillSite(t, row, all)
	return row
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
