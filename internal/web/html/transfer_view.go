package html

// Transfer is a site's page of imports and exports: GET /sites/{site}/transfer.
type Transfer struct {
	Page
	Domain, BackURL string
	Notice          string // what was just done
	Form            ExportForm
	Command         string // that imports, ready to be run
	Imports         []ImportRow
	Running         bool // one of them
}

// ExportForm asks for the days and the format of an export.
type ExportForm struct {
	Action   string // of the file
	CountURL string // of this page, to count
	From, To Field
	Max      string
	Formats  []Choice
	Zone     string
	Size     string // what the file would hold, in words
	Nothing  bool   // it would hold nothing
	Counts   string // which imports can't be in it; "" none
}

// Choice is one of several.
type Choice struct {
	Value, Label, About string
	Chosen              bool
}

// ImportRow is one import of a site.
type ImportRow struct {
	Name, Format, State string
	Days, Began         string
	Stored              string
	Dropped             string            // "" none
	Reasons             []ImportedDropped // why, most first
	UndoURL             string            // "" for who may not, or when there is nothing to take back
	UndoTitle, UndoAsk  string
	Quiet               bool // it was taken back
}

// ImportedDropped is how many lines were dropped for one reason.
type ImportedDropped struct{ Reason, Count string }
