package html

// CountText is the words of what was not counted.
type CountText struct{}

var countEnglish = CountText{}

var countKorean = CountText{}
