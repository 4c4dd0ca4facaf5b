package web

import (
	"flag"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"testing"
	"time"
)

var preview = flag.String("preview", "", "serve the pages with a demo site's numbers on this address until interrupted, to look at them")

// TestPreview is for eyes: go test ./internal/web -run TestPreview -preview 127.0.0.1:8099 -timeout 0
// It prints cookies that are signed in.
func TestPreview(t *testing.T) {
	if *preview == "" {
		t.Skip("for eyes; see -preview")
	}
	w := newWorld(t, "http://"+*preview)
	w.serve(slog.New(slog.NewTextHandler(os.Stderr, nil)))
	owner := w.claim("owner@example.com", "hallacoffee.example", "Asia/Seoul")
	w.traffic(owner.site, time.Now().Add(-75*24*time.Hour), time.Now(), 420)
	empty := w.addSite(owner, "new-shop.example")
	refused := w.addSite(owner, "xn--hq1bm8jm9l.com")
	w.refuse(refused)
	l, err := net.Listen("tcp", *preview)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("cookie %s\nfull /sites/%s\nempty /sites/%s\nrefused /sites/%s", owner.cookie, owner.site.PublicID, empty.PublicID, refused.PublicID)

	srv := &http.Server{Handler: w.server.Handler()}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt)
	go func() { <-stop; _ = srv.Close() }()
	_ = srv.Serve(l)
}
