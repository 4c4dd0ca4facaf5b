package html

// Goals is the page of a site's goals: GET /sites/{site}/goals.
type Goals struct {
	Page
	Domain, BackURL string
	Edits           bool // the viewer may change them
	Rows            []GoalRow
	Proposals       []GoalProposal // what the data suggests, where there is no goal yet
	Form            GoalForm       // adds one
	Adding          bool           // the form is open
	Gone            *Gone          // what was just deleted
}

// GoalRow is one goal and how it did lately.
type GoalRow struct {
	Name, Rule, Value      string
	Did                    string // "214 conversions by 120 visitors in the last 28 days", "" not known
	URL, EditURL, GoneURL  string // the dashboard filtered to it; "" for who may not
	DeleteTitle, DeleteAsk string
}

// Goal is the page that changes one goal: GET /sites/{site}/goals/{goal}.
type Goal struct {
	Page
	Domain, BackURL, Heading string
	Form                     GoalForm
}

// GoalForm adds or changes a goal. Only what its Kind says is used of Path,
// Event and Conditions; the others keep what was typed.
type GoalForm struct {
	Text       *Text
	Action     string
	Return     string // where to go on to, "" for the goals
	Button     string
	CancelURL  string
	Kind       string // KindPath or KindEvent
	Name       Field
	Path       Field
	Event      Field
	Properties Field // only its Error
	Value      Field
	Conditions []GoalCondition
	More       bool // there is room for another condition
	Currency   string
	Operators  []Option
	Events     []string // names there are, to choose from
	Keys       []string // of properties
	Problem    string
	Preview    *GoalPreview // nil: not asked for
}

// The kinds of rules.
const (
	KindPath  = "path"
	KindEvent = "event"
)

// GoalCondition is one condition on a property.
type GoalCondition struct{ Key, Operator, Value string }

// GoalPreview says what a rule would have counted.
type GoalPreview struct {
	Words string
	None  bool
}

// GoalProposal is a goal one press away.
type GoalProposal struct {
	Name, Rule, Count string
	Action, Return    string
	Fields            []Param // what the form for it would send
}

// Gone is something just deleted that one press brings back.
type Gone struct {
	Words  string
	Action string
	Fields []Param
}

// Segments is the page of a site's saved filters: GET /sites/{site}/segments.
type Segments struct {
	Page
	Domain, BackURL string
	Edits           bool
	Rows            []SegmentRow
	Save            *SegmentSave // a filter that waits for its name
	Gone            *Gone
}

// SegmentRow is one saved filter.
type SegmentRow struct {
	ID, Name          string
	Conditions        string // in words
	URL               string // the dashboard with it
	RenameURL         string
	GoneURL           string
	Rename            Field
	Renaming          bool
	DeleteTitle       string
	DeleteAsk         string
	RenameProblem     string
	ConditionsUnknown bool
}

// SegmentSave names the filters in force.
type SegmentSave struct {
	Text       *Text
	Action     string
	Keep       []Param // the question they belong to
	Name       Field
	Problem    string
	Conditions string // in words
}

// SegmentMenu is the choice of saved filters on a dashboard.
type SegmentMenu struct {
	Menu
	ManageURL string
	Save      *SegmentSave // nil: nothing to save, or the viewer may not
}

// Conversions is the panel of goals.
type Conversions struct {
	Rows      []GoalStat
	Money     bool   // some of them brought money
	Others    string // what came in other currencies, in words
	ManageURL string
	Edits     bool
	Proposals []GoalProposal
}

// GoalStat is a goal's numbers in a period.
type GoalStat struct {
	Row           // Value is conversions, Share their rate
	Revenue       string
	RevenueTitle  string
	Change        string
	Trend         Trend
	ChangeAgainst string // the number before, for a title
}

// Events is the panel of custom events, or of one event's properties.
type Events struct {
	Rows   []EventRow
	Money  bool
	Others string // money in other currencies, in words
	Back   *Tab   // to all events; nil: these are all
	Name   string // of the chosen event
	Keys   []Tab  // its properties
	Key    string // the chosen one
	Teach  bool   // nothing is filtered and there are none: say how to make some

	MoreURL, MoreNum string // all rows, "" when all are shown
}

// EventRow is an event, or a value of its property.
type EventRow struct {
	Row
	Visitors      string
	VisitorsExact string
	Revenue       string
	RevenueTitle  string
	Properties    *Tab // shows its properties; nil: it has none
}

// goalColumns and eventColumns are the classes for how many numbers a line has.
func goalColumns(c Conversions) string {
	if c.Money {
		return "numbers-4"
	}
	return "numbers-3"
}

func eventColumns(e Events) string {
	n := 2
	if e.Back != nil {
		n++
	}
	if e.Money {
		n++
	}
	return "numbers-" + intText(n)
}
