package transfer

import (
	"fmt"
	"strings"

	"moonbear/internal/fault"
)

// Auto is the format's name that asks for detection.
const Auto = "auto"

// detect finds the one format that a file is of, by name or by its head.
func detect(all []Format, name string, in *Input) (*Format, error) {
	if name != "" && name != Auto {
		for i := range all {
			if all[i].Name == name {
				return &all[i], nil
			}
		}
		return nil, fault.Field("format", fmt.Sprintf("There is no format %q: it must be one of %s, or auto.", name, strings.Join(names(all), ", ")))
	}
	h := in.Head()
	var found []*Format
	var not []string
	for i := range all {
		f := &all[i]
		why := f.Looks(h)
		if why == "" {
			found = append(found, f)
			continue
		}
		not = append(not, "  "+f.Name+" ("+f.Title+"): "+why)
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		if len(h.Bytes) == 0 && len(h.Members) == 0 {
			return nil, fault.Field("format", in.Name+": the file is empty.")
		}
		return nil, fault.Field("format", in.Name+": its format can't be told. Say which by --format. Tried were:\n"+strings.Join(not, "\n"))
	}
	var may []string
	for _, f := range found {
		may = append(may, f.Name)
	}
	return nil, fault.Field("format", in.Name+": it may be "+strings.Join(may, " or ")+". Say which by --format.")
}

func names(all []Format) []string {
	var out []string
	for i := range all {
		out = append(out, all[i].Name)
	}
	return out
}
