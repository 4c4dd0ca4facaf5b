package main

import (
	"fmt"
	"math/rand/v2"
	"strconv"
)

// hits makes requests like a busy site's: 20,000 visitors in turn, common
// browsers, pages read unevenly.
type hits struct {
	bodies [][]byte // a hit's JSON
	agents []string
	ips    []string
}

func newHits(site string) *hits {
	r := rand.New(rand.NewPCG(1, 2))
	h := &hits{agents: []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
		"Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0",
		"Mozilla/5.0 (Linux; Android 15; SM-S938N) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
	}}
	referrers := []string{"", "", "https://www.google.com/", "https://search.naver.com/search.naver?query=coffee", "https://news.ycombinator.com/item?id=1", "https://t.co/abc"}
	for range 2000 {
		path := int(r.ExpFloat64() * 8)
		h.bodies = append(h.bodies, fmt.Appendf(nil,
			`{"pid":%q,"event":"pageview","url":"https://bench.example/journal/page-%d?utm_source=%s&x=1","referrer":%q,"screen_width":%d,"user_language":"ko-KR","timezone":"Asia/Seoul","dns":%d,"connect":%d,"ssl":%d,"ttfb":%d,"download":%d,"dom_content_loaded":%d,"render":%d,"page_load":%d,"transfer_size":%d,"connection_speed":"4g"}`,
			site, path, []string{"", "", "", "newsletter"}[r.IntN(4)], referrers[r.IntN(len(referrers))], 320+r.IntN(2200),
			r.IntN(40), r.IntN(80), r.IntN(90), r.IntN(400), r.IntN(90), 300+r.IntN(900), r.IntN(500), 500+r.IntN(2500), 10000+r.IntN(90000)))
	}
	for range 20_000 {
		h.ips = append(h.ips, fmt.Sprintf("%d.%d.%d.%d", 1+r.IntN(220), r.IntN(256), r.IntN(256), 1+r.IntN(254)))
	}
	return h
}

// request appends the n-th request of a connection to buf.
func (h *hits) request(buf []byte, path string, conn, n int) []byte {
	i := conn*7919 + n
	body := h.bodies[i%len(h.bodies)]
	visitor := i % len(h.ips)
	buf = append(buf, "POST "...)
	buf = append(buf, path...)
	buf = append(buf, " HTTP/1.1\r\nHost: bench.example\r\nContent-Type: text/plain\r\nOrigin: https://bench.example\r\nUser-Agent: "...)
	buf = append(buf, h.agents[visitor%len(h.agents)]...)
	buf = append(buf, "\r\nX-Forwarded-For: "...)
	buf = append(buf, h.ips[visitor]...)
	buf = append(buf, "\r\nContent-Length: "...)
	buf = strconv.AppendInt(buf, int64(len(body)), 10)
	buf = append(buf, "\r\n\r\n"...)
	return append(buf, body...)
}
