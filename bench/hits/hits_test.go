package hits

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// Each visitor is one replica's, and all of them are some replica's.
func TestShares(t *testing.T) {
	h := New("abc")
	shares := h.Shares(4)
	of, all := map[string]int{}, 0
	for i, s := range shares {
		all += len(s.visitors)
		for _, v := range s.visitors {
			if j, ok := of[v.ip]; ok && j != i {
				t.Errorf("%s is sent to %d and to %d", v.ip, j, i)
			}
			of[v.ip] = i
		}
		if n := len(s.visitors); n < 4500 || n > 5500 {
			t.Errorf("replica %d gets %d of 20,000 visitors", i, n)
		}
	}
	if all != 20_000 {
		t.Errorf("%d visitors are shared, want 20,000", all)
	}
}

// What is sent is what net/http reads, at the rate asked for.
func TestLoad(t *testing.T) {
	var mu sync.Mutex
	visitors := map[string]bool{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || !json.Valid(b) || !strings.Contains(string(b), `"pid":"abc"`) || r.Header.Get("User-Agent") == "" {
			t.Errorf("a hit is %q; %v", b, err)
		}
		mu.Lock()
		visitors[r.Header.Get("X-Forwarded-For")] = true
		n := len(visitors)
		mu.Unlock()
		if n == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusAccepted)
	}))
	defer s.Close()
	got, err := Load{Addr: s.Listener.Addr().String(), Path: "/event", Conns: 4, Duration: time.Second, Rate: 100, Hits: New("abc")}.Run()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(got.Latencies); n < 96 || n > 104 || got.OK()+got.Answers[503] != n || got.Answers[503] == 0 || got.Failed != 0 || len(visitors) < 90 {
		t.Errorf("%d hits, answers %v, %d failed, %d visitors; want 100, some 503", n, got.Answers, got.Failed, len(visitors))
	}
	if got.Quantile(0) > got.Quantile(1) || got.Quantile(1) == 0 {
		t.Errorf("latencies from %v to %v", got.Quantile(0), got.Quantile(1))
	}
	if r := got.PerSecond(); r < 80 || r > 110 {
		t.Errorf("%v hits/s", r)
	}
	s.Close()
	if got, err := (Load{Addr: s.Listener.Addr().String(), Conns: 2, Hits: New("abc")}).Run(); err == nil || got.Failed != 2 {
		t.Errorf("nobody listens: %v, %+v", err, got)
	}
}

func TestReadAnswer(t *testing.T) {
	r := bufio.NewReader(strings.NewReader("HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 503 x\r\n\r\nHTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n"))
	for _, want := range []int{202, 503} {
		if got, err := readAnswer(r); err != nil || got != want {
			t.Errorf("status %d, %v; want %d", got, err, want)
		}
	}
	if _, err := readAnswer(r); err == nil {
		t.Error("a chunked answer was read")
	}
	if _, err := readAnswer(bufio.NewReader(bytes.NewReader([]byte("SMTP ready\r\n")))); err == nil {
		t.Error("what is no answer was read")
	}
}
