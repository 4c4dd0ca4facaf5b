package html

// ShellText is the words of the tools around panels: menus, dates, keys, CSV.
type ShellText struct {
	// Taking numbers along.
	Export, CSV, Curl, CurlShow, CurlHint, Chart, Headline string

	// All rows.
	Change, NotFound, Cut, Property string

	// The period.
	Yesterday, Before, After, From, To, DatesOrder, Interval string
	Intervals                                                map[string]string

	// Filters. Conditions are by operator: {what} is the dimension, {values}
	// are the values.
	FilterEdit, FilterTurn, FilterAnother, RowExclude, And, Or, Not string
	Conditions                                                      map[string]string
	Groups                                                          map[string]string

	// How it stands.
	AsOf, Behind, Offline string

	// Keys.
	Keys, KeysOn string
	KeyWords     map[string]string
}

var shellEnglish = ShellText{
	Export: "Take these numbers along", CSV: "Download CSV", Curl: "Copy as curl", CurlShow: "Show the command",
	CurlHint: "It asks the API the same; an API token goes into $MOONBEAR_TOKEN.", Chart: "Chart", Headline: "Totals",

	Change: "Change", NotFound: "No row contains “%s”", Cut: "The file has the first %s rows in this order.", Property: "Property %s",

	Yesterday: "Yesterday", Before: "Earlier", After: "Later", From: "From", To: "To", DatesOrder: "The last day is before the first.",
	Interval:  "A point of the chart is",
	Intervals: map[string]string{"minute": "Minute", "hour": "Hour", "day": "Day", "week": "Week", "month": "Month"},

	FilterEdit: "Change this filter", FilterTurn: "Turn around: %s", FilterAnother: "+ another value", RowExclude: "All but %s",
	And: " and ", Or: " or ", Not: "not (%s)",
	Conditions: map[string]string{
		"eq": "{what} is {values}", "neq": "{what} is not {values}", "in": "{what} is one of {values}", "not_in": "{what} is none of {values}",
		"contains": "{what} contains {values}", "not_contains": "{what} doesn't contain {values}", "starts_with": "{what} starts with {values}",
		"matches": "{what} matches {values}", "is_set": "{what} is known", "is_not_set": "{what} is not known", "gt": "{what} is over {values}", "lt": "{what} is under {values}",
	},
	Groups: map[string]string{"pages": "Pages", "sources": "Where visits come from", "places": "Places", "devices": "Devices", "events": "Events", "properties": "Properties of events"},

	AsOf: "As of %s", Behind: "The newest hits are %s behind. They are safe and will be counted; nothing is lost.",
	Offline: "The server can't be reached. What you see stays.",

	Keys: "Keys", KeysOn: "Single keys work on this device",
	KeyWords: map[string]string{
		"step": "A period earlier, later", "compare": "Compare, or not", "metric": "A headline number in the chart", "filter": "Add a filter", "clear": "Clear the filters",
		"sites": "Another site", "reload": "Ask again", "chart": "Point by point through the chart", "press": "click", "exclude": "All rows but this one", "help": "This list", "search": "Search",
	},
}

var shellKorean = ShellText{
	Export: "이 수치 가져가기", CSV: "CSV 내려받기", Curl: "curl 명령 복사", CurlShow: "명령 보기",
	CurlHint: "같은 질문을 API에 보내는 명령입니다. API 토큰은 $MOONBEAR_TOKEN에 넣어 주세요.", Chart: "차트", Headline: "합계",

	Change: "증감", NotFound: "‘%s’이(가) 들어간 항목이 없습니다", Cut: "파일에는 이 순서로 앞에서부터 %s개가 담깁니다.", Property: "속성 %s",

	Yesterday: "어제", Before: "이전 기간으로", After: "다음 기간으로", From: "시작일", To: "종료일", DatesOrder: "종료일이 시작일보다 빠릅니다.",
	Interval:  "차트의 간격",
	Intervals: map[string]string{"minute": "분", "hour": "시간", "day": "일", "week": "주", "month": "월"},

	FilterEdit: "필터 고치기", FilterTurn: "반대로 바꾸기: %s", FilterAnother: "+ 값 추가", RowExclude: "%s 제외",
	And: " 그리고 ", Or: " 또는 ", Not: "다음이 아님: (%s)",
	Conditions: map[string]string{
		"eq": "{what}: {values}", "neq": "{what}: {values} 제외", "in": "{what}: {values} 중 하나", "not_in": "{what}: {values} 모두 제외",
		"contains": "{what}: ‘{values}’ 포함", "not_contains": "{what}: ‘{values}’ 포함 안 함", "starts_with": "{what}: ‘{values}’(으)로 시작",
		"matches": "{what}: ‘{values}’ 패턴과 일치", "is_set": "{what}: 값 있음", "is_not_set": "{what}: 값 없음", "gt": "{what}: {values} 초과", "lt": "{what}: {values} 미만",
	},
	Groups: map[string]string{"pages": "페이지", "sources": "유입 경로", "places": "지역", "devices": "기기", "events": "이벤트", "properties": "이벤트 속성"},

	AsOf: "%s 기준", Behind: "최신 기록이 %s 늦게 반영되고 있습니다. 모두 안전하게 보관되어 있으며 곧 집계됩니다.",
	Offline: "서버에 연결할 수 없습니다. 지금 보이는 수치는 그대로 둡니다.",

	Keys: "단축키", KeysOn: "이 기기에서 단축키 사용",
	KeyWords: map[string]string{
		"step": "이전·다음 기간", "compare": "비교 켜기·끄기", "metric": "차트에 표시할 지표", "filter": "필터 추가", "clear": "필터 모두 해제",
		"sites": "다른 사이트", "reload": "새로 고침", "chart": "차트를 한 칸씩 읽기", "press": "클릭", "exclude": "이 항목만 제외", "help": "이 목록", "search": "검색",
	},
}
