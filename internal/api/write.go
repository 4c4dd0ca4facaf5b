package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"moonbear/internal/stats"
)

// object is a JSON object whose fields keep their order, so that an answer
// reads as it was asked.
type object []field

type field struct {
	name  string
	value any
}

// MarshalJSON writes the fields in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, f := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, part := range []any{f.name, f.value} {
			if j > 0 {
				b.WriteByte(':')
			}
			text, err := json.Marshal(part)
			if err != nil {
				return nil, err
			}
			b.Write(text)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// number is null where there is none.
func number(n stats.Number) any {
	if !n.OK {
		return nil
	}
	return json.Number(strconv.FormatFloat(n.N, 'f', -1, 64))
}

// amounts is revenue in other currencies, by currency.
func amounts(as []stats.Amount) object {
	o := object{}
	for _, a := range as {
		o = append(o, field{a.Currency, number(stats.Number{N: a.Amount, OK: true})})
	}
	return o
}

func answer(w http.ResponseWriter, v any) error { return answerWith(w, http.StatusOK, v) }

func answerWith(w http.ResponseWriter, status int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(text, '\n')) // the asker has gone; there is nobody to tell
	return nil
}

// page is the envelope of every answer that has pages.
func page(number, size, pages, results int, data any) object {
	return object{
		{"page", number}, {"page_size", size}, {"page_count", pages}, {"result_count", results}, {"data", data},
	}
}
