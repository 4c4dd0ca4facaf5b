package api

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/fault"
	"moonbear/internal/site"
)

// siteList lists the sites a token is for: GET /v1/sites?search=shop&page=2&page_size=50
func (a *API) siteList(w http.ResponseWriter, r *http.Request, t account.Token) error {
	q, err := readSiteQuery(r.URL.RawQuery)
	if err != nil {
		return err
	}
	if len(t.Sites) > 0 {
		q.Only = t.Sites
	}
	l, err := a.o.Sites.List(r.Context(), t.Account, q)
	if err != nil {
		return err
	}
	data := make([]object, len(l.Sites))
	for i := range l.Sites {
		data[i] = siteObject(&l.Sites[i])
	}
	return answer(w, page(l.Page, l.PageSize, l.PageCount, l.ResultCount, data))
}

// siteOne tells about one site: GET /v1/sites/{id}
func (a *API) siteOne(w http.ResponseWriter, r *http.Request, t account.Token) error {
	st, err := a.siteFor(r.Context(), t, r.PathValue("id"))
	if err != nil {
		return err
	}
	return answer(w, siteObject(st))
}

func siteObject(s *site.Site) object {
	hostnames := s.Hostnames
	if hostnames == nil {
		hostnames = []string{}
	}
	return object{
		{"id", s.PublicID},
		{"domain", s.Domain},
		{"timezone", s.TimeZone},
		{"currency", s.Currency},
		{"hostnames", hostnames},
		{"keep_fragment", s.KeepFragment},
		{"created_at", s.CreatedAt.UTC().Format(time.RFC3339)},
	}
}

// readSiteQuery is as strict as readBody: a misspelt parameter is an error.
func readSiteQuery(raw string) (site.ListQuery, error) {
	v, err := url.ParseQuery(raw)
	if err != nil {
		return site.ListQuery{}, fault.New(fault.Invalid, "The URL's parameters can't be read: "+clip(err.Error())+".")
	}
	known := []string{"search", "page", "page_size"}
	for name := range v {
		if !slices.Contains(known, name) {
			return site.ListQuery{}, unknownField(name, known)
		}
		if len(v[name]) > 1 {
			return site.ListQuery{}, fault.Field(name, name+" is given twice.")
		}
	}
	q := site.ListQuery{Search: v.Get("search"), Page: 1, PageSize: defaultPageSize}
	for _, p := range []struct {
		name     string
		into     *int
		min, max int
	}{{"page", &q.Page, 1, maxPage}, {"page_size", &q.PageSize, minPageSize, maxPageSize}} {
		text := v.Get(p.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < p.min || n > p.max {
			return site.ListQuery{}, fault.Field(p.name, fmt.Sprintf("%s must be a whole number from %d to %d.", p.name, p.min, p.max))
		}
		*p.into = n
	}
	return q, nil
}
