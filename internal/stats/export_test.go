package stats

// ByValues finds percentiles of however few events from how often each value
// was measured.
func ByValues(s *Stats) *Stats {
	s.inOneGo = -1
	return s
}
