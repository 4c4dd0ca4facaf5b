package account

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"moonbear/internal/db"
	"moonbear/internal/fault"
)

// Faults of the first run.
var (
	ErrClaimed   = fault.New(fault.Conflict, "This server is set up already. Sign in instead.")
	ErrSetupCode = &fault.Fault{Kind: fault.Forbidden, Field: "code", Message: "That is not this server's setup code. It is in the server's log, in the line that begins with \"setup code\"."}
)

// Claimed says whether somebody owns this server.
func (s *Service) Claimed(ctx context.Context) (bool, error) {
	if s.claimed.Load() {
		return true, nil
	}
	var n int
	err := s.db.Bun().NewRaw("select count(*) from instance where claimed_at is not null").Scan(ctx, &n)
	if err != nil {
		return false, fmt.Errorf("is the server claimed: %w", err)
	}
	if n > 0 {
		s.claimed.Store(true)
	}
	return n > 0, nil
}

// SetupCode is the code that claims this server, "XXXXX-XXXXX", the same at
// every start until it is used; ErrClaimed after that. It is kept readable in
// the control database: it must be printed at each start, whoever reads the
// database needs no code, and the claim removes it in its own transaction.
func (s *Service) SetupCode(ctx context.Context) (string, error) {
	var code string
	err := s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		// Only the first of several starters sets it; all read the same.
		_, err := tx.NewRaw("update instance set setup_code = ? where setup_code = '' and claimed_at is null", newSetupCode()).Exec(ctx)
		if err != nil {
			return fmt.Errorf("make the setup code: %w", err)
		}
		if err := tx.NewRaw("select setup_code from instance").Scan(ctx, &code); err != nil {
			return fmt.Errorf("read the setup code: %w", err)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	if code == "" {
		return "", ErrClaimed
	}
	return code, nil
}

// codeLetters are Crockford's: no I, L, O or U, so that nothing read from a
// terminal is typed wrong. 32 of them: a byte's low five bits pick one evenly.
const codeLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newSetupCode makes 50 random bits; at a try every five seconds the half of
// them takes 89 million years.
func newSetupCode() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
	for i := range b {
		b[i] = codeLetters[b[i]&31]
	}
	return string(b[:5]) + "-" + string(b[5:])
}

// CheckSetupCode says whether code claims this server, in constant time; case,
// spaces and hyphens do not matter. Errors: ErrSetupCode, ErrClaimed, or a
// TooMany fault: a few tries a client, one every five seconds for all.
func (s *Service) CheckSetupCode(ctx context.Context, client, code string) error {
	if err := s.throttle.code(ctx, client, s.now()); err != nil {
		return err
	}
	want, err := s.SetupCode(ctx)
	if err != nil {
		return err
	}
	if subtle.ConstantTimeCompare([]byte(plainCode(code)), []byte(plainCode(want))) != 1 {
		return ErrSetupCode
	}
	return nil
}

// plainCode is a code as Crockford decodes what people type.
func plainCode(s string) string {
	return strings.NewReplacer("-", "", " ", "", "O", "0", "I", "1", "L", "1").Replace(strings.ToUpper(strings.TrimSpace(s)))
}

// NewOwner is a checked, hashed claim: what is slow is done before the
// transaction.
type NewOwner struct{ email, passwordHash string }

// PrepareOwner checks an address and a password and hashes it. Errors: faults
// of the fields email and password.
func (s *Service) PrepareOwner(ctx context.Context, email, password string) (NewOwner, error) {
	e, err := NormaliseEmail(email)
	if err != nil {
		return NewOwner{}, err
	}
	if err := checkPassword(password, e); err != nil {
		return NewOwner{}, err
	}
	phc, err := s.hasher.hash(ctx, password)
	return NewOwner{e, phc}, err
}

// Claim makes the first user, who owns the first account. Of several at once
// one wins; the others, and everybody later, get ErrClaimed.
func (s *Service) Claim(ctx context.Context, tx bun.Tx, o NewOwner) (user, account int64, err error) {
	now := db.Time(s.now())
	res, err := tx.NewRaw("update instance set claimed_at = ?, setup_code = '' where claimed_at is null", now).Exec(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("claim the server: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return 0, 0, errorsOr(err, ErrClaimed)
	}
	return insertOwner(ctx, tx, o, now)
}

func insertOwner(ctx context.Context, tx bun.Tx, o NewOwner, now time.Time) (user, account int64, err error) {
	u := userRow{Email: o.email, PasswordHash: o.passwordHash, CreatedAt: now, UpdatedAt: now}
	if _, err := tx.NewInsert().Model(&u).Exec(ctx); err != nil {
		return 0, 0, fmt.Errorf("insert user: %w", err)
	}
	if err := tx.NewRaw("insert into accounts (name, created_at) values (?, ?) returning id", o.email, now).Scan(ctx, &account); err != nil {
		return 0, 0, fmt.Errorf("insert account: %w", err)
	}
	_, err = tx.NewRaw("insert into memberships (account_id, user_id, role, created_at) values (?, ?, ?, ?)", account, u.ID, Owner, now).Exec(ctx)
	if err != nil {
		return 0, 0, fmt.Errorf("insert membership: %w", err)
	}
	return u.ID, account, nil
}

// errorsOr is err, or what its absence means.
func errorsOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}
