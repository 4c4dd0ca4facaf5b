package html

// PerfText is the words of the panel of performance.
type PerfText struct{}

var perfEnglish = PerfText{}

var perfKorean = PerfText{}
