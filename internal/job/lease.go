package job

import (
	"context"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"moonbear/internal/db"
)

// Leases give one of several processes the right to do something for a while.
// Clocks that differ, or a process that sleeps past its end, can give it to two:
// what is done under a lease must bear that.
type Leases struct {
	db     *db.DB
	holder string
	now    func() time.Time
}

// NewLeases makes the leases of one process, which no other is named like.
func NewLeases(d *db.DB, holder string) *Leases {
	return &Leases{db: d, holder: holder, now: time.Now}
}

// Take takes a lease until lasts from now, or prolongs it. It is false while
// another process holds it.
func (l *Leases) Take(ctx context.Context, name string, lasts time.Duration) (taken bool, err error) {
	err = l.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		now := db.Time(l.now())
		res, err := tx.NewRaw(`
			insert into leases (name, holder, expires_at) values (?, ?, ?)
			on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
			where leases.holder = excluded.holder or leases.expires_at <= ?`,
			name, l.holder, db.Time(now.Add(lasts)), now).Exec(ctx)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		taken = n > 0
		return err
	})
	if err != nil {
		return false, fmt.Errorf("take lease %s: %w", name, err)
	}
	return taken, nil
}

// Release gives a lease back, if it is still held.
func (l *Leases) Release(ctx context.Context, name string) error {
	_, err := l.db.Bun().NewRaw("delete from leases where name = ? and holder = ?", name, l.holder).Exec(ctx)
	if err != nil {
		return fmt.Errorf("release lease %s: %w", name, err)
	}
	return nil
}
