package site

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/uptrace/bun"

	"moonbear/internal/db"
	"moonbear/internal/fault"
)

// maxFilter bounds a segment's filter, bytes; a page's URL has to hold it.
const maxFilter = 16 << 10

type segmentRow struct {
	bun.BaseModel `bun:"table:segments,alias:g"`

	ID        int64 `bun:",pk,autoincrement"`
	PublicID  string
	SiteID    int64
	Name      string
	NameKey   string
	Filter    string
	CreatedAt time.Time
	UpdatedAt time.Time
}

// segmentOf checks a segment and makes its row. Whether its filter asks
// something that can be answered is for stats to say, which knows the
// dimensions: whoever adds one has read it with stats.ParseFilter.
func segmentOf(g Segment, now time.Time) (segmentRow, error) {
	name, key, err := parseName("segment", g.Name)
	if err != nil {
		return segmentRow{}, err
	}
	filter := strings.TrimSpace(g.Filter)
	switch {
	case len(filter) > maxFilter:
		return segmentRow{}, fault.Field("filter", fmt.Sprintf("The filter is too long to be saved: %d KiB at most.", maxFilter>>10))
	case !json.Valid([]byte(filter)) || filter[0] != '{' && filter[0] != '[' || strings.Join(strings.Fields(filter), "") == "[]":
		return segmentRow{}, fault.Field("filter", "There is no filter to save: filter first, then save.")
	}
	now = db.Time(now)
	return segmentRow{PublicID: newPublicID(), SiteID: g.Site, Name: name, NameKey: key, Filter: filter, CreatedAt: now, UpdatedAt: now}, nil
}

func (r *segmentRow) segment() Segment {
	return Segment{ID: r.ID, PublicID: r.PublicID, Site: r.SiteID, Name: r.Name, Filter: r.Filter, CreatedAt: r.CreatedAt}
}

// Segments are a site's saved filters by name; none when there is no such site.
func (s *Service) Segments(ctx context.Context, siteID int64) ([]Segment, error) {
	var rows []segmentRow
	err := s.db.Bun().NewSelect().Model(&rows).Where("site_id = ?", siteID).Order("name_key", "id").Scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("select segments of site %d: %w", siteID, err)
	}
	segments := make([]Segment, len(rows))
	for i := range rows {
		segments[i] = rows[i].segment()
	}
	return segments, nil
}

// AddSegment adds a saved filter to its Site and returns it as it is kept.
// Errors: faults of the fields name and filter; ErrSegmentName,
// ErrManySegments, ErrNotFound.
func (s *Service) AddSegment(ctx context.Context, g Segment) (Segment, error) {
	r, err := segmentOf(g, s.now())
	if err != nil {
		return Segment{}, err
	}
	err = s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		if err := room(ctx, tx, g.Site, "segments", maxSegments, ErrManySegments); err != nil {
			return err
		}
		_, err := tx.NewInsert().Model(&r).Exec(ctx)
		return nameTaken(err, ErrSegmentName)
	})
	if err != nil {
		return Segment{}, err
	}
	return r.segment(), nil
}

// ChangeSegment gives the segment of g's Site and PublicID g's name and
// filter. Errors: as AddSegment, and ErrSegmentNotFound.
func (s *Service) ChangeSegment(ctx context.Context, g Segment) error {
	r, err := segmentOf(g, s.now())
	if err != nil {
		return err
	}
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewUpdate().Model(&r).Column("name", "name_key", "filter", "updated_at").
			Where("site_id = ?", g.Site).Where("public_id = ?", g.PublicID).Exec(ctx)
		return changedOne(res, nameTaken(err, ErrSegmentName), ErrSegmentNotFound)
	})
}

// RemoveSegment removes a segment; ErrSegmentNotFound when there is none.
func (s *Service) RemoveSegment(ctx context.Context, siteID int64, publicID string) error {
	return s.db.InTx(ctx, func(ctx context.Context, tx bun.Tx) error {
		res, err := tx.NewDelete().Model((*segmentRow)(nil)).Where("site_id = ?", siteID).Where("public_id = ?", publicID).Exec(ctx)
		return changedOne(res, err, ErrSegmentNotFound)
	})
}
