package html

// CountText is the words of what was not counted.
type CountText struct {
	Share, TotalShare, ChartTitle, Most, BarOf, All, AllReasons, AllDetails string
	WhatToDo, Last, NoDetail, Note, Total, None                             string
	// The list of sites.
	SitesSearch, SitesNoneFound, SitesUnit, SitesNone, SitesAll, SitesDays string
	Remedies                                                               map[string]string // by collect's drop reason
	Details                                                                map[string]string // what the details of a reason are
}

// Remedy says what to do about a drop reason, "" for one nobody has words for.
func (t *Text) Remedy(reason string) string { return t.Count.Remedies[reason] }

var countEnglish = CountText{
	Share: "%s of all hits", TotalShare: "hits weren't counted: %s of all",
	ChartTitle: "Hits that weren't counted", Most: "%s at most", BarOf: "%s: %s", All: "Everything, and what to do about it", AllReasons: "All reasons", AllDetails: "All %s",
	WhatToDo: "What to do:", Last: "Last", NoDetail: "Nothing like that was refused", Total: "Total", None: "None named",
	SitesSearch: "Search sites", SitesNoneFound: "No site has that in its name", SitesUnit: "Visitors in the last 28 days, against the 28 before",
	SitesNone: "None in 28 days", SitesAll: "All %s sites", SitesDays: "Visitors day by day, %s in 28 days",
	Note: "What is refused has no page, source or country that is kept, so the filters don't apply here.",
	Remedies: map[string]string{
		"bot":                      "nothing. A program is no visitor. If you tried the page with a testing tool, use an ordinary browser.",
		"hostname":                 "allow what is yours, and it counts from then on. The others have copied your pages or your snippet; leave those.",
		"quota":                    "choose a larger plan, or wait for next month. What was refused can't be brought back.",
		"referrer_spam":            "nothing. Nobody visited: the address was sent so that you would open it.",
		"engagement_without_visit": "nothing. Pageviews aren't affected: only the time and scroll depth of that page are missing. Tabs left open for hours do this.",
	},
	Details: map[string]string{"bot": "Bot", "hostname": "Hostname", "quota": "Detail", "referrer_spam": "Domain", "engagement_without_visit": "Detail"},
}

var countKorean = CountText{
	Share: "전체 요청의 %s", TotalShare: "건을 세지 않았습니다. 전체 요청의 %s입니다.",
	ChartTitle: "세지 않은 요청", Most: "가장 많을 때 %s건", BarOf: "%s: %s", All: "전체 내역과 해결 방법 보기", AllReasons: "모든 이유", AllDetails: "전체 %s개",
	WhatToDo: "해결 방법:", Last: "마지막", NoDetail: "해당하는 요청이 없습니다", Total: "합계", None: "이름 없음",
	SitesSearch: "사이트 검색", SitesNoneFound: "이름에 그 말이 들어간 사이트가 없습니다", SitesUnit: "최근 28일 방문자, 그 전 28일과 비교",
	SitesNone: "28일 동안 없음", SitesAll: "사이트 %s개 모두", SitesDays: "날마다 센 방문자, 28일 동안 %s명",
	Note: "세지 않은 요청은 페이지, 유입원, 국가를 남기지 않으므로 필터가 적용되지 않습니다.",
	Remedies: map[string]string{
		"bot":                      "할 일이 없습니다. 프로그램은 방문자가 아닙니다. 테스트 도구로 열어 보셨다면 일반 브라우저를 쓰세요.",
		"hostname":                 "내 것이라면 허용하세요. 그때부터 셉니다. 나머지는 내 페이지나 추적 코드를 베껴 간 곳이니 그대로 두면 됩니다.",
		"quota":                    "더 큰 요금제로 바꾸거나 다음 달을 기다려 주세요. 세지 않은 요청은 되살릴 수 없습니다.",
		"referrer_spam":            "할 일이 없습니다. 실제 방문이 아니라, 주소를 눌러 보게 하려고 보낸 요청입니다.",
		"engagement_without_visit": "할 일이 없습니다. 페이지뷰는 이미 세었고 체류 시간만 빠집니다. 몇 시간씩 열어 둔 탭에서 생깁니다.",
	},
	Details: map[string]string{"bot": "봇", "hostname": "호스트 이름", "quota": "내용", "referrer_spam": "도메인", "engagement_without_visit": "내용"},
}
