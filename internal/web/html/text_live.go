package html

// LiveText is the words of the view of the last thirty minutes.
type LiveText struct {
	Title, Going, Paused, Pause, Resume                                          string
	Online, Visitors, Pageviews, MinutesTitle, MinutesLabel, Minute, From, Until string
	Nobody, Nothing, Newest, JustNow, SecondsAgo, MinutesAgo                     string
	Lists                                                                        map[string]string
}

var liveEnglish = LiveText{
	Title: "Now on %s", Going: "Looks again every 5 seconds", Paused: "Paused", Pause: "Pause", Resume: "Go on",
	Online: "Visitors now, in the last 5 minutes", Visitors: "Visitors in 30 minutes", Pageviews: "Pageviews in 30 minutes",
	MinutesTitle: "Visitors by minute, %s at most", MinutesLabel: "Visitors by minute, from 30 minutes ago until now: %s",
	Minute: "%s: %s visitors", From: "30 minutes ago", Until: "now",
	Nobody: "Nobody has been here in the last 30 minutes. Whoever comes shows here within seconds.", Nothing: "Nothing in 30 minutes",
	Newest: "Newest", JustNow: "just now", SecondsAgo: "%s s ago", MinutesAgo: "%s min ago",
	Lists: map[string]string{"pages": "Pages", "sources": "Where they came from", "countries": "Countries", "devices": "Devices", "events": "Events", "goals": "Goals"},
}

var liveKorean = LiveText{
	Title: "지금 %s", Going: "5초마다 새로 확인합니다", Paused: "멈춤", Pause: "멈추기", Resume: "계속하기",
	Online: "지금 방문자 (최근 5분)", Visitors: "30분 동안 방문자", Pageviews: "30분 동안 페이지뷰",
	MinutesTitle: "1분마다 센 방문자, 가장 많을 때 %s명", MinutesLabel: "30분 전부터 지금까지 1분마다 센 방문자: %s",
	Minute: "%s 방문자 %s명", From: "30분 전", Until: "지금",
	Nobody: "최근 30분 동안 아무도 오지 않았습니다. 누군가 오면 몇 초 안에 여기에 나타납니다.", Nothing: "30분 동안 없음",
	Newest: "방금 일어난 일", JustNow: "방금", SecondsAgo: "%s초 전", MinutesAgo: "%s분 전",
	Lists: map[string]string{"pages": "페이지", "sources": "유입 경로", "countries": "국가", "devices": "기기", "events": "이벤트", "goals": "목표"},
}
