package html

// ImportText is what is said of imports that have counts of days and no
// events. Each sentence takes what Days or Any made.
type ImportText struct {
	Days, Any                          string
	Included                           string
	Filter, Dimensions, Interval, Zone string // not in the numbers, and why
	Untold                             string // and the names of numbers
	NotInList, PartlyInList            string
}

var importEnglish = ImportText{
	Days:         "Imported days (%s)",
	Any:          "Imported days",
	Included:     "%s are in these numbers.",
	Filter:       "%s aren’t in these numbers: their source can’t be filtered.",
	Dimensions:   "%s aren’t in these numbers: their source has one dimension at a time.",
	Interval:     "%s aren’t in these numbers: their source has whole days, and no hours.",
	Zone:         "%s aren’t in these numbers: their source has the days of the site’s own time zone.",
	Untold:       "%s are left out where their source doesn’t tell: %s.",
	NotInList:    "%s aren’t in this list: their source doesn’t tell.",
	PartlyInList: "%s are in this list as far as their source tells.",
}

var importKorean = ImportText{
	Days:         "가져온 날(%s)",
	Any:          "가져온 날",
	Included:     "%s도 이 숫자에 들어 있습니다.",
	Filter:       "%s은 이 숫자에 들어 있지 않습니다. 원래 도구의 집계에는 필터를 걸 수 없습니다.",
	Dimensions:   "%s은 이 숫자에 들어 있지 않습니다. 원래 도구의 집계는 한 번에 한 측정기준뿐입니다.",
	Interval:     "%s은 이 숫자에 들어 있지 않습니다. 원래 도구의 집계는 하루 단위이고 시간별 숫자가 없습니다.",
	Zone:         "%s은 이 숫자에 들어 있지 않습니다. 원래 도구의 집계는 사이트 시간대의 하루로만 있습니다.",
	Untold:       "%s은 원래 도구가 알려 주지 않는 숫자에는 빠져 있습니다: %s.",
	NotInList:    "%s은 이 목록에 들어 있지 않습니다. 원래 도구가 알려 주지 않습니다.",
	PartlyInList: "%s은 원래 도구가 알려 주는 만큼만 이 목록에 들어 있습니다.",
}
