package api

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
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

var (
	siteFields  = []string{"domain", "timezone", "currency", "hostnames", "keep_fragment"}
	siteNames   = map[string]string{"hostname": "hostnames"} // what the API calls a fault's field
	errSomeOnly = fault.New(fault.Forbidden, "This token is for some sites only, so it can't create one: it would not see it. Use a token for all sites of the account.")
)

// createSite adds a site to the token's account: POST /v1/sites
func (a *API) createSite(w http.ResponseWriter, r *http.Request, t account.Token) error {
	if len(t.Sites) > 0 {
		return errSomeOnly
	}
	b, err := readBody(w, r, siteFields)
	if err != nil {
		return err
	}
	n := site.NewSite{Account: t.Account, Domain: b.text("domain"), TimeZone: b.text("timezone"), Currency: b.text("currency")}
	if hosts, given := b.list("hostnames"); given {
		n.Hostnames = hosts
	}
	if keep := b.yesNo("keep_fragment"); keep != nil {
		n.KeepFragment = *keep
	}
	if b.err == nil && n.Domain == "" {
		b.fail("domain", "is missing: the site's domain, like shop.com.")
	}
	if b.err != nil {
		return b.err
	}
	st, err := a.o.Sites.Create(r.Context(), n)
	if err != nil {
		return called(err, siteNames)
	}
	w.Header().Set("Location", "/v1/sites/"+st.PublicID)
	return answerWith(w, http.StatusCreated, siteObject(&st))
}

// updateSite changes what is sent: PATCH /v1/sites/{id}
func (a *API) updateSite(w http.ResponseWriter, r *http.Request, t account.Token) error {
	st, err := a.siteFor(r.Context(), t, r.PathValue("id"))
	if err != nil {
		return err
	}
	b, err := readBody(w, r, siteFields)
	if err != nil {
		return err
	}
	c := site.Change{Domain: b.optional("domain"), TimeZone: b.optional("timezone"), Currency: b.optional("currency"), KeepFragment: b.yesNo("keep_fragment")}
	if hosts, given := b.list("hostnames"); given {
		c.Hostnames = &hosts
	}
	// To the service "" is the default; here it would quietly move every day
	// of a site, or count another money.
	if c.TimeZone != nil && strings.TrimSpace(*c.TimeZone) == "" {
		b.fail("timezone", "must be an IANA name such as Europe/Berlin or Asia/Seoul, not empty.")
	}
	if c.Currency != nil && strings.TrimSpace(*c.Currency) == "" {
		b.fail("currency", "must be an ISO 4217 code such as EUR or KRW, not empty.")
	}
	if b.err != nil {
		return b.err
	}
	changed, err := a.o.Sites.Update(r.Context(), st.PublicID, c)
	if err != nil {
		return called(err, siteNames)
	}
	return answer(w, siteObject(&changed))
}

// deleteSite ends a site, undoable for a while: DELETE /v1/sites/{id}
func (a *API) deleteSite(w http.ResponseWriter, r *http.Request, t account.Token) error {
	st, err := a.siteFor(r.Context(), t, r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := a.o.Sites.Delete(r.Context(), st.PublicID); err != nil {
		return err
	}
	gone, err := a.o.Sites.Deleted(r.Context(), st.PublicID)
	if err != nil {
		return err
	}
	return answer(w, object{{"id", gone.PublicID}, {"destroyed_at", gone.DestroyedAt.UTC().Format(time.RFC3339)}})
}

// restoreSite undoes deleteSite: POST /v1/sites/{id}/restore
func (a *API) restoreSite(w http.ResponseWriter, r *http.Request, t account.Token) error {
	gone, err := a.o.Sites.Deleted(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if !t.Covers(gone.Account, gone.ID) {
		return site.ErrNotDeleted
	}
	st, err := a.o.Sites.Restore(r.Context(), gone.PublicID)
	if err != nil {
		return called(err, siteNames)
	}
	return answer(w, siteObject(&st))
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
func readSiteQuery(raw string) (q site.ListQuery, err error) {
	v, err := readParameters(raw, "search", "page", "page_size")
	if err != nil {
		return site.ListQuery{}, err
	}
	q.Search = v.Get("search")
	q.Page, q.PageSize, err = readPage(v)
	return q, err
}

// readParameters reads a query, which may have only the known parameters.
func readParameters(raw string, known ...string) (url.Values, error) {
	v, err := url.ParseQuery(raw)
	if err != nil {
		return nil, fault.New(fault.Invalid, "The URL's parameters can't be read: "+clip(err.Error())+".")
	}
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if !slices.Contains(known, name) {
			return nil, unknownField(name, known)
		}
		if len(v[name]) > 1 {
			return nil, fault.Field(name, name+" is given twice.")
		}
	}
	return v, nil
}

// readPage reads which page of a list is asked for.
func readPage(v url.Values) (page, size int, err error) {
	page, size = 1, defaultPageSize
	for _, p := range []struct {
		name     string
		into     *int
		min, max int
	}{{"page", &page, 1, maxPage}, {"page_size", &size, minPageSize, maxPageSize}} {
		text := v.Get(p.name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < p.min || n > p.max {
			return 0, 0, fault.Field(p.name, fmt.Sprintf("%s must be a whole number from %d to %d.", p.name, p.min, p.max))
		}
		*p.into = n
	}
	return page, size, nil
}
