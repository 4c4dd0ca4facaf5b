package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/uptrace/bun"

	"moonbear/internal/db"
	"moonbear/internal/fault"
)

// ErrWrongPassword is the one answer for a wrong password and for an address
// nobody has.
var ErrWrongPassword = fault.New(fault.Unauthorized, "The email address or the password is wrong.")

// Authenticate finds the user with an address and a password, for callers
// that know no client. Pages use AuthenticateFrom.
func (s *Service) Authenticate(ctx context.Context, email, password string) (User, error) {
	return s.AuthenticateFrom(ctx, "", email, password)
}

// AuthenticateFrom finds the user with an address and a password. The client
// is whatever tells clients apart, such as an IP address; it is kept in memory,
// hashed, to slow down guessing. Errors: ErrWrongPassword, or a TooMany fault
// with RetryAfter. The answer takes as long whether the address is known or not.
func (s *Service) AuthenticateFrom(ctx context.Context, client, email, password string) (User, error) {
	e, err := NormaliseEmail(email)
	asked := e // "" for what is no address: nobody has it, and the answer must not tell that apart
	if err != nil {
		e = email
	}
	if err := s.throttle.password(ctx, client, e, s.now()); err != nil {
		return User{}, err
	}
	if len(password) > 4*maxPassword {
		return User{}, ErrWrongPassword // it cannot have been set; hashing it is work for nothing
	}
	var r userRow
	err = s.db.Bun().NewSelect().Model(&r).Where("email = ?", asked).Scan(ctx)
	known := err == nil
	switch {
	case errors.Is(err, sql.ErrNoRows):
		r.PasswordHash = s.hasher.nobody
	case err != nil:
		return User{}, fmt.Errorf("select user: %w", err)
	}
	ok, stale, err := s.hasher.verify(ctx, r.PasswordHash, password)
	if err != nil {
		return User{}, fmt.Errorf("verify the password of user %d: %w", r.ID, err)
	}
	if !ok || !known {
		return User{}, ErrWrongPassword
	}
	s.throttle.passed(ctx, client, e)
	if stale {
		s.rehash(ctx, &r, password)
	}
	return r.user(), nil
}

// rehash stores a password under today's parameters. When it cannot, the old
// hash stays good and the next login tries again.
func (s *Service) rehash(ctx context.Context, r *userRow, password string) {
	phc, err := s.hasher.hash(ctx, password)
	if err == nil {
		// Not when the password was changed meanwhile.
		_, err = s.db.Bun().NewUpdate().Model(r).Set("password_hash = ?", phc).
			WherePK().Where("password_hash = ?", r.PasswordHash).Exec(ctx)
	}
	if err != nil {
		s.log.WarnContext(ctx, "password not rehashed", "user", r.ID, "error", err)
	}
}

// SetPassword gives a user another password and ends all the user's logins
// and login links, this browser's included: start a new login afterwards.
// Errors: a fault of the field password, ErrUserNotFound.
func (s *Service) SetPassword(ctx context.Context, user int64, password string) error {
	u, err := s.UserByID(ctx, user)
	if err != nil {
		return err
	}
	if err := checkPassword(password, u.Email); err != nil {
		return err
	}
	phc, err := s.hasher.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		now := db.Time(s.now())
		for _, q := range []struct {
			sql  string
			args []any
		}{
			{"update users set password_hash = ?, updated_at = ? where id = ?", []any{phc, now, user}},
			{"delete from logins where user_id = ?", []any{user}},
			{"delete from login_links where user_id = ?", []any{user}},
		} {
			if _, err := tx.NewRaw(q.sql, q.args...).Exec(ctx); err != nil {
				return fmt.Errorf("set the password of user %d: %w", user, err)
			}
		}
		return nil
	})
}
