package site_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"moonbear/internal/account"
	"moonbear/internal/site"
)

// clocked is a house whose sites have a clock of their own.
func clocked(t *testing.T) (h house, res site.FirstRunResult, other int64, now *time.Time) {
	t.Helper()
	h, res, other = owned(t)
	now = new(time.Now().UTC().Truncate(time.Second))
	h.sites = site.New(h.db, h.accounts, site.Options{Now: func() time.Time { return *now }})
	if err := h.sites.Directory().Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h, res, other, now
}

func TestRestore(t *testing.T) {
	h, res, other, now := clocked(t)
	ctx := t.Context()
	id := res.Site.PublicID
	if _, err := h.sites.AddGoal(ctx, site.Goal{Site: res.Site.ID, Name: "x", Rule: site.Rule{Path: "/"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.sites.Restore(ctx, id); !errors.Is(err, site.ErrNotDeleted) {
		t.Errorf("restored what is not deleted: %v", err)
	}
	if err := h.sites.Delete(ctx, id); err != nil {
		t.Fatal(err)
	}
	gone, err := h.sites.Deleted(ctx, id)
	if err != nil || gone.PublicID != id || !gone.DeletedAt.Equal(*now) || !gone.DestroyedAt.Equal(now.Add(72*time.Hour)) {
		t.Errorf("%+v, %v", gone, err)
	}
	if list, err := h.sites.DeletedOf(ctx, []int64{res.Account, other}); err != nil || len(list) != 1 || list[0].Domain != "shop.com" {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err := h.sites.DeletedOf(ctx, []int64{other}); err != nil || len(list) != 0 {
		t.Errorf("another account's: %+v, %v", list, err)
	}

	// Its domain is another's meanwhile.
	taken, err := h.sites.Create(ctx, site.NewSite{Account: other, Domain: "shop.com"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.sites.Restore(ctx, id); !errors.Is(err, site.ErrDomainTaken) {
		t.Errorf("restored beside another of its domain: %v", err)
	}
	if _, err := h.sites.Update(ctx, taken.PublicID, site.Change{Domain: new("elsewhere.com")}); err != nil {
		t.Fatal(err)
	}

	*now = now.Add(72*time.Hour - time.Second)
	back, err := h.sites.Restore(ctx, id)
	if err != nil || back.ID != res.Site.ID || !slices.Equal(back.Hostnames, res.Site.Hostnames) {
		t.Fatalf("%+v, %v", back, err)
	}
	if _, known := h.sites.Directory().Lookup(id); !known {
		t.Error("a restored site is not collected")
	}
	if goals, err := h.sites.Goals(ctx, back.ID); err != nil || len(goals) != 1 {
		t.Errorf("its goals: %+v, %v", goals, err)
	}
}

func TestDestroy(t *testing.T) {
	h, res, other, now := clocked(t)
	ctx := t.Context()
	later, err := h.sites.Create(ctx, site.NewSite{Account: other, Domain: "later.com"})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []int64{res.Site.ID, later.ID} {
		if _, err := h.sites.AddGoal(ctx, site.Goal{Site: id, Name: "x", Rule: site.Rule{Path: "/"}}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.sites.AddSegment(ctx, site.Segment{Site: id, Name: "x", Filter: "{}"}); err != nil {
			t.Fatal(err)
		}
		_, err := h.db.Bun().NewRaw("insert into imports (site_id, head_hash, head_bytes, name, format, state, started_at) values (?, '', 0, 'x', 'x', 'done', ?)", id, *now).Exec(ctx)
		if err != nil {
			t.Fatal(err)
		}
	}
	bearer, _, err := h.accounts.CreateToken(ctx, account.NewToken{Account: res.Account, Name: "one", Scopes: []account.Scope{account.ReadStats}, Sites: []int64{res.Site.ID}})
	if err != nil {
		t.Fatal(err)
	}
	var asked [][]int64
	failing := errors.New("no disk")
	destroy := func(_ context.Context, sites []int64) error {
		asked = append(asked, sites)
		return failing
	}
	if err := h.sites.Delete(ctx, res.Site.PublicID); err != nil {
		t.Fatal(err)
	}
	*now = now.Add(time.Hour)
	if err := h.sites.Delete(ctx, later.PublicID); err != nil {
		t.Fatal(err)
	}
	*now = now.Add(71*time.Hour - time.Second)
	if n, err := h.sites.Destroy(ctx, destroy); n != 0 || err != nil || asked != nil {
		t.Fatalf("a second too early: %d, %v, %v", n, err, asked)
	}
	*now = now.Add(time.Second)
	if _, err := h.sites.Restore(ctx, res.Site.PublicID); !errors.Is(err, site.ErrNotDeleted) {
		t.Errorf("restored when it is to be destroyed: %v", err)
	}
	if n, err := h.sites.Destroy(ctx, destroy); n != 0 || !errors.Is(err, failing) {
		t.Fatalf("events that stay: %d, %v", n, err)
	}
	failing = nil
	if n, err := h.sites.Destroy(ctx, destroy); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if want := [][]int64{{res.Site.ID}, {res.Site.ID}}; len(asked) != 2 || !slices.Equal(asked[0], want[0]) || !slices.Equal(asked[1], want[1]) {
		t.Errorf("asked to destroy the events of %v", asked)
	}
	for _, table := range append(tablesOf(t, h), "sites") {
		column := "site_id"
		if table == "sites" {
			column = "id"
		}
		var left, kept int
		err := h.db.Bun().NewRaw("select count(*) filter (where "+column+" = ?), count(*) filter (where "+column+" = ?) from "+table, res.Site.ID, later.ID).Scan(ctx, &left, &kept)
		if err != nil || left != 0 || kept == 0 && table != "token_sites" {
			t.Errorf("%s: %d rows of the destroyed site and %d of the other, %v", table, left, kept, err)
		}
	}
	if _, err := h.accounts.TokenFor(ctx, bearer); !errors.Is(err, account.ErrToken) {
		t.Errorf("a token for the destroyed site alone: %v", err)
	}
	if _, err := h.sites.Restore(ctx, later.PublicID); err != nil {
		t.Errorf("the other site: %v", err)
	}
}

// tablesOf are all tables that refer to sites: a new one must be destroyed too.
func tablesOf(t *testing.T, h house) (tables []string) {
	t.Helper()
	query := `
		select m.name
		from sqlite_master m, pragma_foreign_key_list(m.name) f
		where m.type = 'table' and f."table" = 'sites' and f."from" = 'site_id'
		order by 1`
	if !h.db.Embedded() {
		query = `
		select u.table_name
		from information_schema.referential_constraints r
		join information_schema.key_column_usage u using (constraint_name)
		join information_schema.constraint_column_usage c using (constraint_name)
		where c.table_name = 'sites' and u.column_name = 'site_id'
		order by 1`
	}
	err := h.db.Bun().NewRaw(query).Scan(t.Context(), &tables)
	if err != nil || len(tables) < 4 {
		t.Fatalf("%v, %v", tables, err)
	}
	return tables
}
