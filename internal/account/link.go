package account

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"moonbear/internal/db"
	"moonbear/internal/fault"
)

const linkLifetime = time.Hour

// ErrLink is the answer for a login link that is used, old or made up.
var ErrLink = fault.New(fault.Unauthorized, "This link was used already or is older than an hour. Ask for a new one.")

// secret is 52 letters and digits, 260 random bits: too many to guess, so one
// round of SHA-256 is hash enough to store.
func secret() string { return rand.Text() + rand.Text() }

func hashSecret(s string) []byte {
	h := sha256.Sum256([]byte(s))
	return h[:]
}

// LoginLink makes a token that signs a user in once within an hour.
func (s *Service) LoginLink(ctx context.Context, user int64) (token string, err error) {
	token = secret()
	_, err = s.db.Bun().NewRaw("insert into login_links (token_hash, user_id, expires_at) values (?, ?, ?)",
		hashSecret(token), user, db.Time(s.now().Add(linkLifetime))).Exec(ctx)
	if err != nil {
		return "", fmt.Errorf("insert login link: %w", err)
	}
	return token, nil
}

// UseLoginLink spends a link and returns whom it signs in; ErrLink when it is
// used, old or made up. Of several at once one wins. A link printed in a
// terminal may be spent by opening it; one that is mailed must wait for a POST,
// because mail scanners open links to look at them.
func (s *Service) UseLoginLink(ctx context.Context, token string) (User, error) {
	now := db.Time(s.now())
	var user int64
	err := s.db.Bun().NewRaw(`
		update login_links set used_at = ?
		where token_hash = ? and used_at is null and expires_at > ?
		returning user_id`, now, hashSecret(token), now).Scan(ctx, &user)
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, ErrLink
	}
	if err != nil {
		return User{}, fmt.Errorf("use a login link: %w", err)
	}
	return s.UserByID(ctx, user)
}

// Expire removes logins and login links that are over; a scheduled job.
func (s *Service) Expire(ctx context.Context) (n int64, err error) {
	now := db.Time(s.now())
	for _, table := range []string{"logins", "login_links"} {
		res, err := s.db.Bun().NewRaw("delete from ? where expires_at <= ?", bun.Ident(table), now).Exec(ctx)
		if err != nil {
			return n, fmt.Errorf("expire %s: %w", table, err)
		}
		rows, err := res.RowsAffected()
		if err != nil {
			return n, fmt.Errorf("expire %s: %w", table, err)
		}
		n += rows
	}
	return n, nil
}
