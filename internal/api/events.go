package api

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"moonbear/internal/account"
	"moonbear/internal/apidoc"
	"moonbear/internal/collect"
	"moonbear/internal/stats"
)

// sendEvents hands events to collecting: POST /v1/events
//
// The limit counts events, because a batch of a thousand costs what a thousand
// do; a request costs one at least, also when it is refused.
func (a *API) sendEvents(w http.ResponseWriter, r *http.Request, t account.Token) error {
	now := a.o.Now()
	if err := a.events.admit(r.Context(), w.Header(), t.ID, 1, now); err != nil {
		return err
	}
	facts := collect.TokenFacts{ID: t.ID, Account: t.Account, Sites: t.Sites, Write: t.Can(account.WriteEvents)}
	n, err := a.o.Collect.Events(r, facts, func(events int) error {
		return a.events.admit(r.Context(), w.Header(), t.ID, events-1, now)
	})
	if unknown, ok := errors.AsType[*collect.UnknownField](err); ok {
		return meant(unknown)
	}
	if err != nil {
		return err
	}
	return answerWith(w, http.StatusAccepted, object{{"received", n}})
}

// meant says which field was probably meant by one that events don't have.
func meant(u *collect.UnknownField) error {
	f := *u.Fault
	if near := stats.Nearest(u.Name, eventFields()); near != "" {
		f.Message = strings.TrimSuffix(f.Message, ".") + fmt.Sprintf("; did you mean %s?", near)
	} else {
		f.Message += " Words of your own go into props."
	}
	return &f
}

// eventFields are the names of an event's fields.
func eventFields() (names []string) {
	o, err := apidoc.Find("POST /v1/events")
	if err != nil {
		panic(err) // a test holds the routes to the document
	}
	for _, f := range o.Body {
		names = append(names, f.Name)
	}
	return names
}
