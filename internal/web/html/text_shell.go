package html

// ShellText is the words of the tools around panels: menus, dates, keys, CSV.
type ShellText struct{}

var shellEnglish = ShellText{}

var shellKorean = ShellText{}
