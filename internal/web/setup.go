package web

import (
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"moonbear/internal/account"
	"moonbear/internal/fault"
	"moonbear/internal/site"
	"moonbear/internal/web/html"
)

// commonZones are offered where no script runs; with one the browser knows
// them all. Any IANA name may be typed.
func commonZones() []string {
	return []string{"UTC", "Africa/Cairo", "Africa/Johannesburg", "Africa/Lagos", "America/Bogota", "America/Chicago",
		"America/Denver", "America/Los_Angeles", "America/Mexico_City", "America/New_York", "America/Sao_Paulo", "Asia/Dubai",
		"Asia/Hong_Kong", "Asia/Jakarta", "Asia/Kolkata", "Asia/Seoul", "Asia/Shanghai", "Asia/Singapore", "Asia/Tokyo",
		"Australia/Sydney", "Europe/Amsterdam", "Europe/Berlin", "Europe/Istanbul", "Europe/Lisbon", "Europe/London",
		"Europe/Madrid", "Europe/Paris", "Europe/Rome", "Europe/Stockholm", "Europe/Warsaw", "Pacific/Auckland"}
}

// home sends everybody to where they belong: GET /
func (s *Server) home(w http.ResponseWriter, r *http.Request, v *viewer) error {
	if v.User.ID == 0 {
		return errSignIn
	}
	sites, err := s.sitesOf(r.Context(), v)
	if err != nil {
		return err
	}
	if len(sites) == 1 {
		return seeOther(w, r, sitePath(&sites[0]))
	}
	return seeOther(w, r, "/sites")
}

// setupForm asks who owns this server: GET /setup
func (s *Server) setupForm(w http.ResponseWriter, r *http.Request, v *viewer) error {
	f := s.setupPage(r, v)
	f.TimeZone.Value = site.DefaultTimeZone
	// A link in the log may carry the code, so that nobody has to type it.
	f.Code.Value = r.URL.Query().Get("code")
	return s.render(w, r, http.StatusOK, html.SetupPage(f))
}

func (s *Server) setupPage(r *http.Request, v *viewer) html.Setup {
	return html.Setup{Page: s.page(r, v, v.Text.SetupTitle), TimeZones: commonZones()}
}

// setup gives this server its owner and first site: POST /setup
func (s *Server) setup(w http.ResponseWriter, r *http.Request, v *viewer) error {
	if err := parseForm(w, r); err != nil {
		return err
	}
	f := s.setupPage(r, v)
	in := site.FirstRun{
		Email: r.PostForm.Get("email"), Password: r.PostForm.Get("password"),
		Domain: r.PostForm.Get("domain"), TimeZone: strings.TrimSpace(r.PostForm.Get("time_zone")),
	}
	code := r.PostForm.Get("code")
	f.Code.Value, f.Email.Value, f.Domain.Value, f.TimeZone.Value = code, in.Email, in.Domain, in.TimeZone

	// Who can't show the code learns nothing else.
	err := s.o.Accounts.CheckSetupCode(r.Context(), s.o.Client(r), code)
	if errors.Is(err, account.ErrSetupCode) {
		f.Code.Error = v.Text.SetupCodeWrong
		return s.render(w, r, http.StatusForbidden, html.SetupPage(f))
	}
	bad := []error{err}
	if err == nil {
		bad = s.checkFirstRun(in, v.Text)
	}
	if len(bad) == 0 {
		var done site.FirstRunResult
		if done, err = s.o.Sites.FirstRun(r.Context(), in); err == nil {
			if err := s.o.Accounts.Logins().Start(r.Context(), done.User); err != nil {
				return err
			}
			return seeOther(w, r, sitePath(&done.Site)+"/start")
		}
		bad = []error{err}
	}
	status := http.StatusBadRequest
	fields := map[string]*html.Field{"code": &f.Code, "email": &f.Email, "password": &f.Password, "domain": &f.Domain, "timezone": &f.TimeZone}
	for _, err := range bad {
		if status, err = formProblem(v.Text, err, fields, &f.Problem); err != nil {
			return err
		}
	}
	return s.render(w, r, status, html.SetupPage(f))
}

// checkFirstRun says at once all that is wrong with a form.
func (s *Server) checkFirstRun(in site.FirstRun, t *html.Text) (bad []error) {
	if _, err := account.NormaliseEmail(in.Email); err != nil {
		bad = append(bad, err)
	}
	if utf8.RuneCountInString(in.Password) < account.MinPassword {
		bad = append(bad, fault.Field("password", t.ErrPassword))
	}
	if _, err := site.ParseDomain(in.Domain); err != nil {
		bad = append(bad, err)
	}
	return bad
}

// formProblem puts a fault beside its field, or above the form; what is no
// fault is an error still.
func formProblem(t *html.Text, err error, fields map[string]*html.Field, general *string) (status int, _ error) {
	f, ok := fault.From(err)
	if !ok || f.Kind == fault.NotFound || errors.Is(err, account.ErrClaimed) {
		return 0, err
	}
	if field := fields[f.Field]; field != nil {
		field.Error = fieldWords(t, f)
	} else {
		*general = t.Fault(f.Message)
	}
	return int(f.Kind), nil
}

// fieldWords says what is wrong with a field. A fault's own sentence is the
// most exact, but it is English; other languages say what they have for the
// sentence, or else what the field takes.
func fieldWords(t *html.Text, f *fault.Fault) string {
	if s := t.Fault(f.Message); t.Lang == "en" || s != f.Message {
		return s
	}
	switch f.Field {
	case "email":
		return t.ErrEmail
	case "password":
		return t.ErrPassword
	case "domain":
		return t.ErrDomain
	case "timezone":
		return t.ErrTimeZone
	}
	return f.Message
}
