package web

import (
	"net/http"

	"golang.org/x/text/language"

	"moonbear/internal/fault"
	"moonbear/internal/web/html"
)

// A preference is a cookie that says nothing about the person: it outlives
// the login and needs none.
const preferenceAge = 365 * 24 * 60 * 60 // seconds

var matcher = language.NewMatcher(languageTags())

func languageTags() []language.Tag {
	var tags []language.Tag
	for _, t := range html.Languages() {
		tags = append(tags, language.MustParse(t.Lang))
	}
	return tags
}

// language is the one the viewer chose, or the first that their browser asks
// for, or English.
func (s *Server) language(r *http.Request) *html.Text {
	if c, err := r.Cookie("language"); err == nil {
		if t := html.Language(c.Value); t != nil {
			return t
		}
	}
	_, i := language.MatchStrings(matcher, r.Header.Get("Accept-Language"))
	return html.Languages()[i]
}

// theme is the one the viewer chose; "" follows the device.
func theme(r *http.Request) string {
	if c, err := r.Cookie("theme"); err == nil && (c.Value == "light" || c.Value == "dark") {
		return c.Value
	}
	return ""
}

// preferences keeps a choice of language or theme: POST /preferences
func (s *Server) preferences(w http.ResponseWriter, r *http.Request, _ *viewer) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	if l := r.PostForm.Get("language"); l != "" {
		if html.Language(l) == nil {
			return fault.Field("language", "There is no such language.")
		}
		s.keep(w, "language", l)
	}
	switch t := r.PostForm.Get("theme"); t {
	case "":
	case "auto", "light", "dark":
		s.keep(w, "theme", t)
	default:
		return fault.Field("theme", "There is no such appearance.")
	}
	return seeOther(w, r, localPath(r.PostForm.Get("return"), "/"))
}

func (s *Server) keep(w http.ResponseWriter, name, value string) {
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: preferenceAge,
		HttpOnly: true, Secure: s.secure, SameSite: http.SameSiteLaxMode})
}

// maxForm is more than any form of ours has in it.
const maxForm = 64 << 10

func parseForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return fault.New(fault.Invalid, "This form could not be read. Open the page again and retry.")
	}
	return nil
}

// page is what every page has around its content.
func (s *Server) page(r *http.Request, v *viewer, title string) html.Page {
	back := "/"
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		back = r.URL.RequestURI()
	}
	p := html.Page{Text: v.Text, Title: title, Return: back, Theme: v.Theme, Script: true,
		Assets: html.Assets{CSS: s.assets.URL("style.css"), JS: s.assets.URL("main.js"), Icon: s.assets.URL("icon.svg")}}
	if v.User.ID != 0 {
		p.Viewer = &html.Viewer{Email: v.User.Email}
	}
	return p
}
