package html

// DocsText is every word around the documentation. The pages themselves are
// Markdown in docs/, one file for each language.
type DocsText struct {
	Title, Lead   string // of the index
	Pages         map[string]DocText
	Contents      string // above the table of contents
	Anchor        string // of the link beside a heading
	Code, Table   string // names of what scrolls sideways
	OtherLanguage string // where a part is in English only
	Links         string // the link in menus and at the foot of pages

	// The reference of the API.
	Operations, Needs, Parameters, Body, Answer, Errors string
	Field, Type, Meaning, Required, Default, Example    string
	Values, AnyToken, Scope, NoBody                     string
}

// DocText names a page of documentation and says what is in it.
type DocText struct{ Name, About string }

var englishDocs = DocsText{
	Title: "Documentation",
	Lead:  "How to install it, what it counts, and how to ask it questions.",
	Pages: map[string]DocText{
		"tracker": {"The script", "One line of HTML, and everything it can do: events, revenue, opting out, running under your own domain."},
		"moving":  {"Moving here", "Coming from Plausible, Umami, GoatCounter or Google Analytics: what to change, and which numbers will differ, and why."},
		"metrics": {"What the numbers mean", "Every metric, period and filter, defined to the last edge case."},
		"export":  {"Taking events along", "Every stored event as CSV, NDJSON or Parquet: three ways to get it, and what each column holds."},
		"api":     {"The API", "The same questions from a program: every operation with its fields, an example and its errors."},
	},
	Contents:      "On this page",
	Anchor:        "Link to “%s”",
	Code:          "Code",
	Table:         "Table",
	OtherLanguage: "The reference below is in English.",
	Links:         "Documentation",

	Operations: "Operations", Needs: "Needs", Parameters: "Parameters", Body: "Body", Answer: "Answer", Errors: "Errors",
	Field: "Field", Type: "Type", Meaning: "Meaning", Required: "required", Default: "default", Example: "Example",
	Values: "One of", AnyToken: "any token", Scope: "a token with the scope", NoBody: "Without a body.",
}

var koreanDocs = DocsText{
	Title: "문서",
	Lead:  "설치하는 법, 세는 방식, 그리고 API로 묻는 법을 설명합니다.",
	Pages: map[string]DocText{
		"tracker": {"추적 스크립트", "HTML 한 줄로 시작해 이벤트, 매출, 수집 거부, 내 도메인에서 제공하기까지 스크립트의 모든 기능을 다룹니다."},
		"moving":  {"다른 도구에서 옮겨 오기", "Plausible, Umami, GoatCounter, Google Analytics에서 옮길 때 바꿀 것과, 숫자가 달라지는 곳과 그 이유입니다."},
		"metrics": {"숫자의 의미", "모든 지표와 기간, 필터를 경계의 예외까지 정의합니다."},
		"export":  {"이벤트 내보내기", "저장된 모든 이벤트를 CSV, NDJSON, Parquet으로 받는 세 가지 방법과 열마다 담긴 내용입니다."},
		"api":     {"API", "프로그램에서 같은 질문을 하는 법. 작업마다 필드와 예시, 오류를 설명합니다."},
	},
	Contents:      "이 페이지의 내용",
	Anchor:        "‘%s’ 링크",
	Code:          "코드",
	Table:         "표",
	OtherLanguage: "아래 참조 문서는 영어로 되어 있습니다.",
	Links:         "문서",

	Operations: "작업", Needs: "권한", Parameters: "매개변수", Body: "요청 본문", Answer: "응답", Errors: "오류",
	Field: "필드", Type: "형식", Meaning: "의미", Required: "필수", Default: "기본값", Example: "예시",
	Values: "가능한 값", AnyToken: "모든 토큰", Scope: "다음 권한이 있는 토큰", NoBody: "본문이 없습니다.",
}
