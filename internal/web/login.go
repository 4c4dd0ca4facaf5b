package web

import (
	"errors"
	"net/http"
	"net/url"

	"moonbear/internal/account"
	"moonbear/internal/fault"
	"moonbear/internal/web/html"
)

// loginForm asks who is there: GET /login
func (s *Server) loginForm(w http.ResponseWriter, r *http.Request, v *viewer) error {
	next := localPath(r.URL.Query().Get("next"), "")
	if v.User.ID != 0 {
		return seeOther(w, r, localPath(next, "/"))
	}
	claimed, err := s.o.Accounts.Claimed(r.Context())
	if err != nil {
		return err
	}
	if !claimed {
		return seeOther(w, r, "/setup")
	}
	return s.render(w, r, http.StatusOK, html.SignInPage(html.SignIn{Page: s.page(r, v, v.Text.SignInTitle), Next: next}))
}

// login lets a user in by e-mail address and password: POST /login
func (s *Server) login(w http.ResponseWriter, r *http.Request, v *viewer) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	email, next := r.PostForm.Get("email"), localPath(r.PostForm.Get("next"), "/")
	u, err := s.o.Accounts.AuthenticateFrom(r.Context(), s.o.Client(r), email, r.PostForm.Get("password"))
	if err == nil {
		err = s.o.Accounts.Logins().Start(r.Context(), u.ID)
	}
	if err == nil {
		return seeOther(w, r, next)
	}
	f, ok := fault.From(err)
	if !ok {
		return err
	}
	p := s.problemOf(r.Context(), w.Header(), "POST /login", err)
	form := html.SignIn{Page: s.page(r, v, v.Text.SignInTitle), Email: html.Field{Value: email}, Next: next, Problem: v.Text.Fault(f.Message)}
	if errors.Is(err, account.ErrWrongPassword) {
		form.Problem = v.Text.SignInWrong
	}
	return s.render(w, r, p.status, html.SignInPage(form))
}

// loginLinkForm opens a one-time link: GET /login/link/{token}?next=/sites/…
// Who opens it from a terminal is signed in at once. A browser that fetches
// ahead, and a link on another site's page, get a button and spend nothing.
func (s *Server) loginLinkForm(w http.ResponseWriter, r *http.Request, v *viewer) error {
	if opened(r) {
		return s.loginLink(w, r, v)
	}
	page := s.page(r, v, v.Text.LinkTitle)
	page.Return = "/login" // the link's secret is not for a form's hidden field
	return s.render(w, r, http.StatusOK, html.LoginLinkPage(html.LoginLink{Page: page, Action: "/login/link/" + url.PathEscape(r.PathValue("token")) + "?next=" + url.QueryEscape(localPath(r.URL.Query().Get("next"), "/"))}))
}

// opened says whether somebody opened this address itself: it was typed or
// came from outside the browser, as far as the browser tells (Fetch Metadata,
// W3C).
func opened(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return r.Method == http.MethodGet && r.Header.Get("Sec-Purpose") == "" && (site == "" || site == "none")
}

// loginLink spends a one-time link: POST /login/link/{token}?next=/sites/…
func (s *Server) loginLink(w http.ResponseWriter, r *http.Request, v *viewer) error {
	u, err := s.o.Accounts.UseLoginLink(r.Context(), r.PathValue("token"))
	if errors.Is(err, account.ErrLink) {
		page := s.page(r, v, v.Text.LinkSpent)
		page.Return = "/login"
		return s.render(w, r, http.StatusUnauthorized, html.LoginLinkPage(html.LoginLink{Page: page, Spent: true}))
	}
	if err != nil {
		return err
	}
	if err := s.o.Accounts.Logins().Start(r.Context(), u.ID); err != nil {
		return err
	}
	return seeOther(w, r, localPath(r.URL.Query().Get("next"), "/"))
}

// logout ends this browser's login: POST /logout
func (s *Server) logout(w http.ResponseWriter, r *http.Request, _ *viewer) error {
	if err := s.o.Accounts.Logins().End(r.Context()); err != nil {
		return err
	}
	// The pages this browser has kept are not for whoever uses it next.
	w.Header().Set("Clear-Site-Data", `"cache"`)
	return seeOther(w, r, "/login")
}
