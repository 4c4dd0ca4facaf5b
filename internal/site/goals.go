package site

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/uptrace/bun"

	"moonbear/internal/db"
	"moonbear/internal/fault"
)

// maxGoals and maxSegments bound what a site may have. A dashboard reads all
// of them each time, and a breakdown by goal asks every event about each.
const (
	maxGoals    = 100
	maxSegments = 100
)

// Faults of goals and segments.
var (
	ErrGoalNotFound    = fault.New(fault.NotFound, "There is no such goal.")
	ErrGoalName        = &fault.Fault{Kind: fault.Conflict, Field: "name", Message: "This site already has a goal with this name."}
	ErrManyGoals       = fault.New(fault.Conflict, fmt.Sprintf("A site has at most %d goals. Remove one first.", maxGoals))
	ErrSegmentNotFound = fault.New(fault.NotFound, "There is no such segment.")
	ErrSegmentName     = &fault.Fault{Kind: fault.Conflict, Field: "name", Message: "This site already has a segment with this name."}
	ErrManySegments    = fault.New(fault.Conflict, fmt.Sprintf("A site has at most %d segments. Remove one first.", maxSegments))
)

type goalRow struct {
	bun.BaseModel `bun:"table:goals,alias:g"`

	ID         int64 `bun:",pk,autoincrement"`
	PublicID   string
	SiteID     int64
	Name       string
	NameKey    string
	Path       string
	Event      string
	Properties string
	Value      int64
	CreatedAt  time.Time
	UpdatedAt  time.Time
}

// goalOf checks a goal and makes its row.
func goalOf(g Goal, now time.Time) (goalRow, error) {
	name, key, err := parseName("goal", g.Name)
	if err != nil {
		return goalRow{}, err
	}
	rule, err := ParseRule(g.Rule)
	if err != nil {
		return goalRow{}, err
	}
	if g.Value < 0 || g.Value > MaxGoalValue {
		return goalRow{}, fault.Field("value", "The value of a conversion must be from 0 to 1,000,000,000,000.")
	}
	props, err := encodeProperties(rule.Properties)
	if err != nil {
		return goalRow{}, fmt.Errorf("encode properties of a goal: %w", err)
	}
	now = db.Time(now)
	return goalRow{PublicID: newPublicID(), SiteID: g.Site, Name: name, NameKey: key, Path: rule.Path,
		Event: rule.Event, Properties: props, Value: g.Value, CreatedAt: now, UpdatedAt: now}, nil
}

func (r *goalRow) goal() (Goal, error) {
	props, err := decodeProperties(r.Properties)
	if err != nil {
		return Goal{}, fmt.Errorf("decode properties of goal %d: %w", r.ID, err)
	}
	return Goal{ID: r.ID, PublicID: r.PublicID, Site: r.SiteID, Name: r.Name, Value: r.Value, CreatedAt: r.CreatedAt,
		Rule: Rule{Path: r.Path, Event: r.Event, Properties: props}}, nil
}

// Goals are a site's goals by name; none when there is no such site.
func (s *Service) Goals(ctx context.Context, siteID int64) ([]Goal, error) {
	var rows []goalRow
	err := s.db.Bun().NewSelect().Model(&rows).Where("site_id = ?", siteID).Order("name_key", "id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("select goals of site %d: %w", siteID, err)
	}
	goals := make([]Goal, len(rows))
	for i := range rows {
		if goals[i], err = rows[i].goal(); err != nil {
			return nil, err
		}
	}
	return goals, nil
}

// Goal finds one goal of a site; ErrGoalNotFound when there is none.
func (s *Service) Goal(ctx context.Context, siteID int64, publicID string) (Goal, error) {
	if !readableID(publicID) {
		return Goal{}, ErrGoalNotFound
	}
	var r goalRow
	err := s.db.Bun().NewSelect().Model(&r).Where("site_id = ?", siteID).Where("public_id = ?", publicID).Scan(ctx)
	if errors.Is(err, sql.ErrNoRows) {
		return Goal{}, ErrGoalNotFound
	}
	if err != nil {
		return Goal{}, fmt.Errorf("select goal of site %d: %w", siteID, err)
	}
	return r.goal()
}

// AddGoal adds a goal to its Site and returns it as it is kept. Errors: faults
// of the fields name, path, event, properties and value; ErrGoalName,
// ErrManyGoals, ErrNotFound.
func (s *Service) AddGoal(ctx context.Context, g Goal) (Goal, error) {
	r, err := goalOf(g, s.now())
	if err != nil {
		return Goal{}, err
	}
	err = s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := room(ctx, tx, g.Site, "goals", maxGoals, ErrManyGoals); err != nil {
			return err
		}
		_, err := tx.NewInsert().Model(&r).Exec(ctx)
		return nameTaken(err, ErrGoalName)
	})
	if err != nil {
		return Goal{}, err
	}
	return r.goal()
}

// ChangeGoal gives the goal of g's Site and PublicID g's name, rule and value.
// What was converted before is judged by the new rule too: goals are asked of
// events when a question is, not when an event comes in. Errors: as AddGoal,
// and ErrGoalNotFound.
func (s *Service) ChangeGoal(ctx context.Context, g Goal) error {
	r, err := goalOf(g, s.now())
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewUpdate().Model(&r).Column("name", "name_key", "path", "event", "properties", "value", "updated_at").
			Where("site_id = ?", g.Site).Where("public_id = ?", g.PublicID).Exec(ctx)
		return changedOne(res, nameTaken(err, ErrGoalName), ErrGoalNotFound)
	})
}

// RemoveGoal removes a goal; ErrGoalNotFound when there is none. The events
// that met it stay.
func (s *Service) RemoveGoal(ctx context.Context, siteID int64, publicID string) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewDelete().Model((*goalRow)(nil)).Where("site_id = ?", siteID).Where("public_id = ?", publicID).Exec(ctx)
		return changedOne(res, err, ErrGoalNotFound)
	})
}

// room says whether a live site may have one more row in a table.
func room(ctx context.Context, tx bun.Tx, siteID int64, table string, most int, full error) error {
	var has int
	err := tx.NewRaw(`
		select (select count(*) from ? where site_id = s.id)
		from sites s
		where s.id = ? and s.deleted_at is null`, bun.Ident(table), siteID).Scan(ctx, &has)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return ErrNotFound
	case err != nil:
		return fmt.Errorf("count %s of site %d: %w", table, siteID, err)
	case has >= most:
		return full
	}
	return nil
}

// nameTaken is taken when a write was refused because of its name.
func nameTaken(err, taken error) error {
	if db.IsUnique(err) {
		return taken
	}
	return err
}

// changedOne is err, or none when the statement found no row.
func changedOne(res sql.Result, err, none error) error {
	if err != nil {
		if _, ok := fault.From(err); ok {
			return err
		}
		return fmt.Errorf("write: %w", err)
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		return none
	}
	return err
}
