package move

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
)

// compareControl notes the tables that aren't equal.
func (m *mover) compareControl(ctx context.Context, from, to asker) error {
	here, err := sumTables(ctx, from)
	if err != nil {
		return fmt.Errorf("read the source: %w", err)
	}
	there, err := sumTables(ctx, to)
	if err != nil {
		return fmt.Errorf("read the target: %w", err)
	}
	m.report.Tables, m.report.Rows = len(here), 0
	for _, t := range slices.Sorted(keysOf(here, there)) {
		a, b := here[t], there[t]
		m.report.Rows += a.sum.Rows
		switch {
		case a.columns != b.columns:
			m.differ(fmt.Sprintf("table %s has columns %s here and %s there", t, a.columns, b.columns))
		case a.sum.Rows != b.sum.Rows:
			m.differ(fmt.Sprintf("table %s has %d rows here and %d there", t, a.sum.Rows, b.sum.Rows))
		case a.sum != b.sum:
			m.differ(fmt.Sprintf("table %s has %d rows on both sides, but not the same", t, a.sum.Rows))
		case a.last != b.last:
			m.differ(fmt.Sprintf("table %s has given out numbers up to %d here and %d there", t, a.last, b.last))
		}
	}
	return nil
}

type tableSum struct {
	columns string
	sum     Sum
	last    int64 // number given out
}

func keysOf(ms ...map[string]tableSum) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		for _, m := range ms {
			for k := range m {
				if !seen[k] {
					seen[k] = true
					if !yield(k) {
						return
					}
				}
			}
		}
	}
}

func sumTables(ctx context.Context, d asker) (map[string]tableSum, error) {
	list, err := tables(ctx, d)
	if err != nil {
		return nil, err
	}
	last, err := lastNumbers(ctx, d, list)
	if err != nil {
		return nil, err
	}
	all := map[string]tableSum{}
	var b []byte
	for _, t := range list {
		s := tableSum{last: last[t.name]}
		for _, c := range t.columns {
			s.columns += c.name + " "
		}
		err := readTable(ctx, d, t, func(values []any) error {
			b = b[:0]
			for _, v := range values {
				b = appendValue(b, v)
			}
			s.sum.row(b)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", t.name, err)
		}
		all[t.name] = s
	}
	return all, nil
}

// appendValue writes a value so that no two are written alike.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return binary.AppendVarint(append(b, 'i'), v)
	case bool:
		if v {
			return append(b, 't')
		}
		return append(b, 'f')
	case string:
		return append(binary.AppendUvarint(append(b, 's'), uint64(len(v))), v...)
	case []byte:
		return append(binary.AppendUvarint(append(b, 'b'), uint64(len(v))), v...)
	case time.Time:
		return binary.AppendVarint(append(b, '@'), v.UnixMicro())
	case float64:
		return binary.AppendUvarint(append(b, 'r'), math.Float64bits(v))
	}
	return append(b, 'n')
}
