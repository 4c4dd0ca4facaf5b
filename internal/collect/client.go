package collect

import (
	"net/http"
	"net/netip"
	"strings"
)

// client finds the address a request came from. What proxies say is believed
// only from those the operator named:
//
//   - of X-Forwarded-For, the last address that isn't a trusted proxy's: what
//     stands before it anybody may have written;
//   - CF-Connecting-IP only when every other hop is a trusted proxy, for a
//     visitor could send that header to a proxy that isn't Cloudflare's, but
//     then their own address is in the list.
func (c *Collector) client(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{} // a Unix socket
	}
	ip := peer.Addr().Unmap().WithZone("")
	if !c.trusts(ip) {
		return ip
	}
	lists := r.Header["X-Forwarded-For"]
	for i := len(lists) - 1; i >= 0; i-- {
		for list := lists[i]; list != ""; {
			var last string
			if comma := strings.LastIndexByte(list, ','); comma >= 0 {
				list, last = list[:comma], list[comma+1:]
			} else {
				list, last = "", list
			}
			if strings.TrimSpace(last) == "" {
				continue
			}
			hop, ok := parseHop(last)
			if !ok { // what a client made up: whoever sent it is the last we know
				return ip
			}
			if ip = hop; !c.trusts(ip) {
				return ip
			}
		}
	}
	if cf, ok := parseHop(r.Header.Get("Cf-Connecting-Ip")); ok {
		return cf
	}
	return ip
}

func (c *Collector) trusts(ip netip.Addr) bool {
	for _, p := range c.proxies {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// parseHop reads an address of X-Forwarded-For; some proxies add a port.
func parseHop(s string) (netip.Addr, bool) {
	s = strings.TrimSpace(s)
	ip, err := netip.ParseAddr(s)
	if err != nil {
		withPort, err := netip.ParseAddrPort(s)
		if err != nil {
			ip, err = netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
			if err != nil {
				return netip.Addr{}, false
			}
		} else {
			ip = withPort.Addr()
		}
	}
	return ip.Unmap().WithZone(""), true
}

// Client tells clients apart, for others that slow them down: the address a
// request came from, as collecting sees it, of IPv6 its /64, because every
// visitor has one to choose addresses from; "" when it is not known. It is
// never stored.
func (c *Collector) Client(r *http.Request) string {
	ip := c.client(r)
	switch {
	case !ip.IsValid():
		return ""
	case ip.Is6():
		return netip.PrefixFrom(ip, 64).Masked().String()
	}
	return ip.String()
}
