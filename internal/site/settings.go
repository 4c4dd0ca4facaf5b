package site

import (
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the binary runs where no zoneinfo is installed: +450 kB

	"golang.org/x/text/currency"

	"moonbear/internal/fault"
)

// What a site gets when nobody said.
const (
	DefaultTimeZone = "UTC"
	DefaultCurrency = "USD"
)

// zones loads each time zone once: time.LoadLocation reads a file every time,
// and the Directory asks for every site every 30 seconds.
type zones struct {
	log *slog.Logger
	m   sync.Map // name → *time.Location
}

// load finds a zone by its IANA name; the error is a fault of "timezone".
func (z *zones) load(name string) (*time.Location, error) {
	if l, ok := z.m.Load(name); ok {
		return l.(*time.Location), nil
	}
	l, err := time.LoadLocation(name)
	// "" is UTC and "Local" the server's own to time.LoadLocation; posix/ and
	// right/ are on some machines only, and right/ counts leap seconds.
	if err != nil || name == "" || name == "Local" || strings.HasPrefix(name, "posix/") || strings.HasPrefix(name, "right/") {
		return nil, fault.Field("timezone", fmt.Sprintf("%q is not a time zone: use an IANA name such as Europe/Berlin or Asia/Seoul.", clip(name)))
	}
	z.m.Store(name, l)
	return l, nil
}

// ParseCurrency checks an ISO 4217 code, in any case; "" is DefaultCurrency.
// The error is a fault of "currency".
func ParseCurrency(code string) (string, error) {
	if code == "" {
		return DefaultCurrency, nil
	}
	u, err := currency.ParseISO(strings.TrimSpace(code))
	if err != nil || u.String() == "XXX" {
		return "", fault.Field("currency", fmt.Sprintf("%q is not a currency: use an ISO 4217 code such as EUR or KRW.", clip(code)))
	}
	return u.String(), nil
}

// stored is load for a name that was checked when it was written. Should the
// zone be unknown here all the same (written by a newer version), one site's
// days are UTC's and the log says so once, rather than no site being known.
func (z *zones) stored(name string) *time.Location {
	l, err := z.load(name)
	if err != nil {
		z.log.Error("time zone unknown, using UTC", "timezone", name)
		z.m.Store(name, time.UTC)
		return time.UTC
	}
	return l
}
