package salt

import (
	"crypto/rand"
	"slices"
	"time"
)

// pastZone files the salts of imports apart from those of hits: a visitor who
// was collected on a day and one in an import of that day are two, as they
// would be whatever the salt, and neither salt says anything about the other.
const pastZone = "import/"

// Past returns the salts, for imports, of a local date (its year, month and
// day; the rest is not looked at) in the zone of IANA name tz, and of the date
// before it. They live 48 hours from when they were made, as every salt does,
// however long ago the date is.
//
// A missing one is made with those of its whole month: ten years of logs are
// 120 writes of the file instead of 3,650.
func (s *Salts) Past(tz string, date time.Time) (today, before Salt, err error) {
	y, m, d := date.Date()
	first := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	dates := []string{first.AddDate(0, 0, -1).Format(time.DateOnly)}
	for day := first; day.Month() == m; day = day.AddDate(0, 0, 1) {
		dates = append(dates, day.Format(time.DateOnly))
	}
	salts, err := s.ensure(pastZone+tz, dates)
	if err != nil {
		return Salt{}, Salt{}, err
	}
	return salts[d], salts[d-1], nil
}

// Of returns the salt of something that is no day, such as one import: its
// name is one word.
func (s *Salts) Of(name string) (Salt, error) {
	salts, err := s.ensure(pastZone+name, []string{time.Unix(0, 0).UTC().Format(time.DateOnly)})
	if err != nil {
		return Salt{}, err
	}
	return salts[0], nil
}

// ensure finds the salts of dates in a zone, and makes those that are missing
// in one write.
func (s *Salts) ensure(zone string, dates []string) ([]Salt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.destroy(s.now()) // whoever calls Destroy by the clock is told of an error
	found := make(map[string]Salt, len(dates))
	for i := range s.entries {
		if e := &s.entries[i]; e.zone == zone {
			found[e.date] = e.salt
		}
	}
	out := make([]Salt, len(dates))
	all := slices.Clip(s.entries)
	for i, date := range dates {
		salt, ok := found[date]
		if !ok {
			rand.Read(salt[:]) // never fails: crypto/rand stops the program instead
			all = append(all, entry{zone: zone, date: date, made: s.now().UTC().Truncate(time.Second), salt: salt})
		}
		out[i] = salt
	}
	if len(all) == len(s.entries) {
		return out, nil
	}
	return out, s.replace(all)
}
