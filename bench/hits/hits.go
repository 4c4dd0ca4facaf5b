// Package hits makes the hits of a busy site and sends them: a generator that
// costs little beside the server it loads.
package hits

import (
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"strconv"
)

// Hits are requests like a busy site's: 20,000 visitors in turn, common
// browsers, pages read unevenly.
type Hits struct {
	bodies   [][]byte // a hit's JSON
	visitors []visitor
}

type visitor struct{ ip, agent string }

// New makes the hits of a site by its public ID, the same each time.
func New(site string) *Hits {
	r := rand.New(rand.NewPCG(1, 2))
	agents := []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Mobile Safari/537.36",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Safari/605.1.15",
		"Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0",
		"Mozilla/5.0 (Linux; Android 15; SM-S938N) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36",
	}
	h := &Hits{}
	referrers := []string{"", "", "https://www.google.com/", "https://search.naver.com/search.naver?query=coffee", "https://news.ycombinator.com/item?id=1", "https://t.co/abc"}
	for range 2000 {
		path := int(r.ExpFloat64() * 8)
		h.bodies = append(h.bodies, fmt.Appendf(nil,
			`{"pid":%q,"event":"pageview","url":"https://bench.example/journal/page-%d?utm_source=%s&x=1","referrer":%q,"screen_width":%d,"user_language":"ko-KR","timezone":"Asia/Seoul","dns":%d,"connect":%d,"ssl":%d,"ttfb":%d,"download":%d,"dom_content_loaded":%d,"render":%d,"page_load":%d,"transfer_size":%d,"connection_speed":"4g"}`,
			site, path, []string{"", "", "", "newsletter"}[r.IntN(4)], referrers[r.IntN(len(referrers))], 320+r.IntN(2200),
			r.IntN(40), r.IntN(80), r.IntN(90), r.IntN(400), r.IntN(90), 300+r.IntN(900), r.IntN(500), 500+r.IntN(2500), 10000+r.IntN(90000)))
	}
	for i := range 20_000 {
		ip := fmt.Sprintf("%d.%d.%d.%d", 1+r.IntN(220), r.IntN(256), r.IntN(256), 1+r.IntN(254))
		h.visitors = append(h.visitors, visitor{ip, agents[i%len(agents)]})
	}
	return h
}

// Shares are the hits that each of n replicas gets from a proxy that hashes by
// client: a visitor is always the same one's.
func (h *Hits) Shares(n int) []*Hits {
	shares := make([]*Hits, n)
	for i := range shares {
		shares[i] = &Hits{bodies: h.bodies}
	}
	for _, v := range h.visitors {
		f := fnv.New32a()
		_, _ = io.WriteString(f, v.ip)
		s := shares[f.Sum32()%uint32(n)]
		s.visitors = append(s.visitors, v)
	}
	return shares
}

// request appends the n-th request of a connection to buf.
func (h *Hits) request(buf []byte, path string, conn, n int) []byte {
	i := conn*7919 + n
	body, v := h.bodies[i%len(h.bodies)], h.visitors[i%len(h.visitors)]
	buf = append(buf, "POST "...)
	buf = append(buf, path...)
	buf = append(buf, " HTTP/1.1\r\nHost: bench.example\r\nContent-Type: text/plain\r\nOrigin: https://bench.example\r\nUser-Agent: "...)
	buf = append(buf, v.agent...)
	buf = append(buf, "\r\nX-Forwarded-For: "...)
	buf = append(buf, v.ip...)
	buf = append(buf, "\r\nContent-Length: "...)
	buf = strconv.AppendInt(buf, int64(len(body)), 10)
	buf = append(buf, "\r\n\r\n"...)
	return append(buf, body...)
}
