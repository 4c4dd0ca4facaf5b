package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"time"

	"golang.org/x/sys/unix"
)

// examineClock asks the kernel whether the clock is kept by something, and the
// database what time it is.
func (s *server) examineClock(ctx context.Context) []Finding {
	const part, remedy = "clock", "Visits and days are told by this clock. Run a time service, such as systemd-timesyncd or chrony."
	facts, state := "synchronised", Well
	var t unix.Timex
	kept, err := unix.Adjtimex(&t)
	const unsynchronised = 5 // TIME_ERROR
	switch {
	case err != nil:
		facts = "the kernel doesn't say whether it is synchronised"
	case kept == unsynchronised:
		facts, state = "not synchronised, as far as the kernel knows", Warning
	}
	if s.control != nil && !s.control.db.Embedded() {
		var theirs time.Time
		asked := time.Now()
		if err := s.control.db.SQL().QueryRowContext(ctx, "select clock_timestamp()").Scan(&theirs); err == nil {
			off := theirs.Sub(asked.Add(time.Since(asked) / 2))
			facts += fmt.Sprintf(", %s from PostgreSQL's", millis(off.Abs()))
			if off.Abs() > time.Second {
				state = Warning
			}
		}
	}
	f := Finding{part, state, facts, ""}
	if state != Well {
		f.Remedy = remedy
	}
	return []Finding{f}
}

// examineJobs names the scheduled jobs that are late or failed.
func (s *server) examineJobs(ctx context.Context) []Finding {
	if s.jobs == nil {
		return nil
	}
	const part = "jobs"
	list, err := s.jobs.List(ctx)
	if err != nil {
		return []Finding{{part, Broken, err.Error(), ""}}
	}
	var fs []Finding
	for _, j := range list {
		switch {
		case j.Failures > 0:
			fs = append(fs, Finding{part, Broken, fmt.Sprintf("%q failed %d times: %s", j.Name, j.Failures, j.Error), "The log has the whole story; it is tried again by itself."})
		case j.Late:
			fs = append(fs, Finding{part, Warning, fmt.Sprintf("%q is late: it last succeeded %s", j.Name, when(j.SucceededAt)), "See whether a process with the role jobs runs."})
		}
	}
	if fs == nil {
		fs = []Finding{{part, Well, fmt.Sprintf("all %d are on time", len(list)), ""}}
	}
	return fs
}

// examineTLS looks at the certificate that people are shown.
func (s *server) examineTLS(ctx context.Context) []Finding {
	u, err := url.Parse(s.cfg.BaseURL)
	if err != nil || u.Scheme != "https" {
		return nil
	}
	const part = "certificate"
	addr := u.Host
	if u.Port() == "" {
		addr = net.JoinHostPort(u.Hostname(), "443")
	}
	conn, err := (&tls.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return []Finding{{part, Broken, fmt.Sprintf("%s: %v", addr, err), "People see this error, if it is the same from outside. See that BASE_URL is right and that the proxy has a valid certificate."}}
	}
	defer conn.Close()
	ends := conn.(*tls.Conn).ConnectionState().PeerCertificates[0].NotAfter
	left := time.Until(ends).Hours() / 24
	f := Finding{part, Well, "valid for " + duration(left), ""}
	switch {
	case left < 7:
		f.State, f.Remedy = Broken, "It should have been renewed: look at the proxy's log."
	case left < 21:
		f.State, f.Remedy = Warning, "Most proxies renew a month before the end: see that yours does."
	}
	return []Finding{f}
}

// examineBackups says what isn't there yet, so that nobody trusts in it.
func (s *server) examineBackups(context.Context) []Finding {
	backups := Finding{"backups", Well, "this version takes none by itself", ""}
	if s.cfg.Env == "production" {
		backups.State, backups.Remedy = Warning, "Copy DATA_DIR each night with the server stopped, or have its volume snapshotted."
		if !s.cfg.eventsEmbedded() {
			backups.Remedy = "Back PostgreSQL and ClickHouse up with their own tools, and try to restore from it."
		}
	}
	return []Finding{backups, {"mail", Well, "this version sends none", ""}}
}

func when(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

func size(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d GiB", n>>30)
	case n >= 10<<20:
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d KiB", (n+1023)>>10)
}

func duration(days float64) string {
	if days > 730 {
		return fmt.Sprintf("%.0f years", days/365)
	}
	return fmt.Sprintf("%.0f days", days)
}
