package demo

import "moonbear/internal/event"

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
	roasts  = []weighted{{"light", 1}, {"medium", 1}, {"dark", 1}}
	methods = []string{"card", "paypal", "naver-pay"} // pay decides
)

// choice is what may be drawn, as properties that all events share: nobody
// changes those of an event.
type choice struct {
	table alias
	props [][]event.Prop
}

func choose(key string, list []weighted) choice {
	c := choice{table: aliasOf(list, func(w weighted) float64 { return w.weight })}
	for _, w := range list {
		c.props = append(c.props, []event.Prop{{Key: key, Value: w.name}})
	}
	return c
}

func (c *choice) draw(d *dice) []event.Prop { return c.props[c.table.draw(d)] }

// deeds are what can be done at a site.
type deeds struct {
	plan, corner, link choice
	leaflet, prices    []event.Prop
	paid               [][][]event.Prop // by method and roast
	notFound           map[string][]event.Prop
}

func newDeeds(domain string) *deeds {
	d := &deeds{
		plan: choose("plan", plans), corner: choose("place", corners), link: choose("url", links),
		leaflet:  []event.Prop{{Key: "url", Value: "https://" + domain + "/brew-guide.pdf"}},
		prices:   []event.Prop{{Key: "url", Value: "https://" + domain + "/wholesale-prices.xlsx"}},
		notFound: map[string][]event.Prop{},
	}
	for _, m := range methods {
		var by [][]event.Prop
		for _, r := range roasts {
			by = append(by, []event.Prop{{Key: "method", Value: m}, {Key: "roast", Value: r.name}})
		}
		d.paid = append(d.paid, by)
	}
	for _, b := range broken {
		d.notFound[b.name] = []event.Prop{{Key: "path", Value: b.name}}
	}
	return d
}

// deed is what a visitor may do on a page: it makes e that event, or says that
// nothing was done.
func (s *deeds) deed(d *dice, e *event.Event, r role) bool {
	e.Interactive = true
	x := int(d.next() >> 32 * 1000 >> 32) // in a thousand
	switch {
	case r == missing:
		e.Name, e.Interactive, e.Props = event.NotFound, false, s.notFound[e.Path]
	case r == checkout && x < 620:
		e.Name = Purchase
		s.pay(d, e)
	case r == offer && x < 140:
		e.Name, e.Props = Signup, s.plan.draw(d)
	case r == guide && x < 120:
		e.Name, e.Props = event.Download, s.leaflet
	case r == prices && x < 200:
		e.Name, e.Props = event.Download, s.prices
	case x >= 975:
		e.Name, e.Props = Newsletter, s.corner.draw(d)
	case x >= 956:
		e.Name, e.Props = event.Outbound, s.link.draw(d)
	default:
		return false
	}
	return true
}

// pay settles a purchase: the shop's prices are in dollars, which most pay; its
// resellers take euros in Europe and, through a Korean checkout, won.
func (s *deeds) pay(d *dice, e *event.Event) {
	e.Revenue, e.Currency = int64(9+d.below(60))*1000, "USD"
	method := 0
	switch {
	case (e.Country == "DE" || e.Country == "FR") && d.chance(600):
		e.Currency = "EUR"
	case e.Country == "KR" && d.chance(220):
		e.Currency, e.Revenue, method = "KRW", e.Revenue*1400, 2
	case d.chance(300):
		method = 1
	}
	e.Props = s.paid[method][d.below(len(roasts))]
}
