package pagetest

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"slices"
)

// near is how little two colours may differ, channel by channel summed, to be
// one in a palette: less than an eye sees, more than a letter's soft edge has
// shades.
const near = 14

// Compact gives a picture of a page with a palette of 256 colours, which is a
// third of its size. A page has few colours but for its letters' edges, so the
// commonest are kept exactly and the others become the nearest of them.
func Compact(picture []byte) ([]byte, error) {
	src, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, fmt.Errorf("read the picture: %w", err)
	}
	bounds := src.Bounds()
	counts := map[color.RGBA]int{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			counts[rgba(src.At(x, y))]++
		}
	}
	colours := paletteOf(counts)
	out := image.NewPaletted(bounds, colours)
	index := map[color.RGBA]uint8{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			c := rgba(src.At(x, y))
			i, ok := index[c]
			if !ok {
				i = uint8(colours.Index(c))
				index[c] = i
			}
			out.SetColorIndex(x, y, i)
		}
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, out); err != nil {
		return nil, fmt.Errorf("write the picture: %w", err)
	}
	return b.Bytes(), nil
}

func rgba(c color.Color) color.RGBA {
	r, g, b, _ := c.RGBA()
	return color.RGBA{uint8(r >> 8), uint8(g >> 8), uint8(b >> 8), 255}
}

// paletteOf picks the commonest colours, so many that no other is far from all
// of them, at most 256.
func paletteOf(counts map[color.RGBA]int) color.Palette {
	order := make([]color.RGBA, 0, len(counts))
	for c := range counts {
		order = append(order, c)
	}
	slices.SortFunc(order, func(a, b color.RGBA) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a.R, b.R), cmp.Compare(a.G, b.G), cmp.Compare(a.B, b.B))
	})
	for far := near; ; far += far / 2 {
		if p, fits := spread(order, far); fits {
			return p
		}
	}
}

// spread takes colours in order, leaving out those close to one it has taken.
func spread(order []color.RGBA, far int) (p color.Palette, fits bool) {
	const own = 32 // the page's own colours, which may be close to each other
	for _, c := range order {
		if len(p) >= own && slices.ContainsFunc(p, func(q color.Color) bool { return apart(c, q.(color.RGBA)) < far }) {
			continue
		}
		if len(p) == 256 {
			return nil, false
		}
		p = append(p, c)
	}
	return p, true
}

func apart(a, b color.RGBA) int {
	d := func(x, y uint8) int { return max(int(x), int(y)) - min(int(x), int(y)) }
	return d(a.R, b.R) + d(a.G, b.G) + d(a.B, b.B)
}
