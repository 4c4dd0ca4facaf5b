package html

// TransferText is the words of imports and exports.
type TransferText struct {
	Title                                               string
	Export, ExportLead, DaysHint, Format, Download      string
	Count, Size, Nothing, Counts                        string
	Formats                                             map[string]string // what each is for
	Import, ImportLead, Command, Imports, NoImports     string
	Began, Stored, Dropped, Days, Undo, UndoAsk, Undone string
	States                                              map[string]string // of an import
	Reasons                                             map[string]string // of drops, by transfer's names; others are collect's
}

// ImportReason names why a line of an import was dropped.
func (t *Text) ImportReason(reason string) string {
	if s, ok := t.Transfer.Reasons[reason]; ok {
		return s
	}
	return t.Reason(reason).Name
}

var transferEnglish = TransferText{
	Title:  "Import and export",
	Export: "Export", ExportLead: "Every event with all that is stored of it, as a file that other tools read and Moonbear takes back unchanged. It holds no address and no user agent, because none is kept.",
	DaysHint: "Days in %s, both included. Empty: everything.", Format: "Format", Download: "Download",
	Count: "Count events", Size: "%[1]s events, roughly %[2]s as CSV, %[3]s as Parquet.", Nothing: "No events in these days.",
	Counts: "Of the imports, %s brought counts of days without events, because the tool keeps no more. An export has events, so these are not in it.",
	Formats: map[string]string{
		"csv": "for spreadsheets and everything else", "ndjson": "one JSON object a line, for programs", "parquet": "smallest; for DuckDB, pandas, Spark",
	},
	Import: "Import", ImportLead: "History comes in on the server, from logs of web servers, exports of other tools and Moonbear’s own. How to get a file out of each tool:",
	Command: "The command that imports a file", Imports: "Imports of this site", NoImports: "Nothing was imported yet.",
	Began: "begun %s", Stored: "%[1]s of %[2]s rows stored", Dropped: "%s rows not taken", Days: "%s to %s",
	Undo: "Take back", UndoAsk: "Take back “%s”? Everything it stored goes, and can be imported again from the file.", Undone: "“%s” was taken back.",
	States: map[string]string{"running": "running", "stopped": "not finished; import the file again to go on", "done": "done", "undoing": "being taken back", "undone": "taken back"},
	Reasons: map[string]string{
		"asset": "Files that are no pages", "method": "Not GET", "status": "Not answered with a page", "prefetch": "Fetched ahead",
		"malformed": "Unreadable", "too_long": "Too long", "unknown": "Of no use here", "unfinished": "Cut off at the end of the file",
		"live_day": "Days that were counted here already", "already_imported": "Imported before",
	},
}

var transferKorean = TransferText{
	Title:  "가져오기와 내보내기",
	Export: "내보내기", ExportLead: "저장된 이벤트를 하나도 빠짐없이 파일로 받습니다. 다른 도구로 읽을 수 있고, Moonbear에 그대로 다시 가져올 수 있습니다. IP 주소와 사용자 에이전트는 저장하지 않으므로 파일에도 없습니다.",
	DaysHint: "%s 시간대 기준이며 양 끝 날짜를 포함합니다. 비우면 전체입니다.", Format: "형식", Download: "내려받기",
	Count: "이벤트 수 세기", Size: "이벤트 %[1]s건, CSV로 약 %[2]s, Parquet으로 약 %[3]s입니다.", Nothing: "이 기간에는 이벤트가 없습니다.",
	Counts: "이벤트 없이 날짜별 집계만 있는 가져오기가 %s건 있습니다. 내보내기는 이벤트만 담으므로 이 기록은 들어가지 않습니다.",
	Formats: map[string]string{
		"csv": "스프레드시트를 비롯한 모든 도구", "ndjson": "한 줄에 JSON 객체 하나, 프로그램용", "parquet": "가장 작은 파일, DuckDB·pandas·Spark용",
	},
	Import: "가져오기", ImportLead: "지난 기록은 서버에서 가져옵니다. 웹 서버 로그, 다른 도구의 내보내기 파일, Moonbear의 내보내기 파일을 읽습니다. 도구마다 파일을 얻는 방법:",
	Command: "파일을 가져오는 명령", Imports: "이 사이트의 가져오기", NoImports: "아직 가져온 기록이 없습니다.",
	Began: "%s 시작", Stored: "%[2]s개 행 중 %[1]s개 저장", Dropped: "제외한 행 %s개", Days: "%s부터 %s까지",
	Undo: "되돌리기", UndoAsk: "‘%s’ 가져오기를 되돌릴까요? 여기서 저장한 기록이 모두 사라지며, 파일이 있으면 다시 가져올 수 있습니다.", Undone: "‘%s’ 가져오기를 되돌렸습니다.",
	States: map[string]string{"running": "진행 중", "stopped": "끝나지 않음. 같은 파일을 다시 가져오면 이어집니다", "done": "완료", "undoing": "되돌리는 중", "undone": "되돌림"},
	Reasons: map[string]string{
		"asset": "페이지가 아닌 파일", "method": "GET이 아닌 요청", "status": "페이지로 응답하지 않은 요청", "prefetch": "미리 불러온 요청",
		"malformed": "읽을 수 없는 행", "too_long": "너무 긴 행", "unknown": "쓸 곳이 없는 항목", "unfinished": "파일 끝에서 잘린 행",
		"live_day": "이곳에서 이미 센 날짜", "already_imported": "이미 가져온 행",
	},
}
