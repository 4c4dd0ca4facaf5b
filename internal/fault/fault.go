// Package fault holds the errors a user may read. Every other error is
// answered with "Something went wrong" and a reference number that finds the
// log line.
package fault

import (
	"errors"
	"net/http"
	"time"
)

// Kind says what went wrong, from the asker's point of view.
type Kind int

// The kinds, and the HTTP status each is answered with.
const (
	Invalid      Kind = http.StatusBadRequest
	Unauthorized Kind = http.StatusUnauthorized
	OverQuota    Kind = http.StatusPaymentRequired
	Forbidden    Kind = http.StatusForbidden
	NotFound     Kind = http.StatusNotFound
	Conflict     Kind = http.StatusConflict
	TooLarge     Kind = http.StatusRequestEntityTooLarge
	Mismatch     Kind = http.StatusUnprocessableEntity
	TooMany      Kind = http.StatusTooManyRequests
	Unavailable  Kind = http.StatusServiceUnavailable
)

// Fault is an error whose message is for the user: a plain sentence that
// names what is wrong and what would be right.
type Fault struct {
	Kind       Kind
	Field      string // the field at fault, "" for none
	Message    string
	RetryAfter time.Duration // for TooMany and Unavailable
}

func (f *Fault) Error() string { return f.Message }

// New makes a fault of a kind.
func New(k Kind, message string) *Fault { return &Fault{Kind: k, Message: message} }

// Field makes an Invalid fault that names the field at fault.
func Field(field, message string) *Fault {
	return &Fault{Kind: Invalid, Field: field, Message: message}
}

// From finds the fault in an error chain; ok is false when there is none.
func From(err error) (f *Fault, ok bool) {
	ok = errors.As(err, &f)
	return f, ok
}
