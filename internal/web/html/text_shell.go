package html

// ShellText is the words of the tools around panels: menus, dates, keys, CSV.
type ShellText struct {
	// Taking numbers along.
	Export, CSV, Curl, CurlShow, CurlHint, Chart, Headline string

	// All rows.
	Change, NotFound, Cut, Property string
}

var shellEnglish = ShellText{
	Export: "Take these numbers along", CSV: "Download CSV", Curl: "Copy as curl", CurlShow: "Show the command",
	CurlHint: "It asks the API the same; an API token goes into $MOONBEAR_TOKEN.", Chart: "Chart", Headline: "Totals",

	Change: "Change", NotFound: "No row contains “%s”", Cut: "The file has the first %s rows in this order.", Property: "Property %s",
}

var shellKorean = ShellText{
	Export: "이 수치 가져가기", CSV: "CSV 내려받기", Curl: "curl 명령 복사", CurlShow: "명령 보기",
	CurlHint: "같은 질문을 API에 보내는 명령입니다. API 토큰은 $MOONBEAR_TOKEN에 넣어 주세요.", Chart: "차트", Headline: "합계",

	Change: "증감", NotFound: "‘%s’이(가) 들어간 항목이 없습니다", Cut: "파일에는 이 순서로 앞에서부터 %s개가 담깁니다.", Property: "속성 %s",
}
