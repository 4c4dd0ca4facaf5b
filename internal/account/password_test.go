package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"moonbear/internal/fault"
)

func TestPasswordRoundTrip(t *testing.T) {
	h := newHasher(defaultParams)
	phc, err := h.hash(t.Context(), "비밀번호1234") // composed, as a phone types it
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash is %s", phc)
	}
	if again, err := h.hash(t.Context(), "비밀번호1234"); err != nil || again == phc {
		t.Errorf("the same salt twice: %s, %v", again, err)
	}
	for _, tt := range []struct {
		password string
		ok       bool
	}{
		{"비밀번호1234", true},
		{norm.NFD.String("비밀번호1234"), true}, // decomposed, as a Mac does
		{"비밀번호1235", false},
		{"", false},
	} {
		ok, stale, err := h.verify(t.Context(), phc, tt.password)
		if err != nil || ok != tt.ok || stale {
			t.Errorf("%+q: %v, stale %v, %v", tt.password, ok, stale, err)
		}
	}
	stronger := newHasher(params{memory: 20 * 1024, time: 2, threads: 1})
	if ok, stale, err := stronger.verify(t.Context(), phc, "비밀번호1234"); err != nil || !ok || !stale {
		t.Errorf("under other parameters: %v, stale %v, %v", ok, stale, err)
	}
}

func TestParsePHC(t *testing.T) {
	const salt, key = "MDEyMzQ1Njc4OWFiY2RlZg", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY"
	good := "$argon2id$v=19$m=19456,t=2,p=1$" + salt + "$" + key
	if p, s, k, err := parsePHC(good); err != nil || p != defaultParams || string(s) != "0123456789abcdef" || len(k) != 32 {
		t.Errorf("%+v %q %q %v", p, s, k, err)
	}
	for _, bad := range []string{
		"", "$", "plain text", "$2a$10$abc",
		strings.Replace(good, "argon2id", "argon2i", 1),
		strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=19456", "m=0", 1),
		strings.Replace(good, "m=19456", "m=99999999", 1),
		strings.Replace(good, "t=2", "t=0", 1),
		strings.Replace(good, "p=1", "p=0", 1),
		strings.Replace(good, "p=1", "p=x", 1),
		strings.Replace(good, key, "short", 1),
		strings.Replace(good, salt, "!", 1),
		strings.Replace(good, key, "!", 1),
		good + "$",
	} {
		if _, _, _, err := parsePHC(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add(defaultParams.phc(make([]byte, 16), make([]byte, 32)))
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=-1,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, s string) {
		p, salt, key, err := parsePHC(s)
		if err != nil {
			return
		}
		// What was read writes back to something that reads the same.
		p2, salt2, key2, err := parsePHC(p.phc(salt, key))
		if err != nil || p2 != p || string(salt2) != string(salt) || string(key2) != string(key) {
			t.Errorf("%q: %v", s, err)
		}
	})
}

func TestCheckPassword(t *testing.T) {
	for _, tt := range []struct{ password, message string }{
		{"", "The password has 0 characters; use at least 10."},
		{"1234567", "The password has 7 characters; use at least 10."},
		{"비밀번호", "The password has 4 characters; use at least 10."},
		{strings.Repeat("ab", 150), "The password has 300 characters; use at most 256."},
		{"Owner@Example.com", "The password is your email address; use something nobody else knows."},
		{"aaaaaaaaaaaa", "The password is one character repeated; use something harder to guess."},
	} {
		wants(t, checkPassword(tt.password, ownerEmail), fault.Invalid, "password", tt.message)
	}
	for _, good := range []string{"1234567890", "correct horse", "비밀번호비밀번호하나"} {
		if err := checkPassword(good, ownerEmail); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}

func TestAuthenticate(t *testing.T) {
	f := claimed(t)
	for _, tt := range []struct {
		email, password string
		want            error
	}{
		{ownerEmail, ownerPassword, nil},
		{"  OWNER@example.com", ownerPassword, nil},
		{ownerEmail, "wrong horse", ErrWrongPassword},
		{ownerEmail, "", ErrWrongPassword},
		{ownerEmail, strings.Repeat("long", 1000), ErrWrongPassword},
		{"nobody@example.com", ownerPassword, ErrWrongPassword},
		{"not an address", ownerPassword, ErrWrongPassword},
	} {
		u, err := f.Authenticate(t.Context(), tt.email, tt.password)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.email, err, tt.want)
		}
		if (u.ID == f.user) != (tt.want == nil) {
			t.Errorf("%s: %+v", tt.email, u)
		}
	}
}

// An address nobody has takes as long as a wrong password, within the noise:
// without the dummy hash it is a hundred times faster.
func TestUnknownAddressTakesAsLong(t *testing.T) {
	f := claimed(t)
	median := func(email string) time.Duration {
		var took []time.Duration
		for i := range 9 {
			f.clock.advance(time.Hour) // out of the throttle's way
			start := time.Now()
			if _, err := f.AuthenticateFrom(t.Context(), fmt.Sprint(i), email, "wrong horse"); !errors.Is(err, ErrWrongPassword) {
				t.Fatal(err)
			}
			took = append(took, time.Since(start))
		}
		slices.Sort(took)
		return took[len(took)/2]
	}
	known, unknown := median(ownerEmail), median("nobody@example.com")
	if ratio := float64(unknown) / float64(known); ratio < 0.3 || ratio > 3 {
		t.Errorf("known %v, unknown %v: the answer's time tells who has an account", known, unknown)
	}
}

func TestThrottle(t *testing.T) {
	f := claimed(t)
	wrong := func(client, email string) error {
		_, err := f.AuthenticateFrom(t.Context(), client, email, "wrong horse")
		return err
	}
	right := func(client string) error {
		_, err := f.AuthenticateFrom(t.Context(), client, ownerEmail, ownerPassword)
		return err
	}
	refused := func(err error) bool { e, ok := fault.From(err); return ok && e.Kind == fault.TooMany }
	t.Run("one client at one address", func(t *testing.T) {
		for range 5 {
			if err := wrong("a", ownerEmail); !errors.Is(err, ErrWrongPassword) {
				t.Fatal(err)
			}
		}
		err := wrong("a", ownerEmail)
		wants(t, err, fault.TooMany, "", "Too many tries. Wait 31 seconds and try again.")
		if e, _ := fault.From(err); e.RetryAfter != 31*time.Second {
			t.Errorf("retry after %v", e.RetryAfter)
		}
		if err := right("a"); !refused(err) {
			t.Errorf("the right password jumps the queue: %v", err)
		}
		if err := right("b"); err != nil {
			t.Errorf("somebody else is kept out: %v", err)
		}
		f.clock.advance(31 * time.Second)
		if err := right("a"); err != nil {
			t.Errorf("after the wait: %v", err)
		}
		for range 5 {
			if err := wrong("a", ownerEmail); !errors.Is(err, ErrWrongPassword) {
				t.Errorf("the right password does not forgive the failures before it: %v", err)
			}
		}
	})
	f.clock.advance(time.Hour)
	t.Run("one client at many addresses", func(t *testing.T) {
		through := 0
		for i := range 30 {
			if !refused(wrong("c", fmt.Sprintf("user%d@example.com", i))) {
				through++
			}
		}
		if through != 20 {
			t.Errorf("%d tries went through, want 20", through)
		}
	})
	t.Run("many clients at one address", func(t *testing.T) {
		through := 0
		for i := range 30 {
			if !refused(wrong(fmt.Sprintf("d%d", i), "victim@example.com")) {
				through++
			}
		}
		if through != 20 {
			t.Errorf("%d tries went through, want 20", through)
		}
	})
	if strings.Contains(f.log.String(), "@") {
		t.Errorf("an address is in the log:\n%s", f.log)
	}
}

// A password hashed under yesterday's parameters is hashed anew when its owner
// signs in, and only then.
func TestRehash(t *testing.T) {
	f := unclaimed(t)
	f.hasher = newHasher(params{memory: 8 * 1024, time: 1, threads: 1})
	f.user, f.account = f.claim(t, ownerEmail, ownerPassword)
	f.hasher = newHasher(defaultParams)
	stored := func() (phc string) {
		t.Helper()
		if err := f.db.Bun().NewRaw("select password_hash from users").Scan(t.Context(), &phc); err != nil {
			t.Fatal(err)
		}
		return phc
	}
	old := stored()
	if _, err := f.Authenticate(t.Context(), ownerEmail, "wrong horse"); !errors.Is(err, ErrWrongPassword) {
		t.Fatal(err)
	}
	if stored() != old {
		t.Error("a wrong password changed the hash")
	}
	for range 2 {
		if _, err := f.Authenticate(t.Context(), ownerEmail, ownerPassword); err != nil {
			t.Fatal(err)
		}
		if now := stored(); !strings.HasPrefix(now, "$argon2id$v=19$m=19456,t=2,p=1$") || now == old {
			t.Errorf("hash is %s", now)
		}
	}
}

func TestDamagedHash(t *testing.T) {
	f := claimed(t)
	if _, err := f.db.Bun().NewRaw("update users set password_hash = 'x'").Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := f.Authenticate(t.Context(), ownerEmail, ownerPassword)
	if _, isFault := fault.From(err); err == nil || isFault {
		t.Errorf("a damaged row is answered as the user's fault: %v", err)
	}
}

// Whoever gives up waiting for a slot is not hashed for.
func TestHashingIsBounded(t *testing.T) {
	h := newHasher(params{memory: 64, time: 1, threads: 1})
	for h.slots.TryAcquire(1) {
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.hash(ctx, "correct horse"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestSetPassword(t *testing.T) {
	f := claimed(t)
	ctx := t.Context()
	wants(t, f.SetPassword(ctx, f.user, "short"), fault.Invalid, "password", "The password has 5 characters; use at least 10.")
	if err := f.SetPassword(ctx, 99, "another horse"); !errors.Is(err, ErrUserNotFound) {
		t.Error(err)
	}
	link, err := f.LoginLink(ctx, f.user)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.SetPassword(ctx, f.user, "another horse"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Authenticate(ctx, ownerEmail, ownerPassword); !errors.Is(err, ErrWrongPassword) {
		t.Errorf("the old password: %v", err)
	}
	if _, err := f.Authenticate(ctx, ownerEmail, "another horse"); err != nil {
		t.Errorf("the new password: %v", err)
	}
	if _, err := f.UseLoginLink(ctx, link); !errors.Is(err, ErrLink) {
		t.Errorf("a link from before: %v", err)
	}
}
