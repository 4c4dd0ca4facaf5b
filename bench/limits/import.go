package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

const importLines = 200_000

// importing hands the running server a log of the n-th site, as `moonbear
// import` does, and holds what it stored against the lines: all of them are
// pageviews.
func (s *server) importing(ctx context.Context, n int) (time.Duration, error) {
	path := filepath.Join(s.dir, "access.log")
	// Long before the days that have events, which an import leaves alone.
	from := time.Now().UTC().AddDate(0, -6, 0).Truncate(24 * time.Hour)
	if err := writeLog(path, from); err != nil {
		return 0, err
	}
	defer os.Remove(path)
	began := time.Now()
	if err := s.command(ctx, nil, "import", "--site", s.sites[n], path); err != nil {
		return 0, err
	}
	took := time.Since(began)
	var a struct {
		Data map[string]struct{ Value float64 }
	}
	ask := map[string]any{"site_id": s.sites[n], "from": from.Format(time.DateOnly), "to": from.AddDate(0, 0, logDays-1).Format(time.DateOnly),
		"aggregate": []string{"pageviews"}}
	if err := s.api(ctx, http.MethodPost, "/v1/stats/aggregation", ask, &a); err != nil {
		return took, err
	}
	if got := int(a.Data["pageviews"].Value); got != importLines {
		return took, fmt.Errorf("%d lines are counted of %d", got, importLines)
	}
	return took, nil
}

// logDays is how many days the log is of.
const logDays = 30

// writeLog writes a log in the combined format: 10,000 visitors a day or so,
// 500 pages.
func writeLog(path string, from time.Time) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriterSize(f, 1<<20)
	for i := range importLines {
		at := from.Add(time.Duration(i) * (logDays * 24 * time.Hour / importLines))
		fmt.Fprintf(w, "81.%d.%d.%d - - [%s] \"GET /archive/page-%d HTTP/1.1\" 200 %d \"https://www.google.com/\" %q\n",
			i/40_000%250, i*7/200%250, i%200+1, at.Format("02/Jan/2006:15:04:05 -0700"), i*i%499, 900+i%9000, agent)
	}
	return w.Flush()
}
