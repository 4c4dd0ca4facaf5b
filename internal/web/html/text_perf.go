package html

import "strings"

// PerfText is the words of the panel of performance.
type PerfText struct {
	Measures    map[string]MeasureText // by the measure's name in stats
	Phases      map[string]MetricText  // by the timing's name
	Ratings     map[string]string      // by stats' rating
	Percentiles map[string]string      // what p50, p75 and p95 say, by their number

	Percentile, Choose          string
	TooFew                      string
	Limits, LimitGood, LimitBad string
	Shares, ShareGood           string
	Spread                      string
	Measured, MeasuredTimes     string
	ChartTitle                  string
	Whole                       string
	NotAdded, FewNote           string
	SlowestBy, Slowest          string
	Least, LeastAll, LeastNone  string
	ShowAll, ShowEnough, All    string

	EmptyTitle, EmptyFiltered                           string
	EmptyScript, EmptyVitals, EmptyServer, EmptyBrowser string
}

// MeasureText names a measure: in short, in full, in three words, and what it
// is in a sentence.
type MeasureText struct{ Short, Name, Plain, About string }

var perfEnglish = PerfText{
	Measures: map[string]MeasureText{
		"page_load":  {"Page load", "Page load", "all of it is there", "From the click until the page and everything it asked for had arrived."},
		"lcp":        {"LCP", "Largest Contentful Paint", "main content shows", "From the click until the largest picture or text in view was painted."},
		"inp":        {"INP", "Interaction to Next Paint", "a press is answered", "From a press or a key until the page showed a change: nearly the slowest answer of the time on a page."},
		"cls":        {"CLS", "Cumulative Layout Shift", "the layout holds still", "How much of the page moved by itself, and how far. A score, not a time: 0 is not at all."},
		"fcp":        {"FCP", "First Contentful Paint", "something shows", "From the click until the first text or picture was painted."},
		"vital_ttfb": {"TTFB", "Time to First Byte", "the server answers", "From the click until the first byte of the answer, finding and reaching the server included."},
	},
	Phases: map[string]MetricText{
		"dns":      {"Lookup", "Finding the server's address (DNS)."},
		"connect":  {"Connect", "Reaching the server and agreeing on encryption (TCP and TLS)."},
		"tls":      {"of it TLS", "The part of connecting that agrees on encryption."},
		"ttfb":     {"Server", "Waiting: from the request sent to the first byte of the answer."},
		"download": {"Download", "From the first byte of the page to its last."},
		"render":   {"Render", "From the page's last byte until everything it asked for was there and drawn."},
	},
	Ratings:     map[string]string{"good": "Good", "needs_work": "Needs improvement", "poor": "Poor"},
	Percentiles: map[string]string{"50": "Half were no worse than this", "75": "Three of four were no worse than this", "95": "19 of 20 were no worse than this"},

	Percentile: "p%s", Choose: "Percentile",
	TooFew: "Too few to rate",
	Limits: "Google: good up to %[1]s, poor over %[2]s, at p75.", LimitGood: "good up to %s", LimitBad: "poor over %s",
	Shares: "%[1]s good, %[2]s need improvement, %[3]s poor", ShareGood: "%s good",
	Spread:   "p50 %[1]s · p95 %[2]s",
	Measured: "Measured", MeasuredTimes: "%s measured",
	ChartTitle: "%[1]s, %[2]s, %[3]s",
	Whole:      "Page load",
	NotAdded:   "Percentiles don't add up: each area is the p%s of one phase, the line that of the whole load.",
	FewNote:    "Thin line: fewer than %s measurements in it.",
	SlowestBy:  "Slowest first, by", Slowest: "Slowest: %s",
	Least: "Measured at least %s times.", LeastAll: "With those measured only a few times.", LeastNone: "None was measured %s times, which is the least to rank by.",
	ShowAll: "Show all", ShowEnough: "Leave them out", All: "All %s",

	EmptyTitle: "No timings yet", EmptyFiltered: "No timings match these filters in this period.",
	EmptyScript:  "The script sends them by itself, when a visitor leaves a page.",
	EmptyVitals:  "It measures with a second file, its own address with ?vitals added. A proxy, a cache or a content security policy must let that through.",
	EmptyServer:  "Events that a server sends have no timings.",
	EmptyBrowser: "Not every browser measures everything: CLS comes from Chrome, Edge and their kin only.",
}

var perfKorean = PerfText{
	Measures: map[string]MeasureText{
		"page_load":  {"로딩 시간", "로딩 시간", "페이지가 다 열림", "링크를 누른 때부터 페이지와 그 안의 모든 파일이 도착할 때까지 걸린 시간입니다."},
		"lcp":        {"LCP", "최대 콘텐츠 표시(LCP)", "주요 내용이 보임", "링크를 누른 때부터 화면에서 가장 큰 그림이나 글이 나타날 때까지 걸린 시간입니다."},
		"inp":        {"INP", "다음 화면까지의 상호작용(INP)", "누르면 반응함", "누르거나 입력한 뒤 화면이 바뀔 때까지 걸린 시간입니다. 페이지에 머무는 동안 가장 느린 축에 든 반응을 잽니다."},
		"cls":        {"CLS", "누적 레이아웃 이동(CLS)", "화면이 흔들리지 않음", "페이지 내용이 저절로 얼마나 많이, 멀리 움직였는지 나타냅니다. 시간이 아니라 점수이며 0이면 전혀 움직이지 않은 것입니다."},
		"fcp":        {"FCP", "첫 콘텐츠 표시(FCP)", "무언가 보이기 시작함", "링크를 누른 때부터 첫 글이나 그림이 나타날 때까지 걸린 시간입니다."},
		"vital_ttfb": {"TTFB", "첫 바이트까지의 시간(TTFB)", "서버가 응답함", "링크를 누른 때부터 응답의 첫 바이트가 올 때까지 걸린 시간으로, 서버를 찾아 연결하는 시간도 포함합니다."},
	},
	Phases: map[string]MetricText{
		"dns":      {"주소 찾기", "서버 주소를 찾는 시간입니다(DNS)."},
		"connect":  {"연결", "서버에 연결하고 암호화를 맞추는 시간입니다(TCP와 TLS)."},
		"tls":      {"그중 TLS", "연결하는 시간 중 암호화를 맞추는 부분입니다."},
		"ttfb":     {"서버", "요청을 보낸 뒤 응답의 첫 바이트를 기다리는 시간입니다."},
		"download": {"내려받기", "페이지의 첫 바이트부터 마지막 바이트까지 걸린 시간입니다."},
		"render":   {"그리기", "페이지를 다 받은 뒤 그 안의 모든 파일이 도착해 그려질 때까지 걸린 시간입니다."},
	},
	Ratings:     map[string]string{"good": "좋음", "needs_work": "개선 필요", "poor": "나쁨"},
	Percentiles: map[string]string{"50": "절반은 이 값 이하였습니다", "75": "네 번 중 세 번은 이 값 이하였습니다", "95": "스무 번 중 열아홉 번은 이 값 이하였습니다"},

	Percentile: "p%s", Choose: "백분위수",
	TooFew: "평가하기에 부족",
	Limits: "Google 기준(p75): %[1]s 이하 좋음, %[2]s 초과 나쁨.", LimitGood: "%s 이하 좋음", LimitBad: "%s 초과 나쁨",
	Shares: "좋음 %[1]s, 개선 필요 %[2]s, 나쁨 %[3]s", ShareGood: "%s 좋음",
	Spread:   "p50 %[1]s · p95 %[2]s",
	Measured: "측정", MeasuredTimes: "%s회 측정",
	ChartTitle: "%[1]s, %[2]s, %[3]s",
	Whole:      "로딩 시간",
	NotAdded:   "백분위수는 더할 수 없습니다. 면은 단계마다 따로 구한 p%s이고, 선은 로딩 전체의 값입니다.",
	FewNote:    "가는 선: 측정이 %s회보다 적은 구간입니다.",
	SlowestBy:  "느린 순", Slowest: "느린 순: %s",
	Least: "%s회 이상 측정한 것만 보여 줍니다.", LeastAll: "몇 번만 측정한 것도 함께 보여 줍니다.", LeastNone: "순위를 매기려면 %s회 이상 측정해야 하는데, 그런 항목이 없습니다.",
	ShowAll: "모두 보기", ShowEnough: "적은 것 빼기", All: "전체 %s개",

	EmptyTitle: "아직 속도 기록이 없습니다", EmptyFiltered: "이 기간에는 이 필터에 맞는 속도 기록이 없습니다.",
	EmptyScript:  "방문자가 페이지를 떠날 때 스크립트가 저절로 보냅니다.",
	EmptyVitals:  "측정은 두 번째 파일이 맡습니다. 스크립트와 같은 주소에 ?vitals를 붙인 것이므로 프록시, 캐시, 콘텐츠 보안 정책(CSP)에서 막지 않아야 합니다.",
	EmptyServer:  "서버에서 보낸 이벤트에는 속도 기록이 없습니다.",
	EmptyBrowser: "모든 브라우저가 모든 값을 재지는 않습니다. CLS는 Chrome과 Edge 계열에서만 옵니다.",
}

// perfMetric names a metric of a measure: "lcp_p75" is "LCP p75".
func (t *Text) perfMetric(name string) (MetricText, bool) {
	for measure, words := range t.Perf.Measures {
		rest, ok := strings.CutPrefix(name, measure+"_")
		if !ok {
			continue
		}
		switch rest {
		case "p50", "p75", "p95":
			return MetricText{Name: words.Short + " " + rest, About: words.About + " " + t.Perf.Percentiles[rest[1:]] + "."}, true
		case "count":
			return MetricText{Name: t.Perf.Measured, About: words.About}, true
		}
	}
	return MetricText{}, false
}
