package tools

import (
	"encoding/csv"
	"errors"
	"io"
	"strconv"
	"strings"

	"moonbear/internal/transfer"
)

// maxRow bounds one row, bytes. GA4's largest events have 25 parameters of 500
// characters; a quote that is never closed would otherwise read the whole file.
const maxRow = 1 << 20

var errLongRow = invalid("A row of the file is longer than 1 MiB. A quotation mark that is never closed looks like that.")

// rowGuard fails when more is read than a row may have, so that no file takes
// more memory than that.
type rowGuard struct {
	r    io.Reader
	left int
}

func (g *rowGuard) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, errLongRow
	}
	n, err := g.r.Read(p)
	g.left -= n
	return n, err
}

// table is a CSV file whose first row names its columns.
type table struct {
	guard   *rowGuard
	csv     *csv.Reader
	columns map[string]int
	row     []string
	width   int
}

func newTable(r io.Reader) *table {
	g := &rowGuard{r: r, left: maxRow}
	c := csv.NewReader(g)
	c.FieldsPerRecord = -1
	c.ReuseRecord = true
	return &table{guard: g, csv: c, columns: map[string]int{}}
}

// openTable reads the header.
func openTable(r io.Reader) (*table, error) {
	t := newTable(r)
	header, err := t.csv.Read()
	if errors.Is(err, io.EOF) {
		return nil, invalid("The file is empty.")
	}
	if err != nil {
		var bad *csv.ParseError
		if errors.As(err, &bad) {
			return nil, invalid("The first row isn't CSV: " + bad.Err.Error() + ".")
		}
		return nil, err
	}
	t.setHeader(header)
	return t, nil
}

// setHeader takes the names of the columns; they are looked up in lower case.
func (t *table) setHeader(header []string) {
	t.width = len(header)
	clear(t.columns)
	for i, name := range header {
		name = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(name, "\ufeff")))
		if _, twice := t.columns[name]; !twice {
			t.columns[name] = i
		}
	}
}

// next reads a row. One that isn't a row of this table makes the item a drop.
func (t *table) next(it *transfer.Item) error {
	t.guard.left = maxRow
	var err error
	t.row, err = t.csv.Read()
	var bad *csv.ParseError
	switch {
	case errors.As(err, &bad):
		it.Line = int64(bad.StartLine)
		it.Drop = dropped(transfer.Malformed, bad.Err.Error())
		return nil
	case err != nil:
		return err
	}
	line, _ := t.csv.FieldPos(0)
	it.Line = int64(line)
	if len(t.row) != t.width {
		it.Drop = dropped(transfer.Malformed, "another number of columns than the first row")
	}
	return nil
}

// has tells whether a column is there.
func (t *table) has(name string) bool {
	_, ok := t.columns[name]
	return ok
}

// lacks is the first of some columns that isn't there, or "".
func (t *table) lacks(names ...string) string {
	for _, n := range names {
		if !t.has(n) {
			return n
		}
	}
	return ""
}

// get is a field by its column's name, or by the next name where there is no
// such column; "" where there is none. What databases write for null is nothing.
func (t *table) get(names ...string) string {
	for _, n := range names {
		if i, ok := t.columns[n]; ok && i < len(t.row) {
			v := strings.TrimSpace(t.row[i])
			if v == `\N` || v == "NULL" {
				return ""
			}
			return v
		}
	}
	return ""
}

// count reads a number of things. Thousands may be parted by commas.
func count(s string) (int64, bool) {
	if strings.ContainsRune(s, ',') {
		s = strings.ReplaceAll(s, ",", "")
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f < 0 || f >= 1<<53 || f != float64(int64(f)) {
			return 0, false
		}
		n = int64(f)
	}
	return n, n >= 0 && n < 1<<53
}
