package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"
	"golang.org/x/text/unicode/norm"

	"moonbear/internal/fault"
)

// MinPassword is the least number of characters of a new password: two more
// than NIST SP 800-63B asks for, because there is no second factor to ask for
// yet. The forms and `moonbear setup --help` say it too.
const MinPassword = 10

// maxPassword only bounds what a request can make us hash.
const maxPassword = 256

// params are argon2id's: memory in KiB, passes, lanes.
type params struct {
	memory, time uint32
	threads      uint8
}

// defaultParams are OWASP's first choice for argon2id: 19 MiB, 2 passes, 1
// lane; 36 ms on a small server. Raising them rehashes each password at its
// next login.
var defaultParams = params{memory: 19 * 1024, time: 2, threads: 1}

// hasher hashes passwords, a few at a time: each takes 19 MiB, and a burst of
// logins must not take the memory of a small server.
type hasher struct {
	params params
	slots  *semaphore.Weighted
	nobody string // what a password is compared with when there is no such user
}

func newHasher(p params) *hasher {
	h := &hasher{params: p, slots: semaphore.NewWeighted(int64(max(2, runtime.NumCPU())))}
	// Random bytes in place of a hash: nothing matches them, and finding that
	// out takes as long as for a user who exists.
	h.nobody = p.phc(random(16), random(32))
	return h
}

func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the process instead
	return b
}

// phc writes the PHC string format: $argon2id$v=19$m=19456,t=2,p=1$salt$hash
func (p params) phc(salt, key []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, p.memory, p.time, p.threads, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// parsePHC reads what phc wrote. Bounds on the numbers keep a damaged row from
// costing gigabytes or dividing by nothing.
func parsePHC(s string) (p params, salt, key []byte, err error) {
	f := strings.Split(s, "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" || f[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return params{}, nil, nil, fmt.Errorf("password hash is not argon2id, version %d", argon2.Version)
	}
	if _, err := fmt.Sscanf(f[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.threads); err != nil {
		return params{}, nil, nil, fmt.Errorf("password hash's parameters: %w", err)
	}
	if p.memory < 8 || p.memory > 1<<20 || p.time < 1 || p.time > 100 || p.threads < 1 || p.threads > 16 {
		return params{}, nil, nil, fmt.Errorf("password hash's parameters %q are out of bounds", f[3])
	}
	if salt, err = base64.RawStdEncoding.Strict().DecodeString(f[4]); err != nil {
		return params{}, nil, nil, fmt.Errorf("password hash's salt: %w", err)
	}
	if key, err = base64.RawStdEncoding.Strict().DecodeString(f[5]); err != nil {
		return params{}, nil, nil, fmt.Errorf("password hash's key: %w", err)
	}
	if len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 {
		return params{}, nil, nil, fmt.Errorf("password hash has a salt of %d and a key of %d bytes", len(salt), len(key))
	}
	return p, salt, key, nil
}

// hash makes the PHC string of a password.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := random(16)
	key, err := h.key(ctx, h.params, password, salt, 32)
	if err != nil {
		return "", err
	}
	return h.params.phc(salt, key), nil
}

// verify says whether a password is the one hashed, and whether it should be
// hashed anew because the parameters have changed since.
func (h *hasher) verify(ctx context.Context, phc, password string) (ok, stale bool, err error) {
	p, salt, want, err := parsePHC(phc)
	if err != nil {
		return false, false, err
	}
	got, err := h.key(ctx, p, password, salt, uint32(len(want)))
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, p != h.params, nil
}

// key runs argon2id. NFC first: a Korean or accented password typed on a Mac
// and on a phone is the same text in different bytes.
func (h *hasher) key(ctx context.Context, p params, password string, salt []byte, n uint32) ([]byte, error) {
	if err := h.slots.Acquire(ctx, 1); err != nil {
		return nil, fmt.Errorf("wait for a password to be hashed: %w", err)
	}
	defer h.slots.Release(1)
	return argon2.IDKey([]byte(norm.NFC.String(password)), salt, p.time, p.memory, p.threads, n), nil
}

// checkPassword says what is wrong with a new password; email is whose.
func checkPassword(password, email string) error {
	switch n := utf8.RuneCountInString(password); {
	case n < MinPassword:
		return fault.Field("password", fmt.Sprintf("The password has %d characters; use at least %d.", n, MinPassword))
	case n > maxPassword:
		return fault.Field("password", fmt.Sprintf("The password has %d characters; use at most %d.", n, maxPassword))
	case strings.EqualFold(strings.TrimSpace(password), email):
		return fault.Field("password", "The password is your email address; use something nobody else knows.")
	case strings.Count(password, password[:1]) == len(password):
		return fault.Field("password", "The password is one character repeated; use something harder to guess.")
	}
	return nil
}
