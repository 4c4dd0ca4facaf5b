package account

import (
	"errors"
	"testing"
)

// TestUnreadableEmail signs in with what no database can be asked for.
func TestUnreadableEmail(t *testing.T) {
	f := claimed(t)
	for _, email := range []string{"", "a\x00@example.com", "\xff@example.com", "a@\x00"} {
		if _, err := f.AuthenticateFrom(t.Context(), "client", email, "a long enough password"); !errors.Is(err, ErrWrongPassword) {
			t.Errorf("%q: got %v, want the answer to a wrong password", email, err)
		}
	}
}
