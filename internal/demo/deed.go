package demo

import (
	"math/rand/v2"
	"slices"

	"moonbear/internal/event"
)

// The names of the shop's own events; goals are made of them.
const (
	Purchase   = "purchase"
	Signup     = "signup"
	Newsletter = "newsletter"
)

// weighted is a value and how often it is drawn.
type weighted struct {
	name   string
	weight float64
}

var (
	plans   = []weighted{{"taster", 5}, {"home", 4}, {"office", 1}}
	corners = []weighted{{"footer", 3}, {"popup", 2}, {"journal", 4}}
	links   = []weighted{
		{"https://www.instagram.com/hallacoffee", 5}, {"https://map.naver.com/p/entry/place/1382094", 3},
		{"https://www.youtube.com/@hallacoffee", 2}, {"https://sprudge.com/best-roasters-of-the-year", 1},
	}
	broken = []weighted{{"/journal/brew-giude", 4}, {"/shop/christmas-2024", 3}, {"/shop/sumatra", 2}, {"/events", 1}}
)

// deed is what a visitor may do on a page.
func deed(r *rand.Rand, base event.Event, path string, at int64) (event.Event, bool) {
	e := base
	e.Time, e.Path, e.Interactive = at, path, true
	if slices.ContainsFunc(broken, func(b weighted) bool { return b.name == path }) {
		e.Name, e.Interactive, e.Props = event.NotFound, false, []event.Prop{{Key: "path", Value: path}}
		return e, true
	}
	of := func(list []weighted) string {
		return pick(r, list, func(w weighted) float64 { return w.weight }).name
	}
	switch {
	case path == "/checkout" && r.Float64() < 0.62:
		e.Name, e.Props = Purchase, []event.Prop{{Key: "method", Value: "card"}, {Key: "roast", Value: roasts[r.IntN(len(roasts))]}}
		e.Revenue, e.Currency = int64(9+r.IntN(60))*1000, "USD"
		pay(r, &e)
	case path == "/shop/subscription" && r.Float64() < 0.14:
		e.Name, e.Props = Signup, []event.Prop{{Key: "plan", Value: of(plans)}}
	case path == "/journal/brew-guide" && r.Float64() < 0.12:
		e.Name, e.Props = event.Download, []event.Prop{{Key: "url", Value: "https://" + Domain + "/brew-guide.pdf"}}
	case path == "/wholesale" && r.Float64() < 0.2:
		e.Name, e.Props = event.Download, []event.Prop{{Key: "url", Value: "https://" + Domain + "/wholesale-prices.xlsx"}}
	case r.Float64() < 0.025:
		e.Name, e.Props = Newsletter, []event.Prop{{Key: "place", Value: of(corners)}}
	case r.Float64() < 0.02:
		e.Name, e.Props = event.Outbound, []event.Prop{{Key: "url", Value: of(links)}}
	default:
		return event.Event{}, false
	}
	return e, true
}

// pay settles a purchase: the shop's prices are in dollars, which most pay; its
// resellers take euros in Europe and, through a Korean checkout, won.
func pay(r *rand.Rand, e *event.Event) {
	switch {
	case (e.Country == "DE" || e.Country == "FR") && r.Float64() < 0.6:
		e.Currency = "EUR"
	case e.Country == "KR" && r.Float64() < 0.15:
		e.Currency, e.Revenue, e.Props[0].Value = "KRW", e.Revenue*1400, "naver-pay"
	case r.Float64() < 0.3:
		e.Props[0].Value = "paypal"
	}
}
