// Package account knows who people are and what they may touch: users,
// accounts, memberships, logins, and the tokens programs use instead.
//
// Somebody at the door goes: web → AuthenticateFrom (throttle → argon2id) or
// UseLoginLink → Logins.Start, and on every later request Logins.Wrap →
// Logins.User. A program goes: api or collect → TokenFor. A secret is stored
// only as its hash, in every case.
package account

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/uptrace/bun"

	"moonbear/internal/db"
	"moonbear/internal/fault"
	"moonbear/internal/kv"
)

// ErrUserNotFound is the answer for a user who does not exist (any more).
var ErrUserNotFound = fault.New(fault.NotFound, "There is no such user.")

// User is a person who logs in.
type User struct {
	ID        int64
	Email     string // normalised: lower case, domain in punycode
	CreatedAt time.Time
}

// Account is who pays: it owns sites and has members.
type Account struct {
	ID   int64
	Name string
	Role Role // of the user it was asked for
}

// Role is what a user may do in an account.
type Role string

// The roles, from most to least.
const (
	Owner  Role = "owner"  // everything, and the account itself
	Admin  Role = "admin"  // members, tokens and sites
	Editor Role = "editor" // settings of sites
	Viewer Role = "viewer" // reads
)

var rank = map[Role]int{Owner: 4, Admin: 3, Editor: 2, Viewer: 1}

// AtLeast says whether a role may do what another may; "" may nothing.
func (r Role) AtLeast(min Role) bool { return rank[r] > 0 && rank[r] >= rank[min] }

// Options are what a Service may be given; the zero value works.
type Options struct {
	Log *slog.Logger
	Now func() time.Time
	// Secure marks the login cookie Secure: the server is reached by https.
	Secure bool
	// LoginError answers a request whose login could not be read or written;
	// nil answers 500 "Something went wrong."
	LoginError func(http.ResponseWriter, *http.Request, error)
	// Limits counts tries at what can be guessed; nil: in memory.
	Limits kv.Limits
	// TokensChanged tells other processes that ForgetTokens is due; nil: there
	// are none.
	TokensChanged func(context.Context)
}

// Service is users, accounts and their keys in the control database. It is
// safe for concurrent use.
type Service struct {
	db       *db.DB
	log      *slog.Logger
	now      func() time.Time
	hasher   *hasher
	throttle tries
	tokens   *tokenCache
	revoked  func(context.Context) // tells other processes; nil: there are none
	logins   *Logins
	claimed  atomic.Bool // once true, true for ever
}

// New makes the service.
func New(d *db.DB, o Options) *Service {
	s := &Service{
		db:       d,
		log:      cmp.Or(o.Log, slog.New(slog.DiscardHandler)),
		now:      o.Now,
		hasher:   newHasher(defaultParams),
		throttle: newTries(o.Limits),
		tokens:   newTokenCache(),
		revoked:  o.TokensChanged,
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.logins = newLogins(s, o)
	return s
}

type userRow struct {
	bun.BaseModel `bun:"table:users,alias:u"`

	ID           int64 `bun:",pk,autoincrement"`
	Email        string
	PasswordHash string
	CreatedAt    time.Time
	UpdatedAt    time.Time
}

func (r *userRow) user() User { return User{ID: r.ID, Email: r.Email, CreatedAt: r.CreatedAt} }

// UserByID finds a user; ErrUserNotFound when there is none.
func (s *Service) UserByID(ctx context.Context, id int64) (User, error) {
	return s.userBy(ctx, "id", id)
}

// UserByEmail finds a user by an address as a person writes it;
// ErrUserNotFound when there is none.
func (s *Service) UserByEmail(ctx context.Context, email string) (User, error) {
	email, err := NormaliseEmail(email)
	if err != nil {
		return User{}, err
	}
	return s.userBy(ctx, "email", email)
}

func (s *Service) userBy(ctx context.Context, column string, value any) (User, error) {
	var r userRow
	err := s.db.Bun().NewSelect().Model(&r).Where("? = ?", bun.Ident(column), value).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return User{}, ErrUserNotFound
	}
	if err != nil {
		return User{}, fmt.Errorf("select user: %w", err)
	}
	return r.user(), nil
}

// Role is a user's role in an account, "" for none.
func (s *Service) Role(ctx context.Context, user, account int64) (Role, error) {
	var r Role
	err := s.db.Bun().NewRaw("select role from memberships where account_id = ? and user_id = ?", account, user).Scan(ctx, &r)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("select role: %w", err)
	}
	return r, nil
}

// Accounts are the accounts a user is a member of, the oldest first.
func (s *Service) Accounts(ctx context.Context, user int64) ([]Account, error) {
	var as []Account
	err := s.db.Bun().NewRaw(`
		select a.id, a.name, m.role
		from memberships m join accounts a on a.id = m.account_id
		where m.user_id = ?
		order by a.id`, user).Scan(ctx, &as)
	if err != nil {
		return nil, fmt.Errorf("select accounts: %w", err)
	}
	return as, nil
}
