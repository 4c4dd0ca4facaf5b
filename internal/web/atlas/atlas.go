// Package atlas knows what places look like and what they are called: the
// shapes of a world map, and the names of countries and regions in the pages'
// languages. It is pure look-up, of files in the binary (docs/data.md).
package atlas

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

//go:embed data/world.tsv
var worldFile string

// Shape is a country on the map.
type Shape struct {
	Code string // ISO 3166-1 alpha-2; XK for Kosovo
	Path string // SVG path in the map's box, "" where the country has no shape
	X, Y int    // its middle
	// Dot says that the shape is too small to be seen, or missing: a colour
	// there needs a dot.
	Dot bool
}

// Map is the countries in the order of their codes, in an Equal Earth
// projection that fills a box of Width and Height.
type Map struct {
	Width, Height int
	Shapes        []Shape
}

// World is the map. It is read once.
var World = sync.OnceValue(func() *Map {
	m, err := parseWorld(worldFile)
	if err != nil {
		panic(err) // the file is in the binary, and a test reads it
	}
	return m
})

// parseWorld reads lines of code, x, y, "dot" or nothing, and path; a comment
// of two numbers is the size of the box.
func parseWorld(text string) (*Map, error) {
	m := &Map{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "#"); ok {
			_, _ = fmt.Sscanf(rest, "%d %d", &m.Width, &m.Height) // the other comment is words
			continue
		}
		f := strings.Split(line, "\t")
		if len(f) != 5 || len(f[0]) != 2 {
			return nil, fmt.Errorf("world map: %.40q is not a code, x, y, dot and path", line)
		}
		s := Shape{Code: f[0], Dot: f[3] == "dot", Path: f[4]}
		var errX, errY error
		s.X, errX = strconv.Atoi(f[1])
		s.Y, errY = strconv.Atoi(f[2])
		if errX != nil || errY != nil {
			return nil, fmt.Errorf("world map: %s is nowhere", s.Code)
		}
		m.Shapes = append(m.Shapes, s)
	}
	if m.Width == 0 || m.Height == 0 {
		return nil, fmt.Errorf("world map: its size is missing")
	}
	return m, nil
}
