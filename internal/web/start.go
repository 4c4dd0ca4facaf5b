package web

import (
	"context"
	"fmt"
	stdhtml "html"
	"net/http"
	"time"

	"moonbear/internal/site"
	"moonbear/internal/stats"
	"moonbear/internal/web/html"
)

// refresh is how often the wait looks again without a script, in seconds.
const refresh = 4

// start shows a site's snippet and waits for its first pageview:
// GET /sites/{site}/start
func (s *Server) start(w http.ResponseWriter, r *http.Request, v *viewer) error {
	status, err := s.waiting(r.Context(), v)
	if err != nil {
		return err
	}
	domain := site.DisplayHost(v.Site.Domain)
	p := html.Start{
		Page: s.page(r, v, fmt.Sprintf(v.Text.StartTitle, domain)), Domain: domain, Self: s.o.BaseURL,
		Snippet: s.snippet(v.Site), DashboardURL: sitePath(v.Site), Status: status,
	}
	if !status.Arrived {
		p.Page.Refresh = refresh
	}
	return s.render(w, r, http.StatusOK, html.StartPage(p))
}

// startStatus is the wait alone: GET /sites/{site}/start/status
func (s *Server) startStatus(w http.ResponseWriter, r *http.Request, v *viewer) error {
	status, err := s.waiting(r.Context(), v)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, html.StartStatusFragment(status))
}

// snippet is the line that measures a site.
func (s *Server) snippet(st *site.Site) string {
	return fmt.Sprintf(`<script async src="%s%s?site=%s"></script>`, stdhtml.EscapeString(s.o.BaseURL), s.o.ScriptPath, st.PublicID)
}

// waiting asks what has come in so far, counted or refused.
func (s *Server) waiting(ctx context.Context, v *viewer) (html.StartStatus, error) {
	path := sitePath(v.Site)
	st := html.StartStatus{Text: v.Text, PollURL: path + "/start/status", Domain: site.DisplayHost(v.Site.Domain), DashboardURL: path}
	ever := stats.Query{Site: v.Site, Period: stats.Period{Name: "24m"}}
	res, err := s.o.Stats.Run(ctx, ever.Totals(stats.Pageviews, stats.Events))
	if err != nil {
		return st, err
	}
	if n := res.Total(stats.Events); n.N > 0 {
		st.Arrived, st.Pageviews = true, v.Text.Value(res.Total(stats.Pageviews).N, html.Count)
		st.DashboardURL = path + "?period=today"
		hour := stats.Query{Site: v.Site, Period: stats.Period{Name: "1h"}}
		if res, err = s.o.Stats.Run(ctx, hour.By(stats.Path, 1, stats.Pageviews)); err != nil {
			return st, err
		}
		if len(res.Rows) > 0 {
			st.Where = res.Rows[0].Keys[0]
		}
	}
	drops, err := s.o.Stats.Drops(ctx, stats.Query{Site: v.Site, Period: stats.Period{Name: "24h"}})
	if err != nil {
		return st, err
	}
	st.Refused = refusals(v, drops, s.now())
	return st, nil
}

// maxRefusals keeps the wait readable under a scanner's fire.
const maxRefusals = 5

// refusals are the drops a person trying out the snippet can do something
// about, or would wonder about: those of the last hour, hostnames first.
func refusals(v *viewer, d *stats.Drops, now time.Time) []html.Refusal {
	var hosts, others []html.Refusal
	path := sitePath(v.Site)
	for _, reason := range d.Reasons {
		words := v.Text.Reason(reason.Reason)
		for _, detail := range reason.Details {
			if now.Sub(detail.Last) > time.Hour {
				continue
			}
			r := html.Refusal{Title: words.Name, About: words.About, Count: v.Text.Exact(float64(detail.Count))}
			switch {
			case reason.Reason == dropHostname && detail.Detail != "":
				if v.Site.Allows(detail.Detail) {
					continue
				}
				host := site.DisplayHost(detail.Detail)
				r.Title, r.About = host, fmt.Sprintf(v.Text.StartRefusedHost, host)
				r.Hostname, r.AllowURL, r.Return = detail.Detail, path+"/hostnames", path+"/start"
				hosts = append(hosts, r)
				continue
			case reason.Reason == "bot" && detail.Detail != "":
				r.About = fmt.Sprintf(v.Text.StartRefusedBot, detail.Detail)
			}
			others = append(others, r)
		}
	}
	all := append(hosts, others...)
	return all[:min(len(all), maxRefusals)]
}
