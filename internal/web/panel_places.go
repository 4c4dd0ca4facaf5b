package web

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"moonbear/internal/stats"
	"moonbear/internal/web/atlas"
	"moonbear/internal/web/html"
)

// mapTab is the tab that shows countries on a map.
const mapTab = "map"

// placesPanel is where visitors are: a map of the countries, and lists.
func placesPanel() panel {
	p := listPanel("places")
	list := p.show
	p.tabs = append([]string{mapTab}, p.tabs...)
	asked := p.question
	p.question = func(a ask, tab string) stats.Query {
		if tab == mapTab {
			return mapQuery(a)
		}
		return asked(a, tab)
	}
	p.show = func(ctx context.Context, b *board, f html.Frame, tab string) (templ.Component, error) {
		switch tab {
		case mapTab:
			return showMap(ctx, b, f)
		case string(stats.Region), string(stats.City):
			res, err := b.s.o.Stats.Run(ctx, p.question(b.a, tab))
			if err != nil {
				return nil, err
			}
			if len(res.Rows) == 0 {
				return html.NoFinerPlaces(f, b.edits), nil
			}
		}
		return list(ctx, b, f, tab)
	}
	return p
}

// mapQuery asks for every country at once: there are 250.
func mapQuery(a ask) stats.Query {
	q := a.q
	q.Compare = stats.NoComparison
	return q.By(stats.Country, stats.MaxPageSize, stats.Visitors)
}

func showMap(ctx context.Context, b *board, f html.Frame) (templ.Component, error) {
	res, err := b.s.o.Stats.Run(ctx, mapQuery(b.a))
	if err != nil {
		return nil, err
	}
	whole, err := b.total(ctx, stats.Visitors)
	if err != nil {
		return nil, err
	}
	f.Column = b.t.Metric(string(stats.Visitors)).Name
	return html.MapPanel(f, mapView(b.t, b.a, res.Rows, whole)), nil
}

// mapTop is how many countries are named under the map.
const mapTop = 3

// mapView paints rows, which are by number, most first.
func mapView(t *html.Text, a ask, rows []stats.Row, whole stats.Number) html.WorldMap {
	world := atlas.World()
	m := html.WorldMap{ViewBox: fmt.Sprintf("0 0 %d %d", world.Width, world.Height)}
	at := map[string]stats.Row{}
	var numbers []float64
	var top []string
	known := 0
	for _, r := range rows {
		n := r.Value(stats.Visitors).N
		code := r.Keys[0]
		if !slices.ContainsFunc(world.Shapes, func(s atlas.Shape) bool { return s.Code == code }) {
			share := t.Percent(number(stats.Share(stats.Number{N: n, OK: true}, whole)))
			if code == "" {
				m.Unknown = fmt.Sprintf(t.Place.MapUnknown, t.Exact(n), share)
			}
			continue
		}
		at[code] = r
		numbers = append(numbers, n)
		if known++; known <= mapTop {
			p := mapPlace(t, a, r, whole)
			m.Top = append(m.Top, p)
			top = append(top, p.Title)
		}
	}
	steps := mapSteps(numbers)
	var land strings.Builder
	for _, s := range world.Shapes {
		r, there := at[s.Code]
		if !there || s.Dot {
			land.WriteString(s.Path)
		}
		if !there {
			continue
		}
		p := mapPlace(t, a, r, whole)
		p.Step, p.N = stepOf(steps, r.Value(stats.Visitors).N), r.Value(stats.Visitors).N
		if p.Path = s.Path; s.Dot {
			p.Path, p.X, p.Y = "", strconv.Itoa(s.X), strconv.Itoa(s.Y)
		}
		m.Places = append(m.Places, p)
	}
	m.Land = land.String()
	// Dots lie over shapes, and what is more over what is less.
	slices.SortStableFunc(m.Places, func(x, y html.MapPlace) int {
		if (x.Path == "") != (y.Path == "") {
			return strings.Compare(y.Path, x.Path)
		}
		return cmp.Compare(x.N, y.N)
	})
	m.Label = fmt.Sprintf(t.Place.MapLabel, strings.Join(top, "; "))
	m.Legend = legend(t, steps, numbers)
	if known > mapTop {
		all := a.choose(choice{name: "places", values: []string{mapTab}}, string(stats.Country))
		m.AllURL, m.AllFragment = all.url("")+"#panel-places", all.url("/panels/places")
		m.All = fmt.Sprintf(t.Place.MapAll, t.Exact(float64(known)))
	}
	return m
}

func mapPlace(t *html.Text, a ask, r stats.Row, whole stats.Number) html.MapPlace {
	code, n := r.Keys[0], r.Value(stats.Visitors).Number
	f := rowFilter(stats.Country, code)
	p := html.MapPlace{Code: code, Name: atlas.Country(t.Lang, code), Active: a.has(f), FilterURL: a.toggled(f).url("")}
	p.Share = t.Percent(number(stats.Share(n, whole)))
	p.Title = fmt.Sprintf(t.Place.MapPlace, p.Name, t.Exact(number(n)), p.Share)
	if !p.Active {
		p.ExcludeURL = a.toggled(rowExclusion(stats.Country, code)).url("")
	}
	return p
}

// shades is how many steps of colour the map has; more can't be told apart.
const shades = 5

// mapSteps are the numbers at which a darker shade begins, least first: round
// ones, at even ratios between the fewest and the most. (Even distances would
// leave one country dark and all others pale; quantiles would paint two
// visitors like a thousand.)
func mapSteps(numbers []float64) []float64 {
	if len(numbers) == 0 {
		return nil
	}
	low, high := math.Max(slices.Min(numbers), 1), slices.Max(numbers)
	first := roundDown(low)
	steps := []float64{first}
	for i := 1; i < shades; i++ {
		s := roundDown(first * math.Pow(high/first, float64(i)/shades))
		if s > steps[len(steps)-1] && s <= high {
			steps = append(steps, s)
		}
	}
	return steps
}

// roundDown is the largest of 1, 2, 5, 10, 20, 50 … that isn't over v.
func roundDown(v float64) float64 {
	p := math.Pow(10, math.Floor(math.Log10(v)+1e-9))
	for _, m := range []float64{5, 2} {
		if v >= m*p {
			return m * p
		}
	}
	return p
}

// stepOf is the shade of a number, from 1 to shades; a map of few steps uses
// the darker ones.
func stepOf(steps []float64, n float64) int {
	at := 0
	for i, s := range steps {
		if n >= s {
			at = i
		}
	}
	return shades - len(steps) + 1 + at
}

// legend says which numbers a shade stands for: "1–4", "5–19", "20 and more".
func legend(t *html.Text, steps, numbers []float64) []html.MapStep {
	var out []html.MapStep
	for i, s := range steps {
		l := html.MapStep{Step: shades - len(steps) + 1 + i}
		last := slices.Max(numbers)
		if i+1 < len(steps) {
			last = steps[i+1] - 1
		}
		switch {
		case i+1 == len(steps) && len(steps) > 1:
			l.Label = fmt.Sprintf(t.Place.MapMost, t.RowValue(s))
		case last <= s || len(steps) == 1 && len(numbers) == 1:
			l.Label = t.RowValue(last)
		default:
			l.Label = t.RowValue(s) + "–" + t.RowValue(last)
		}
		out = append(out, l)
	}
	return out
}

// placeTitle is a place's name with what it is part of.
func placeTitle(t *html.Text, d stats.Dimension, value string) string {
	switch d {
	case stats.Country:
		return atlas.Country(t.Lang, value)
	case stats.Region:
		country, _, _ := strings.Cut(value, "-")
		return fmt.Sprintf(t.Place.RegionOf, atlas.Region(t.Lang, value), atlas.Country(t.Lang, country))
	}
	return value
}
