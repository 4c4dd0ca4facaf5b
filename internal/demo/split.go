package demo

import "math"

// Split shares events among sites: the first gets its share of them, the others
// the rest with weights 1, 1/2, 1/3 … The sum is exact.
func Split(events int64, sites int, share float64) []int64 {
	if sites < 2 {
		return []int64{events}
	}
	out := make([]int64, sites)
	out[0] = int64(math.Round(float64(events) * share))
	rest := events - out[0]
	var sum, before uint64
	for i := 1; i < sites; i++ {
		sum += whole(1 / float64(i))
	}
	for i := 1; i < sites; i++ {
		after := before + whole(1/float64(i))
		out[i] = part(rest, after, sum) - part(rest, before, sum)
		before = after
	}
	return out
}
