package collect

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// benchBody is what the tracker sends with a pageview.
var benchBody = pv("https://www.example.com/blog/how-we-count?utm_source=newsletter&utm_medium=email", `,"event":"pageview","screen_width":1440,"user_language":"ko-KR","timezone":"Asia/Seoul",
"referrer":"https://www.google.com/","dns":12,"connect":25,"ssl":14,"ttfb":120,"download":35,"dom_content_loaded":480,"render":510,"page_load":900,"transfer_size":34567,"connection_speed":"4g"`)

// nowhere is a spool that stores nothing: what is measured is collecting.
type nowhere struct{ bytes atomic.Int64 }

func (n *nowhere) Append(_ context.Context, record []byte) error {
	n.bytes.Add(int64(len(record)))
	return nil
}

// answerer is a ResponseWriter without httptest's buffers.
type answerer struct {
	header http.Header
	status int
}

func (a *answerer) Header() http.Header         { return a.header }
func (a *answerer) Write(b []byte) (int, error) { return len(b), nil }
func (a *answerer) WriteHeader(status int)      { a.status = status }

func benchWorld(b *testing.B) *world {
	return newWorld(b, "", func(o *Options) { o.Spool = &nowhere{}; o.Now = time.Now })
}

// BenchmarkHit is all of collecting but the network and the disk, for one of
// ten thousand visitors.
func BenchmarkHit(b *testing.B) {
	w := benchWorld(b)
	body := strings.NewReader(benchBody)
	r := httptest.NewRequest(http.MethodPost, "/event", io.NopCloser(body))
	r.Header.Set("User-Agent", chrome)
	r.Header.Set("Origin", "https://www.example.com")
	peers := make([]string, 10_000)
	for i := range peers {
		peers[i] = fmt.Sprintf("61.40.%d.%d:4000", i/250, i%250)
	}
	a := &answerer{header: http.Header{}}
	i := 0
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(benchBody)
		r.RemoteAddr = peers[i%len(peers)]
		i++
		clear(a.header)
		w.Hit(a, r)
		if a.status != http.StatusAccepted {
			b.Fatal(a.status)
		}
	}
	b.ReportMetric(float64(w.Collector.spool.(*nowhere).bytes.Load())/float64(i), "bytes/record")
}

// BenchmarkDialect is the reading of the body alone, beside
// encoding/json with a struct of the same fields.
func BenchmarkDialect(b *testing.B) {
	type payload struct {
		PID             string  `json:"pid"`
		Event           string  `json:"event"`
		URL             string  `json:"url"`
		Referrer        string  `json:"referrer"`
		ScreenWidth     float64 `json:"screen_width"`
		Language        string  `json:"user_language"`
		TimeZone        string  `json:"timezone"`
		ConnectionSpeed string  `json:"connection_speed"`
		DNS             float64 `json:"dns"`
		Connect         float64 `json:"connect"`
		SSL             float64 `json:"ssl"`
		TTFB            float64 `json:"ttfb"`
		Download        float64 `json:"download"`
		DOM             float64 `json:"dom_content_loaded"`
		Render          float64 `json:"render"`
		PageLoad        float64 `json:"page_load"`
		TransferSize    float64 `json:"transfer_size"`
	}
	body := []byte(benchBody)
	b.Run("ours", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var m message
			if err := readMoonbear(string(body), &m); err != nil || m.siteID == "" {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var p payload
			if err := json.Unmarshal(body, &p); err != nil || p.PID == "" {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkLoopback sends hits over real connections, 32 at a time: to a
// handler that only reads the body, to a collector without a disk, and to one
// whose spool syncs. The client's work is in all of them.
func BenchmarkLoopback(b *testing.B) {
	bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			b.Error(err)
		}
		w.WriteHeader(http.StatusAccepted)
	})
	b.Run("bare", func(b *testing.B) { loopback(b, bare) })
	w := benchWorld(b)
	b.Run("collect", func(b *testing.B) { loopback(b, http.HandlerFunc(w.Hit)) })
	synced := newWorld(b, "", func(o *Options) { o.Now = time.Now })
	b.Run("collect and spool", func(b *testing.B) { loopback(b, http.HandlerFunc(synced.Hit)) })
}

func loopback(b *testing.B, h http.Handler) {
	server := httptest.NewServer(h)
	defer server.Close()
	address := server.Listener.Addr().String()
	var n atomic.Int64
	b.SetParallelism(16)
	b.RunParallel(func(p *testing.PB) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			b.Error(err)
			return
		}
		defer conn.Close()
		// As wrk does: bytes made once, and no more of the answer read than needed.
		request := fmt.Appendf(nil, "POST /event HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s v%d\r\nOrigin: https://www.example.com\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
			address, chrome, n.Add(1), len(benchBody), benchBody)
		answer := make([]byte, 4096)
		for p.Next() {
			if _, err := conn.Write(request); err != nil {
				b.Error(err)
				return
			}
			k, err := conn.Read(answer)
			if err != nil || !bytes.HasPrefix(answer[:k], []byte("HTTP/1.1 202")) {
				b.Errorf("%q, %v", answer[:k], err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "hits/s")
}
