package html

// Text is every word the pages say, in one language. Its fields are the
// catalogue's keys: a missing key does not compile, an untranslated one fails
// TestEveryLanguageSaysEverything. A field with verbs (%s, %d) is used through
// fmt.Sprintf; both languages must take the same arguments, which the same
// test checks.
type Text struct {
	Lang string // BCP 47, as in <html lang>
	Name string // the language's own name, on the switch
	Abbr string // two letters or one syllable, where the name is too long

	// Everywhere.
	Description                                                                                       string // of any page, for whoever finds one by searching
	SkipToContent, Sites, AddSite, SignOut, SignIn, Language, Theme, ThemeAuto, ThemeLight, ThemeDark string
	Copy, Copied, TryAgain, Menu, Account, Close                                                      string

	// Set-up.
	SetupTitle, SetupLead, SetupCode, SetupCodeHint, SetupCodeWrong string
	Email, EmailHint, Password, PasswordHint                        string
	Domain, DomainHint, TimeZone, TimeZoneHint, SetupButton         string
	ErrEmail, ErrPassword, ErrDomain, ErrTimeZone                   string
	FormProblem                                                     string

	// Signing in.
	SignInTitle, SignInLead, SignInWrong                     string
	LinkTitle, LinkLead, LinkButton, LinkSpent, LinkSpentHow string

	// Sites.
	SitesTitle, SitesEmpty, SiteSnippet, AddSiteLead, AddSiteButton string

	// The snippet and the wait for the first hit.
	StartTitle, StartLead, StartSnippetLabel, StartWhere                     string
	StartWaiting, StartWaitingHint, StartArrived, StartArrivedHint           string
	StartOpenDashboard, StartOpenSite                                        string
	StartRefusedTitle, StartRefusedHost, StartAllow                          string
	StartRefusedBot                                                          string
	StartNothingTitle, StartNothingLocal, StartNothingCache                  string
	StartNothingBlocker, StartNothingCSP, StartNothingProxy, StartNothingSPA string

	// The dashboard.
	Now, NowTitle, Period, Compare, ComparePrevious, CompareYear, CompareNone, Against, Filter, FilterRemove, FilterClear  string
	FilterOther, FilterDimension, FilterOperator, FilterValue, FilterApply                                                 string
	PrevPeriodIs, ChartLabel, ChartTable, ChartPrevious, ChartUnfinished, ChartZone, ChartKeys, Time                       string
	NoData, NoDataLead, NoDataButton, NoMatch, NoMatchLead, NoMatchPeriod, NoMatchWider, PanelEmpty, PanelError, PanelMore string
	RowFilter, RowOpen, RowUnfilter, Share, AboutMetric, Points                                                            string
	DailyVisitors, SearchRows, Search, OrderBy, RowsOf, NextPage, PrevPage, BackToDashboard                                string
	DroppedTitle, DroppedNone, DroppedCount, DroppedAllow                                                                  string
	Direct, Unknown, NoneValue                                                                                             string

	// Errors.
	NotFoundTitle, NotFoundLead, ForbiddenTitle, WrongTitle, WrongLead, Reference, BackHome, UnavailableTitle string

	// Areas with a file of words each.
	Shell    ShellText
	Perf     PerfText
	Goal     GoalText
	Place    PlaceText
	Import   ImportText
	Live     LiveText
	Count    CountText
	Transfer TransferText

	Docs DocsText // the pages under /docs

	Metrics    map[string]MetricText // by the stats metric's name
	Dimensions map[string]string     // by the stats dimension's name
	Periods    map[string]string     // by the period's name in URLs
	Panels     map[string]string     // by the panel's name in URLs
	Operators  map[string]string     // by the operator's name
	Reasons    map[string]ReasonText // by collect's drop reason
	Channels   map[string]string     // by the stored channel; absent: as stored
	Devices    map[string]string     // by the stored device

	months   [12]string
	weekdays [7]string // Sunday first
}

// MetricText names a number and says what it means.
type MetricText struct{ Name, About string }

// ReasonText names a drop reason and says what to do about it.
type ReasonText struct{ Name, About string }

// Languages are the catalogues there are; the first is the default.
func Languages() []*Text { return []*Text{english, korean} }

// Language finds the catalogue by its tag, or nil.
func Language(tag string) *Text {
	for _, t := range Languages() {
		if t.Lang == tag {
			return t
		}
	}
	return nil
}

// Metric names a metric; unknown ones keep their own name.
func (t *Text) Metric(name string) MetricText {
	if m, ok := t.Metrics[name]; ok {
		return m
	}
	if m, ok := t.perfMetric(name); ok {
		return m
	}
	return MetricText{Name: name}
}

// Dimension names a dimension; prop:KEY is its key.
func (t *Text) Dimension(name string) string { return lookup(t.Dimensions, name) }

// Reason names a drop reason.
func (t *Text) Reason(name string) ReasonText {
	if m, ok := t.Reasons[name]; ok {
		return m
	}
	return ReasonText{Name: name}
}

// Operator names a filter's operator.
func (t *Text) Operator(name string) string { return lookup(t.Operators, name) }

// Panel names a panel or a panel's tab.
func (t *Text) Panel(name string) string { return lookup(t.Panels, name) }

// Channel names a stored channel.
func (t *Text) Channel(name string) string { return lookup(t.Channels, name) }

// Device names a stored device.
func (t *Text) Device(name string) string { return lookup(t.Devices, name) }

// PeriodName names a period; "" is one given by its dates.
func (t *Text) PeriodName(name string) string {
	if name == "" {
		name = "custom"
	}
	return lookup(t.Periods, name)
}

func lookup(m map[string]string, key string) string {
	if s, ok := m[key]; ok {
		return s
	}
	return key
}
