package account

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"moonbear/internal/db"
)

// A login lasts 30 days after the last visit. It is prolonged when a day of
// them is gone, so that a page view is a read and not a write.
const (
	loginLifetime = 30 * 24 * time.Hour
	loginProlong  = 24 * time.Hour
)

const userKey = "user"

// Logins are signed-in browsers: a random token in a cookie, its hash in the
// control database.
type Logins struct {
	manager *scs.SessionManager
	now     func() time.Time
}

// Logins returns the one Logins of the service.
func (s *Service) Logins() *Logins { return s.logins }

func newLogins(s *Service, o Options) *Logins {
	// Not scs.New, which starts a goroutine for a store in memory that nobody
	// here uses and nobody can stop.
	codec := scs.GobCodec{}
	m := &scs.SessionManager{
		Lifetime:         loginLifetime,
		Codec:            codec,
		Store:            &loginStore{db: s.db, now: s.now, codec: codec},
		HashTokenInStore: true,
		Cookie: scs.SessionCookie{
			Name: "moonbear", Path: "/", HttpOnly: true, Secure: o.Secure,
			SameSite: http.SameSiteLaxMode, Persist: true,
		},
	}
	if o.Secure {
		// Browsers take a __Host- cookie only from https and from this very
		// host, so a neighbour on another subdomain cannot plant one.
		m.Cookie.Name = "__Host-moonbear"
	}
	m.ErrorFunc = o.LoginError
	if m.ErrorFunc == nil {
		m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
			s.log.ErrorContext(r.Context(), "login not read or written", "error", err)
			http.Error(w, "Something went wrong.", http.StatusInternalServerError)
		}
	}
	return &Logins{manager: m, now: s.now}
}

// Wrap gives next the login of each request, writes back what it changed, and
// prolongs a login in use. A request without a cookie costs no query.
func (l *Logins) Wrap(next http.Handler) http.Handler {
	h := l.manager.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := l.User(r.Context()); ok {
			end := l.now().Add(loginLifetime)
			if end.Sub(l.manager.Deadline(r.Context())) > loginProlong {
				l.manager.SetDeadline(r.Context(), end.UTC())
			}
		}
		next.ServeHTTP(w, r)
	}))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), foundKey{}, new(foundLogin))))
	})
}

// foundLogin is the login a request came with, for the store alone: a login that
// was ended while the request ran is not written again.
type (
	foundLogin struct{ hash string }
	foundKey   struct{}
)

// Start signs a user in. The token is a new one, so that one planted before
// the login is worth nothing after it.
func (l *Logins) Start(ctx context.Context, user int64) error {
	if err := l.manager.RenewToken(ctx); err != nil {
		return fmt.Errorf("start a login: %w", err)
	}
	l.manager.Put(ctx, userKey, user)
	l.manager.SetDeadline(ctx, l.now().Add(loginLifetime).UTC())
	return nil
}

// User is who is signed in. It panics outside of Wrap.
func (l *Logins) User(ctx context.Context) (id int64, ok bool) {
	id = l.manager.GetInt64(ctx, userKey)
	return id, id != 0
}

// End signs out.
func (l *Logins) End(ctx context.Context) error {
	if err := l.manager.Destroy(ctx); err != nil {
		return fmt.Errorf("end a login: %w", err)
	}
	return nil
}

// Flash keeps a message for the next page this browser opens.
func (l *Logins) Flash(ctx context.Context, message string) { l.manager.Put(ctx, "flash", message) }

// TakeFlash is the message kept, once; "" for none.
func (l *Logins) TakeFlash(ctx context.Context) string { return l.manager.PopString(ctx, "flash") }

// loginStore is scs's store over the control database. Tokens reach it hashed.
type loginStore struct {
	db    *db.DB
	now   func() time.Time
	codec scs.Codec
}

var _ scs.CtxStore = (*loginStore)(nil)

func (s *loginStore) FindCtx(ctx context.Context, hash string) (data []byte, found bool, err error) {
	err = s.db.Bun().NewRaw("select data from logins where token_hash = ? and expires_at > ?", hash, db.Time(s.now())).Scan(ctx, &data)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("select login: %w", err)
	}
	if f, ok := ctx.Value(foundKey{}).(*foundLogin); ok {
		f.hash = hash
	}
	return data, true, nil
}

func (s *loginStore) CommitCtx(ctx context.Context, hash string, data []byte, expires time.Time) error {
	_, values, err := s.codec.Decode(data)
	if err != nil {
		return fmt.Errorf("decode login: %w", err)
	}
	// The user stands in a column too, so that all of a user's logins can be
	// ended at once.
	var user sql.NullInt64
	user.Int64, user.Valid = values[userKey].(int64)
	q := s.db.Bun().NewRaw("insert into logins (user_id, data, expires_at, token_hash) values (?, ?, ?, ?)",
		user, data, db.Time(expires), hash)
	if f, ok := ctx.Value(foundKey{}).(*foundLogin); ok && f.hash == hash {
		q = s.db.Bun().NewRaw("update logins set user_id = ?, data = ?, expires_at = ? where token_hash = ?",
			user, data, db.Time(expires), hash)
	}
	if _, err := q.Exec(ctx); err != nil {
		return fmt.Errorf("write login: %w", err)
	}
	return nil
}

func (s *loginStore) DeleteCtx(ctx context.Context, hash string) error {
	if _, err := s.db.Bun().NewRaw("delete from logins where token_hash = ?", hash).Exec(ctx); err != nil {
		return fmt.Errorf("delete login: %w", err)
	}
	return nil
}

// The methods without a context make it an scs.Store; scs calls those above.

func (s *loginStore) Find(hash string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), hash)
}

func (s *loginStore) Commit(hash string, data []byte, expires time.Time) error {
	return s.CommitCtx(context.Background(), hash, data, expires)
}

func (s *loginStore) Delete(hash string) error { return s.DeleteCtx(context.Background(), hash) }
