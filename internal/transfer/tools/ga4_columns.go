package tools

import (
	"strings"

	"moonbear/internal/transfer"
)

// What a column of a report is.
type gaColumn int

const (
	gaUnknown gaColumn = iota
	gaDay              // a date
	gaNth              // days since the report's first
	gaDimension
	gaMetric
)

// gaKind is a column we have a word for.
type gaKind struct {
	kind gaColumn
	name string                // a dimension's or a number's name here
	read func(s string) string // a dimension's value here
	// event: the dimension is of events, so that visits have several values.
	event bool
}

// gaColumns are the columns of Google's reports, in English and Korean, in
// lower case. They are its reports' names, and change with its reader's
// language; other languages aren't known.
var gaColumns = func() map[string]gaKind {
	m := map[string]gaKind{}
	put := func(k gaKind, names ...string) {
		for _, n := range names {
			m[n] = k
		}
	}
	text := func(s string) string { return cut(printable(gaValue(s)), 255) }
	path := func(s string) string { return pathOf(told(s)) }
	put(gaKind{kind: gaDay}, "date", "date (yyyymmdd)", "day of event", "날짜")
	put(gaKind{kind: gaNth}, "nth day", "n번째 날", "n번째 일")
	put(gaKind{kind: gaDimension, name: "path", read: path, event: true},
		"page path", "page path and screen class", "page path + query string", "page path and query string", "페이지 경로", "페이지 경로 및 화면 클래스", "페이지 경로 + 쿼리 문자열")
	put(gaKind{kind: gaDimension, name: "entry_page", read: path}, "landing page", "landing page + query string", "방문 페이지", "방문 페이지 + 쿼리 문자열")
	put(gaKind{kind: gaDimension, name: "hostname", read: func(s string) string { return strings.ToLower(text(s)) }, event: true}, "hostname", "host name", "호스트 이름")
	put(gaKind{kind: gaDimension, name: "event_name", read: gaEventName, event: true}, "event name", "이벤트 이름")
	put(gaKind{kind: gaDimension, name: "country", read: country}, "country", "country id", "국가", "국가 id")
	put(gaKind{kind: gaDimension, name: "city", read: text}, "city", "town/city", "시/군/구", "도시")
	put(gaKind{kind: gaDimension, name: "browser", read: browserName}, "browser", "브라우저")
	put(gaKind{kind: gaDimension, name: "os", read: systemName}, "operating system", "운영체제", "운영 체제")
	put(gaKind{kind: gaDimension, name: "device", read: deviceName}, "device category", "device", "기기 카테고리")
	put(gaKind{kind: gaDimension, name: "language", read: languageTag}, "language code", "언어 코드")
	put(gaKind{kind: gaDimension, name: "source", read: text}, "session source", "source", "세션 소스", "소스")
	put(gaKind{kind: gaDimension, name: "source", read: beforeSlash}, "session source / medium", "source / medium", "세션 소스/매체", "세션 소스 / 매체")
	put(gaKind{kind: gaDimension, name: "utm_campaign", read: text}, "session campaign", "session manual campaign name", "세션 캠페인")
	put(gaKind{kind: gaDimension, name: "utm_source", read: text}, "session manual source", "세션 수동 소스")
	put(gaKind{kind: gaDimension, name: "utm_medium", read: text}, "session manual medium", "세션 수동 매체")
	put(gaKind{kind: gaDimension, name: "utm_content", read: text}, "session manual ad content", "세션 수동 광고 콘텐츠")
	put(gaKind{kind: gaDimension, name: "utm_term", read: text}, "session manual term", "세션 수동 검색어")
	put(gaKind{kind: gaDimension, name: "channel", read: told}, "default channel group", "session default channel group", "session default channel grouping",
		"session primary channel group (default channel group)", "세션 기본 채널 그룹", "세션 기본 채널 그룹(기본 채널 그룹)")
	put(gaKind{kind: gaMetric, name: "visitors"}, "active users", "users", "활성 사용자", "활성 사용자 수")
	put(gaKind{kind: gaMetric, name: "all_visitors"}, "total users", "총 사용자", "총 사용자 수", "전체 사용자")
	put(gaKind{kind: gaMetric, name: "visits"}, "sessions", "세션", "세션수", "세션 수")
	put(gaKind{kind: gaMetric, name: "pageviews"}, "views", "screen page views", "조회수")
	put(gaKind{kind: gaMetric, name: "events"}, "event count", "이벤트 수")
	return m
}()

// gaValue is a value but for those in brackets, which are Google's words for
// having none: "(direct)", "(not set)", "(organic)".
func gaValue(s string) string {
	s = told(s)
	if strings.HasPrefix(s, "(") && strings.HasSuffix(s, ")") {
		return ""
	}
	return s
}

func beforeSlash(s string) string {
	before, _, _ := strings.Cut(s, " / ")
	return cut(printable(gaValue(before)), 255)
}

// gaEventName is the name an event of Google's has here; "" for its notes
// about itself.
func gaEventName(s string) string {
	switch s = told(s); s {
	case "page_view":
		return "pageview"
	case "click":
		return "Outbound Link"
	case "session_start", "first_visit", "user_engagement", "scroll":
		return ""
	}
	name, own := eventName(s)
	if own != "" {
		return cut(own, maxName)
	}
	return name
}

func looksGA4(h *transfer.Head) string {
	const not = "it doesn't begin with the comments of a report"
	text := strings.TrimPrefix(string(h.Bytes), "\ufeff")
	if !strings.HasPrefix(text, "# ") || !strings.Contains(text, "# ----") {
		return not
	}
	return ""
}
