package html

// GoalText is the words of events, goals and segments.
type GoalText struct{}

var goalEnglish = GoalText{}

var goalKorean = GoalText{}
