package html

// LiveText is the words of the view of the last thirty minutes.
type LiveText struct{}

var liveEnglish = LiveText{}

var liveKorean = LiveText{}
