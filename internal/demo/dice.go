package demo

import (
	"math"
	"math/bits"
)

// dice is a splitmix64 generator. Draws are made of integers and of tables
// rounded to integers, because the last bit of a float may differ from one
// processor to another, and the same command must give the same events on all.
type dice struct{ state uint64 }

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	return mix(d.state)
}

// mix is a bijection of 64 bits in which each bit of x stirs all others.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// hash mixes numbers into one.
func hash(words ...uint64) uint64 {
	h := uint64(0x243f6a8885a308d3)
	for _, w := range words {
		h = mix(h ^ w*0x9e3779b97f4a7c15)
	}
	return h
}

// hashText is FNV-1a, stirred.
func hashText(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

// nonZero makes an ID: 0 means none.
func nonZero(h uint64) int64 {
	if h == 0 {
		return 1
	}
	return int64(h)
}

// below draws from 0 to n-1.
func (d *dice) below(n int) int {
	hi, _ := bits.Mul64(d.next(), uint64(n))
	return int(hi)
}

// chance is true perMille times in a thousand.
func (d *dice) chance(perMille int) bool { return d.next()>>32*1000>>32 < uint64(perMille) }

// alias draws from a weighted list in constant time, whatever its length
// (Vose's method).
type alias struct {
	keep  []uint32 // below this the place drawn stands, else its other is taken
	other []uint32
}

func newAlias(weights []uint64) alias {
	n := len(weights)
	a := alias{keep: make([]uint32, n), other: make([]uint32, n)}
	var sum uint64
	for _, w := range weights {
		sum += w
	}
	scaled := make([]uint64, n) // sum is an even share
	var small, large []int
	for i, w := range weights {
		scaled[i] = w * uint64(n)
		a.keep[i], a.other[i] = math.MaxUint32, uint32(i)
		if scaled[i] < sum {
			small = append(small, i)
		} else {
			large = append(large, i)
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		hi, lo := bits.Mul64(scaled[s], math.MaxUint32)
		share, _ := bits.Div64(hi, lo, sum)
		a.keep[s], a.other[s] = uint32(share), uint32(l)
		scaled[l] -= sum - scaled[s]
		if scaled[l] < sum {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	return a
}

func (a alias) draw(d *dice) int {
	x := d.next()
	i := (x >> 32) * uint64(len(a.keep)) >> 32
	if uint32(x) < a.keep[i] {
		return int(i)
	}
	return int(a.other[i])
}

// aliasOf makes a table of a list of which weight tells the weights.
func aliasOf[T any](list []T, weight func(T) float64) alias {
	w := make([]uint64, len(list))
	for i, x := range list {
		w[i] = whole(weight(x))
	}
	return newAlias(w)
}

// whole rounds a weight to millionths: an integer that all processors agree on.
func whole(weight float64) uint64 { return uint64(math.Round(weight * 1e6)) }

// newZipf draws ranks with weight 1/(rank+1)^s.
func newZipf(n int, s float64) alias {
	w := make([]uint64, n)
	for i := range w {
		w[i] = uint64(math.Round(1e9 / math.Pow(float64(i+1), s)))
	}
	return newAlias(w)
}

// spread is a log-normal distribution around 1 as 4,096 quantiles, each in
// 65,536ths.
type spread [1 << spreadBits]uint32

const spreadBits = 12

func newSpread(sigma float64) *spread {
	var s spread
	for i := range s {
		p := (float64(i) + 0.5) / float64(len(s))
		s[i] = uint32(math.Round(65536 * math.Exp(sigma*math.Sqrt2*math.Erfinv(2*p-1))))
	}
	return &s
}

// of draws a time whose median is given; draw has twelve random low bits.
func (s *spread) of(median int64, draw uint64) int64 {
	return median * int64(s[draw&(1<<spreadBits-1)]) >> 16
}

// poisson draws a count with mean l (Knuth's method; l is small here, large
// ones are split so that exp(-l) stays well above zero).
func (d *dice) poisson(l float64) int {
	n := 0
	for ; l > 30; l -= 30 {
		n += d.poisson(30)
	}
	limit, p := math.Exp(-l), d.float()
	for p > limit {
		n++
		p *= d.float()
	}
	return n
}

// float draws from 0 to 1, without 1.
func (d *dice) float() float64 { return float64(d.next()>>11) / (1 << 53) }
