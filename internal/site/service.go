package site

import (
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/uptrace/bun"

	"moonbear/internal/account"
	"moonbear/internal/db"
	"moonbear/internal/fault"
)

// maxHostnames bounds an allow-list. The longest that makes sense is a
// domain's country names; every hit compares with each.
const maxHostnames = 100

// Faults of sites.
var (
	ErrNotFound      = fault.New(fault.NotFound, "There is no such site.")
	ErrDomainTaken   = &fault.Fault{Kind: fault.Conflict, Field: "domain", Message: "This domain is already measured by another account."}
	ErrDomainYours   = &fault.Fault{Kind: fault.Conflict, Field: "domain", Message: "Your account already measures this domain."}
	ErrLastHostname  = &fault.Fault{Kind: fault.Conflict, Field: "hostname", Message: "This is the last hostname of the list, and an empty list would count every hostname. Allow another one first."}
	ErrManyHostnames = &fault.Fault{Kind: fault.Conflict, Field: "hostname", Message: fmt.Sprintf("A site can allow at most %d hostnames. Remove one first.", maxHostnames)}
)

// Options are what a Service may be given; the zero value works.
type Options struct {
	Log *slog.Logger
	Now func() time.Time
	// Changed tells other processes that their Directory is Stale; nil: there
	// are none.
	Changed func(context.Context)
}

// Service is sites in the control database. Every change is in the Directory
// when the method returns. It asks nobody who is asking: ForUser does.
type Service struct {
	db        *db.DB
	accounts  *account.Service
	directory *Directory
	zones     *zones
	log       *slog.Logger
	now       func() time.Time
	tell      func(context.Context)
}

// New makes the service. Its Directory knows nothing until it runs.
func New(d *db.DB, accounts *account.Service, o Options) *Service {
	log := cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	z := &zones{log: log}
	s := &Service{db: d, accounts: accounts, zones: z, log: log, now: o.Now, tell: o.Changed,
		directory: &Directory{db: d, log: log, zones: z, stale: make(chan struct{}, 1)}}
	if s.now == nil {
		s.now = time.Now
	}
	return s
}

// Directory is the copy in memory that collecting asks.
func (s *Service) Directory() *Directory { return s.directory }

// NewSite is what Create needs.
type NewSite struct {
	Account  int64
	Domain   string // as a person pastes it
	TimeZone string // IANA; "" is DefaultTimeZone
	Currency string // ISO 4217; "" is DefaultCurrency
	// Hostnames is the allow-list: nil is the domain alone, empty is any.
	Hostnames    []string
	KeepFragment bool
}

// Create adds a site. Errors: faults of the fields domain, timezone, currency
// and hostname; ErrDomainTaken, ErrDomainYours.
func (s *Service) Create(ctx context.Context, n NewSite) (Site, error) {
	r, hosts, err := s.check(n)
	if err != nil {
		return Site{}, err
	}
	err = s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		return s.insert(ctx, tx, &r, hosts)
	})
	if err != nil {
		return Site{}, err
	}
	s.changed(ctx)
	return r.site(s.zones, hosts), nil
}

// check turns a wish into rows, or says which field is wrong.
func (s *Service) check(n NewSite) (row, []string, error) {
	domain, err := ParseDomain(n.Domain)
	if err != nil {
		return row{}, nil, err
	}
	tz := cmp.Or(n.TimeZone, DefaultTimeZone)
	if _, err := s.zones.load(tz); err != nil {
		return row{}, nil, err
	}
	cur, err := ParseCurrency(n.Currency)
	if err != nil {
		return row{}, nil, err
	}
	hosts := []string{domain}
	if n.Hostnames != nil {
		if hosts, err = parseHostnames(n.Hostnames); err != nil {
			return row{}, nil, err
		}
	}
	now := db.Time(s.now())
	return row{PublicID: newPublicID(), AccountID: n.Account, Domain: domain, TimeZone: tz, Currency: cur,
		KeepFragment: n.KeepFragment, CreatedAt: now, UpdatedAt: now}, hosts, nil
}

// parseHostnames reads a whole allow-list; an entry given twice counts once.
func parseHostnames(in []string) ([]string, error) {
	var out []string
	for _, h := range in {
		host, err := ParseHostname(h)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(out, host) {
			out = append(out, host)
		}
	}
	if len(out) > maxHostnames {
		return nil, ErrManyHostnames
	}
	return out, nil
}

// insert adds a site and its allow-list; r.ID is set.
func (s *Service) insert(ctx context.Context, tx bun.Tx, r *row, hosts []string) error {
	if err := freeDomain(ctx, tx, r.Domain, r.AccountID); err != nil {
		return err
	}
	if _, err := tx.NewInsert().Model(r).Exec(ctx); err != nil {
		return domainTaken(err, r.Domain)
	}
	return insertHostnames(ctx, tx, r.ID, hosts, r.CreatedAt)
}

// freeDomain tells whose a domain is when it is not free.
func freeDomain(ctx context.Context, tx bun.Tx, domain string, account int64) error {
	var owner int64
	err := tx.NewRaw("select account_id from sites where domain = ? and deleted_at is null", domain).Scan(ctx, &owner)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("look for domain %s: %w", domain, err)
	case owner == account:
		return ErrDomainYours
	}
	return ErrDomainTaken
}

// domainTaken answers for the race that freeDomain cannot see on PostgreSQL.
func domainTaken(err error, domain string) error {
	if db.IsUnique(err) {
		return ErrDomainTaken
	}
	return fmt.Errorf("write site %s: %w", domain, err)
}

func insertHostnames(ctx context.Context, tx bun.Tx, site int64, hosts []string, now time.Time) error {
	if len(hosts) == 0 {
		return nil
	}
	rows := make([]hostnameRow, len(hosts))
	for i, h := range hosts {
		rows[i] = hostnameRow{SiteID: site, Hostname: h, CreatedAt: now}
	}
	if _, err := tx.NewInsert().Model(&rows).On("conflict do nothing").Exec(ctx); err != nil {
		return fmt.Errorf("write hostnames of site %d: %w", site, err)
	}
	return nil
}

// changed puts a change in the Directory. The change stands even when the
// asker has gone or the list cannot be read now: Run reads it again soon.
func (s *Service) changed(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if err := s.directory.Refresh(ctx); err != nil {
		s.log.ErrorContext(ctx, "site list is stale", "error", err)
	}
	if s.tell != nil {
		s.tell(ctx)
	}
}

// ByPublicID finds a site; ErrNotFound when there is none.
func (s *Service) ByPublicID(ctx context.Context, id string) (Site, error) {
	if !readableID(id) {
		return Site{}, ErrNotFound
	}
	return s.one(ctx, s.db.Bun(), func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("s.public_id = ?", id)
	})
}

// ByID finds a site by its number; ErrNotFound when there is none.
func (s *Service) ByID(ctx context.Context, id int64) (Site, error) {
	return s.one(ctx, s.db.Bun(), func(q *bun.SelectQuery) *bun.SelectQuery {
		return q.Where("s.id = ?", id)
	})
}

func (s *Service) one(ctx context.Context, c bun.IDB, narrow func(*bun.SelectQuery) *bun.SelectQuery) (Site, error) {
	sites, err := selectSites(ctx, c, s.zones, narrow)
	if err != nil {
		return Site{}, err
	}
	if len(sites) == 0 {
		return Site{}, ErrNotFound
	}
	return sites[0], nil
}

// ForUser finds a site a user is a member of, and the user's role; to anybody
// else it answers ErrNotFound, so that nobody learns which sites there are.
func (s *Service) ForUser(ctx context.Context, user int64, id string) (Site, account.Role, error) {
	st, err := s.ByPublicID(ctx, id)
	if err != nil {
		return Site{}, "", err
	}
	role, err := s.accounts.Role(ctx, user, st.Account)
	if err != nil {
		return Site{}, "", err
	}
	if role == "" {
		return Site{}, "", ErrNotFound
	}
	return st, role, nil
}

// readableID says whether the databases can be asked for an ID: text has no
// NUL in either, and is UTF-8 in PostgreSQL. An address may hold anything.
func readableID(id string) bool {
	return utf8.ValidString(id) && !strings.ContainsRune(id, 0)
}

const idLetters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// newPublicID makes an ID nobody can guess: 11 letters of 62 are 65 bits.
func newPublicID() string {
	var id strings.Builder
	var b [16]byte
	for id.Len() < 11 {
		_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the process instead
		for _, c := range b {
			// 248 is the last multiple of 62 in a byte: beyond it the first
			// letters would come more often.
			if c < 248 && id.Len() < 11 {
				id.WriteByte(idLetters[c%62])
			}
		}
	}
	return id.String()
}
