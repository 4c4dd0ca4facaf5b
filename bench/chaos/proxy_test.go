package chaos

import (
	"bytes"
	"context"
	"errors"
	"hash/fnv"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"
)

// proxy is what stands in front of replicas anywhere: it hashes by client, so
// that a visitor mostly stays, asks each replica whether it is ready, and tries
// the next where one refuses the connection or says 503, which both mean that it
// took nothing in. A connection that breaks after the hit was sent is told to the
// client, who can't know.
type proxy struct {
	url    string
	client *http.Client

	mu       sync.Mutex
	replicas []string          // addresses
	unready  map[string]bool   // by address
	answers  map[string][2]int // by address: hits taken, and refused with 503
}

// cutHeader marks the answer to a hit whose connection broke.
const cutHeader = "X-Cut"

func newProxy(t *testing.T) *proxy {
	p := &proxy{unready: map[string]bool{}, answers: map[string][2]int{}, client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 20 * time.Second}}
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	p.url = s.URL
	go p.watch(t.Context())
	return p
}

// watch asks all replicas ten times a second whether they are ready.
func (p *proxy) watch(ctx context.Context) {
	for ctx.Err() == nil {
		p.mu.Lock()
		addrs := slices.Clone(p.replicas)
		p.mu.Unlock()
		for _, addr := range addrs {
			res, err := p.client.Get("http://" + addr + "/readyz")
			if err == nil {
				res.Body.Close()
			}
			p.mu.Lock()
			p.unready[addr] = err != nil || res.StatusCode != http.StatusOK
			p.mu.Unlock()
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (p *proxy) ready(addr string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.unready[addr]
}

func (p *proxy) set(addrs ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.replicas = addrs
}

// took and refused are how many hits a replica has taken, and answered with 503.
func (p *proxy) took(addr string) int    { return p.answered(addr)[0] }
func (p *proxy) refused(addr string) int { return p.answered(addr)[1] }

func (p *proxy) answered(addr string) [2]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.answers[addr]
}

func (p *proxy) note(addr string, status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.answers[addr]
	switch status {
	case http.StatusAccepted:
		n[0]++
	case http.StatusServiceUnavailable:
		n[1]++
	}
	p.answers[addr] = n
}

// order is the replicas as a client prefers them: by rendezvous hashing, so that
// one that is gone moves nobody but its own. Those that aren't ready come last.
func (p *proxy) order(client string) []string {
	p.mu.Lock()
	addrs, unready := slices.Clone(p.replicas), maps.Clone(p.unready)
	p.mu.Unlock()
	weight := func(addr string) uint64 {
		h := fnv.New64a()
		_, _ = io.WriteString(h, client+" "+addr)
		return h.Sum64()
	}
	slices.SortFunc(addrs, func(a, b string) int {
		switch {
		case unready[a] != unready[b]:
			if unready[b] {
				return -1
			}
			return 1
		case weight(a) > weight(b):
			return -1
		}
		return 1
	})
	return addrs
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	status := http.StatusBadGateway
	for _, addr := range p.order(r.Header.Get("X-Forwarded-For")) {
		status, err = p.pass(r, addr, body)
		var op *net.OpError
		if errors.As(err, &op) && op.Op == "dial" || err == nil && status == http.StatusServiceUnavailable {
			continue
		}
		if err != nil {
			w.Header().Set(cutHeader, "1")
			status = http.StatusBadGateway
		}
		break
	}
	w.WriteHeader(status)
}

func (p *proxy) pass(r *http.Request, addr string, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(r.Context(), r.Method, "http://"+addr+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.GetBody = nil // net/http would send a hit again by itself
	req.Header = r.Header.Clone()
	res, err := p.client.Do(req)
	if err != nil {
		return http.StatusBadGateway, err
	}
	defer res.Body.Close()
	p.note(addr, res.StatusCode)
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}
