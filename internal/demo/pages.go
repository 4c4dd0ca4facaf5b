package demo

import (
	"fmt"
	"math"
)

// role is what a page is for: where it leads, and what is done on it.
type role uint8

const (
	plain role = iota
	homePage
	listPage
	product
	basket
	checkout // a purchase
	offer    // a sign-up
	guide    // a leaflet to download
	prices   // a price list to download
	article
	missing // not found
)

type page struct {
	path string
	role role
	// What makes it slower than others, in thousandths: what is drawn on it, and
	// the work of the server. 0 is 1,000.
	draw, server int64
}

// fronts are each kind's pages of its own, by how often they are read; the
// first is read most. The long tail is made up.
var fronts = map[kind][]page{
	roaster: {
		{"/", homePage, 1250, 0}, {"/shop", listPage, 1400, 1300}, {"/shop/halla-blend", product, 0, 0},
		{"/journal/brew-guide", guide, 0, 0}, {"/shop/jeju-decaf", product, 0, 0}, {"/journal", plain, 0, 0},
		{"/basket", basket, 800, 1900}, {"/shop/ethiopia-guji", product, 0, 0}, {"/about", plain, 0, 0},
		{"/journal/why-we-roast-light", article, 800, 0}, {"/shop/subscription", offer, 0, 0}, {"/journal/water", article, 0, 0},
		{"/shop/gift-card", product, 0, 0}, {"/journal/grinders-compared", article, 2400, 0}, {"/shop/colombia-huila", product, 0, 0},
		{"/contact", plain, 600, 800}, {"/journal/cold-brew", article, 0, 0}, {"/shipping", plain, 0, 0},
		{"/journal/cupping-notes", article, 1600, 0}, {"/shop/kenya-nyeri", product, 0, 0}, {"/wholesale", prices, 0, 0},
		{"/journal/moka-pot", article, 0, 0}, {"/shop/filters", product, 0, 0}, {"/returns", plain, 0, 0},
		{"/journal/decaf-explained", article, 0, 0}, {"/shop/kettle", product, 0, 0}, {"/privacy", plain, 500, 800},
		{"/journal/farm-visit-2026", article, 3200, 0},
	},
	magazine: {
		{"/", homePage, 1600, 0}, {"/latest", listPage, 1400, 0}, {"/reviews/best-grinders", article, 2000, 0}, {"/subscribe", offer, 700, 0},
		{"/reviews/pour-over-kettles", article, 1800, 0}, {"/guides/first-espresso-machine", guide, 1200, 0}, {"/podcast", plain, 900, 0},
		{"/about", plain, 0, 0}, {"/city/seoul", article, 2600, 0}, {"/city/melbourne", article, 2600, 0}, {"/archive", plain, 1100, 1500}, {"/privacy", plain, 500, 800},
	},
	manual: {
		{"/", homePage, 700, 0}, {"/docs", listPage, 500, 0}, {"/docs/install", article, 500, 0}, {"/docs/calibration", article, 500, 0},
		{"/pricing", offer, 600, 0}, {"/docs/api", article, 800, 0}, {"/download", guide, 500, 0}, {"/docs/troubleshooting", article, 500, 0},
		{"/changelog", plain, 600, 0}, {"/support", plain, 500, 1400}, {"/resellers", prices, 0, 0}, {"/privacy", plain, 500, 800},
	},
	cafe: {
		{"/", homePage, 1900, 0}, {"/menu", listPage, 1300, 0}, {"/visit", plain, 1100, 0}, {"/book", offer, 800, 2200},
		{"/shop", listPage, 1300, 1200}, {"/basket", basket, 800, 1900}, {"/shop/house-beans", product, 0, 0}, {"/shop/mug", product, 0, 0},
		{"/events", plain, 1500, 0}, {"/story", plain, 1700, 0}, {"/jobs", plain, 0, 0}, {"/privacy", plain, 500, 800},
	},
}

// checkoutPage and the broken links are reached over others only: nobody begins
// there.
var checkoutPage = page{"/checkout", checkout, 1100, 2600}

var broken = []weighted{{"/journal/brew-giude", 4}, {"/shop/christmas-2024", 3}, {"/shop/sumatra", 2}, {"/events/2019", 1}}

// Words of the long tail.
var (
	lands = []string{"ethiopia", "kenya", "rwanda", "burundi", "colombia", "brazil", "peru", "bolivia", "ecuador", "guatemala",
		"honduras", "costa-rica", "panama", "el-salvador", "mexico", "yemen", "india", "java", "papua-new-guinea", "timor"}
	farms = []string{"alto", "las-nubes", "la-esperanza", "el-mirador", "san-pedro", "gatomboya", "kochere", "nyamasheke", "monte-verde",
		"santa-rosa", "el-paraiso", "rio-claro", "hambela", "karimikui", "buena-vista", "los-cedros", "kayon", "cerro-azul"}
	processes = []string{"washed", "natural", "honey", "anaerobic", "decaf", "carbonic"}
	subjects  = []string{"grind-size", "water-hardness", "light-roasts", "dark-roasts", "espresso", "filter-coffee", "the-aeropress", "cold-drip",
		"milk", "storage", "freezing-beans", "tasting", "burrs", "scales", "kettles", "paper-filters", "metal-filters", "roast-curves",
		"first-crack", "green-coffee", "fair-prices", "harvests", "decaf", "caffeine", "latte-art", "machines-at-home"}
	angles = []string{"notes-on", "a-year-of", "how-we-think-about", "mistakes-with", "a-short-history-of", "questions-about", "the-cost-of",
		"measuring", "teaching", "letters-about", "what-we-learned-about", "in-praise-of", "against", "beginners-and", "the-science-of",
		"travelling-with", "buying", "repairing", "an-evening-with", "rethinking"}
)

// sections are where each kind keeps its articles and products.
var sections = map[kind]struct{ articles, products string }{
	roaster: {"/journal/", "/shop/"}, magazine: {"/stories/", "/reviews/"}, manual: {"/docs/", "/docs/parts/"}, cafe: {"/news/", "/shop/"},
}

// catalogue is a shop's pages by how often they are read. A site with more
// visits has more pages: about one for every ten visits a day, 6,000 at
// most.
func catalogue(k kind, perDay float64) []page {
	list := append([]page(nil), fronts[k]...)
	n := int(math.Min(6000, perDay/10))
	for i := 0; len(list) < n; i++ {
		list = append(list, tail(k, i))
	}
	for i := range list {
		list[i].settle()
	}
	return list
}

// settle writes out what is left at the usual.
func (p *page) settle() {
	if p.draw == 0 {
		p.draw = 1000
	}
	if p.server == 0 {
		p.server = 1000
	}
}

// tail is one page of the long tail: two products, then three articles, and so
// on.
func tail(k kind, i int) page {
	s := sections[k]
	heavy := int64(700 + hash(uint64(i))%900)
	if i%5 < 2 {
		n := i/5*2 + i%5
		path := s.products + lands[n%20] + "-" + farms[n/20*7%18] + "-" + processes[(n+n/20)%6]
		if lot := n / (20 * 18); lot > 0 {
			path += fmt.Sprintf("-lot-%d", lot+1)
		}
		r := product
		if k == magazine || k == manual {
			r = article
		}
		return page{path, r, heavy, 1000}
	}
	n := i/5*3 + i%5 - 2
	path := s.articles + angles[n%20] + "-" + subjects[n/20%26]
	if part := n / (20 * 26); part > 0 {
		path += fmt.Sprintf("-part-%d", part+1)
	}
	return page{path, article, heavy, 1000}
}
