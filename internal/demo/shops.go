package demo

import (
	"fmt"
	"time"
)

// Version is another one when the same options give other events.
const Version = 1

// Domain is the first shop's domain and only hostname.
const Domain = "hallacoffee.example"

// kind is what a site is; its pages follow from it.
type kind int

const (
	roaster  kind = iota // a shop with a journal
	magazine             // articles and a letter to subscribe to
	manual               // a product's documentation
	cafe                 // a menu and tables to book
)

// Shop is whose traffic it is.
type Shop struct {
	Domain string
	Zone   string // IANA name of its time zone
	home   string // the country that reads it most
	kind   kind

	launchDay  time.Weekday
	launchWeek int // of the month, from 0: 2 is the third such day
}

// Shops are n sites of one coffee company and its friends around the world. The
// first is Domain; the same n always are the same sites.
func Shops(n int) []Shop {
	out := make([]Shop, n)
	for i := range out {
		s := shops[i%len(shops)]
		if round := i / len(shops); round > 0 {
			s.Domain = fmt.Sprintf("%s-%d.example", s.Domain[:len(s.Domain)-len(".example")], round+1)
		}
		s.launchDay = time.Tuesday + time.Weekday(i%3)
		s.launchWeek = (2 + i) % 4
		out[i] = s
	}
	return out
}

var shops = []Shop{
	{Domain: Domain, Zone: "Asia/Seoul", home: "KR", kind: roaster},
	{Domain: "fjordroast.example", Zone: "Europe/Oslo", home: "NO", kind: roaster},
	{Domain: "thefilterpaper.example", Zone: "Europe/London", home: "GB", kind: magazine},
	{Domain: "grinderhandbook.example", Zone: "America/Los_Angeles", home: "US", kind: manual},
	{Domain: "yodongcafe.example", Zone: "Asia/Seoul", home: "KR", kind: cafe},
	{Domain: "hafenroesterei.example", Zone: "Europe/Berlin", home: "DE", kind: roaster},
	{Domain: "torrefacaosul.example", Zone: "America/Sao_Paulo", home: "BR", kind: roaster},
	{Domain: "kissaten-notes.example", Zone: "Asia/Tokyo", home: "JP", kind: magazine},
	{Domain: "lanewaybeans.example", Zone: "Australia/Melbourne", home: "AU", kind: roaster},
	{Domain: "boulangerie-cafe.example", Zone: "Europe/Paris", home: "FR", kind: cafe},
	{Domain: "monsoonmalabar.example", Zone: "Asia/Kolkata", home: "IN", kind: roaster},
	{Domain: "roastcurve.example", Zone: "America/New_York", home: "US", kind: manual},
	{Domain: "daechiespresso.example", Zone: "Asia/Seoul", home: "KR", kind: cafe},
	{Domain: "grachtkoffie.example", Zone: "Europe/Amsterdam", home: "NL", kind: roaster},
	{Domain: "cupping-club.example", Zone: "Europe/Copenhagen", home: "DK", kind: magazine},
	{Domain: "alishanhighland.example", Zone: "Asia/Taipei", home: "TW", kind: roaster},
	{Domain: "espresso-parts.example", Zone: "Europe/Rome", home: "IT", kind: manual},
	{Domain: "cuba-street-coffee.example", Zone: "Pacific/Auckland", home: "NZ", kind: cafe},
	{Domain: "fincalasnubes.example", Zone: "America/Bogota", home: "CO", kind: roaster},
	{Domain: "saigonphin.example", Zone: "Asia/Ho_Chi_Minh", home: "VN", kind: cafe},
}
