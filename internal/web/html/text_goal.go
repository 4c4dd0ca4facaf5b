package html

// GoalText is the words of events, goals and segments.
type GoalText struct {
	// The page of goals.
	Title, Lead, None, NoneViewer, Add, Edit, Delete, DeleteAsk, Deleted, Undo, Cancel, Save, AddButton, Manage string
	Rule, KindPath, KindEvent, Name, NameHint, Path, PathHint, Event, EventHint                                 string
	Conditions, ConditionsHint, Key, Operator, ConditionValue, Condition, More                                  string
	Value, ValueHint, Preview, PreviewDid, PreviewNone, ChangeTitle                                             string
	Did, NotYet                                                                                                 string

	// A rule in words: a path; an event; an event with conditions.
	RulePath, RuleEvent, RuleWhere, And, Or, Not string

	// What a form can have wrong, where the server's own sentence is English.
	ErrName, ErrPath, ErrEvent, ErrProperties, ErrValue, ErrTaken string

	// Proposals: the name of a goal for a page, why, the button.
	Proposed, ProposedPage, ProposedCount, Propose string

	// Panels.
	Conversions, Rate, Revenue, Visitors, Count, Change            string
	NoGoals, NoGoalsViewer, NoEvents, NoEventsLead, NoEventsDocs   string
	Outbound, Download, NotFound                                   string
	PropertiesOf, AllEvents, NoProperties, Others, NotSet, AndMore string

	// Segments.
	Segments, Segment, SaveSegment, SegmentName, SegmentHint, SegmentManage, SegmentRename, SegmentNone, SegmentLead string
	SegmentDelete, SegmentApply, SegmentSaving, ErrSegment, NoFilters                                                string
}

var goalEnglish = GoalText{
	Title: "Goals", Lead: "A goal is a rule. Every event that meets it is a conversion, also those from before the goal was made.",
	None: "No goals yet.", NoneViewer: "No goals yet. Whoever may edit this site can add them.",
	Add: "Add a goal", Edit: "Change", Delete: "Delete", DeleteAsk: "Delete “%s”? Its events stay; only the goal goes.",
	Deleted: "“%s” is deleted.", Undo: "Undo", Cancel: "Cancel", Save: "Save", AddButton: "Add goal", Manage: "Manage goals",
	Rule: "What counts", KindPath: "A page is viewed", KindEvent: "An event happens",
	Name: "Name", NameHint: "As it shows on the dashboard. Empty: what counts.",
	Path: "Path", PathHint: "Such as /thanks, or /order/* where * stands for anything.",
	Event: "Event", EventHint: "The name the site tracks it by.",
	Conditions: "Only with these properties", ConditionsHint: "All of them must hold. Leave a key empty to drop its line.",
	Key: "Property", Operator: "How", ConditionValue: "Value", Condition: "Condition %s", More: "Another condition",
	Value: "Value of a conversion", ValueHint: "In %s, for conversions that bring no money of their own. Empty for none.",
	Preview: "Try it", PreviewDid: "Matched %[1]s events by %[2]s visitors in the last 28 days.",
	PreviewNone: "Matched nothing in the last 28 days. Names and paths are compared letter by letter, capitals included.",
	ChangeTitle: "Change a goal",
	Did:         "%[1]s conversions by %[2]s visitors in the last 28 days", NotYet: "No conversions in the last 28 days",
	RulePath: "Page %s", RuleEvent: "Event %s", RuleWhere: "Event %[1]s with %[2]s", And: "and", Or: "or", Not: "not",

	ErrName: "Give it a name of at most 80 characters.", ErrPath: "Write the path alone, such as /thanks or /order/*.",
	ErrEvent:      "An event's name begins with a letter and has at most 64 letters, digits, spaces, dots, hyphens and underscores.",
	ErrProperties: "Each condition needs a property, and a value that fits how it is compared.",
	ErrValue:      "Write an amount such as 25 or 12.50.", ErrTaken: "This name is taken.",

	Proposed: "Found in the last 28 days:", ProposedPage: "Viewed %s", ProposedCount: "%s times", Propose: "Make it a goal",

	Conversions: "Conversions", Rate: "Rate", Revenue: "Revenue", Visitors: "Visitors", Count: "Events", Change: "Change",
	NoGoals:       "Choose what a visit is for. Every goal shows how often it is met, and where those visitors come from.",
	NoGoalsViewer: "No goals yet. Whoever may edit this site can add them.",
	NoEvents:      "No events in this period", NoEventsLead: "Say what a visitor did in one line, with properties if you like:",
	NoEventsDocs: "Links to other sites, file downloads and pages not found are counted by themselves.",
	Outbound:     "Links to other sites", Download: "File downloads", NotFound: "Pages not found",
	PropertiesOf: "Properties of %s", AllEvents: "All events", NoProperties: "This event has no properties in this period.",
	Others: "Not added up, in other currencies: %s", NotSet: "Without it", AndMore: "And %s more",

	Segments: "Segments", Segment: "Segment", SaveSegment: "Save segment", SegmentName: "Name of the segment",
	SegmentHint: "Keeps these filters for everybody who sees this site.", SegmentManage: "Manage segments", SegmentRename: "Rename",
	SegmentNone:   "No segments yet. Filter the dashboard, then save the filters under a name.",
	SegmentLead:   "A segment is saved filters. Choosing one puts them into the dashboard, where they can still be changed.",
	SegmentDelete: "Delete “%s”? Links that were made with it keep working.", SegmentApply: "Show %s on the dashboard",
	SegmentSaving: "Save these filters", ErrSegment: "These filters no longer fit this site.", NoFilters: "No filters",
}

var goalKorean = GoalText{
	Title: "목표", Lead: "목표는 규칙입니다. 규칙에 맞는 이벤트는 모두 전환으로 세며, 목표를 만들기 전의 이벤트도 포함합니다.",
	None: "아직 목표가 없습니다.", NoneViewer: "아직 목표가 없습니다. 이 사이트를 편집할 수 있는 사람이 추가할 수 있습니다.",
	Add: "목표 추가", Edit: "수정", Delete: "삭제", DeleteAsk: "‘%s’ 목표를 삭제할까요? 이벤트는 남고 목표만 사라집니다.",
	Deleted: "‘%s’ 항목을 삭제했습니다.", Undo: "되돌리기", Cancel: "취소", Save: "저장", AddButton: "목표 추가", Manage: "목표 관리",
	Rule: "무엇을 셀까요", KindPath: "페이지를 볼 때", KindEvent: "이벤트가 일어날 때",
	Name: "이름", NameHint: "대시보드에 보이는 이름입니다. 비우면 규칙을 이름으로 씁니다.",
	Path: "경로", PathHint: "예: /thanks 또는 /order/* (*는 어떤 글자든 대신합니다).",
	Event: "이벤트", EventHint: "사이트가 보내는 이벤트의 이름입니다.",
	Conditions: "속성 조건", ConditionsHint: "모두 맞아야 합니다. 속성을 비우면 그 줄은 빠집니다.",
	Key: "속성", Operator: "조건", ConditionValue: "값", Condition: "조건 %s", More: "조건 더하기",
	Value: "전환 한 건의 가치", ValueHint: "단위는 %s. 이벤트에 금액이 없는 전환에 씁니다. 없으면 비워 두세요.",
	Preview: "미리 보기", PreviewDid: "최근 28일 동안 방문자 %[2]s명의 이벤트 %[1]s건이 해당합니다.",
	PreviewNone: "최근 28일 동안 해당하는 이벤트가 없습니다. 이름과 경로는 대소문자까지 그대로 비교합니다.",
	ChangeTitle: "목표 수정",
	Did:         "최근 28일 동안 방문자 %[2]s명이 %[1]s번 전환", NotYet: "최근 28일 동안 전환 없음",
	RulePath: "페이지 %s", RuleEvent: "이벤트 %s", RuleWhere: "이벤트 %[1]s, %[2]s", And: "그리고", Or: "또는", Not: "제외:",

	ErrName: "80자 이내의 이름을 적어 주세요.", ErrPath: "/thanks 또는 /order/*처럼 경로만 적어 주세요.",
	ErrEvent:      "이벤트 이름은 영문자로 시작하고 영문자, 숫자, 공백, 점, 붙임표, 밑줄로 64자까지 쓸 수 있습니다.",
	ErrProperties: "조건마다 속성과 비교 방법에 맞는 값이 필요합니다.",
	ErrValue:      "25 또는 12.50처럼 금액을 적어 주세요.", ErrTaken: "이미 쓰고 있는 이름입니다.",

	Proposed: "최근 28일의 기록에서 찾았습니다.", ProposedPage: "%s 조회", ProposedCount: "%s회", Propose: "목표로 만들기",

	Conversions: "전환", Rate: "전환율", Revenue: "매출", Visitors: "방문자", Count: "이벤트", Change: "변화",
	NoGoals:       "방문에서 무엇을 기대하는지 정해 보세요. 목표마다 얼마나 자주 이루어지고, 그 방문자가 어디에서 왔는지 보여 줍니다.",
	NoGoalsViewer: "아직 목표가 없습니다. 이 사이트를 편집할 수 있는 사람이 추가할 수 있습니다.",
	NoEvents:      "이 기간에는 이벤트가 없습니다", NoEventsLead: "방문자가 한 일을 한 줄로 알려 주세요. 속성도 붙일 수 있습니다.",
	NoEventsDocs: "외부 링크, 파일 내려받기, 없는 페이지는 저절로 셉니다.",
	Outbound:     "외부 링크", Download: "파일 내려받기", NotFound: "없는 페이지",
	PropertiesOf: "%s의 속성", AllEvents: "모든 이벤트", NoProperties: "이 기간의 이 이벤트에는 속성이 없습니다.",
	Others: "합산하지 않은 다른 통화: %s", NotSet: "값 없음", AndMore: "그 밖에 %s개",

	Segments: "세그먼트", Segment: "세그먼트", SaveSegment: "세그먼트로 저장", SegmentName: "세그먼트 이름",
	SegmentHint: "이 사이트를 보는 모두가 쓸 수 있게 지금의 필터를 저장합니다.", SegmentManage: "세그먼트 관리", SegmentRename: "이름 바꾸기",
	SegmentNone:   "아직 세그먼트가 없습니다. 대시보드에서 필터를 건 다음 이름을 붙여 저장하세요.",
	SegmentLead:   "세그먼트는 저장해 둔 필터입니다. 고르면 대시보드에 필터가 걸리고, 거기서 다시 바꿀 수 있습니다.",
	SegmentDelete: "‘%s’ 세그먼트를 삭제할까요? 이 세그먼트로 만든 링크는 그대로 열립니다.", SegmentApply: "대시보드에서 %s 보기",
	SegmentSaving: "지금 필터 저장", ErrSegment: "이 필터는 더 이상 이 사이트에 맞지 않습니다.", NoFilters: "필터 없음",
}
