package html

// key is one line of the list of keys.
type key struct {
	Keys []string
	Does string
}

// keysOf lists the keys of the dashboard, or of a listing; keys.ts presses
// whatever element of the page says that it is a key's.
func keysOf(t *Text, listing bool) []key {
	w := t.Shell.KeyWords
	if listing {
		return []key{{[]string{"/"}, w["search"]}, {[]string{"b"}, t.BackToDashboard}, {[]string{"t"}, t.Theme}, {[]string{"?"}, w["help"]}}
	}
	return []key{
		{[]string{"d"}, t.PeriodName("today")}, {[]string{"w"}, t.PeriodName("7d")}, {[]string{"m"}, t.PeriodName("4w")},
		{[]string{"q"}, t.PeriodName("3m")}, {[]string{"y"}, t.PeriodName("12m")},
		{[]string{"p", "n"}, w["step"]}, {[]string{"c"}, w["compare"]}, {[]string{"1", "…", "7"}, w["metric"]},
		{[]string{"f"}, w["filter"]}, {[]string{"x"}, w["clear"]}, {[]string{"s"}, w["sites"]}, {[]string{"r"}, w["reload"]},
		{[]string{"t"}, t.Theme}, {[]string{"←", "→"}, w["chart"]}, {[]string{"Alt", w["press"]}, w["exclude"]}, {[]string{"?"}, w["help"]},
	}
}
