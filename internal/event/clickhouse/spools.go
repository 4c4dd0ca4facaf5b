package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	client "github.com/ClickHouse/clickhouse-go/v2"

	"moonbear/internal/event"
)

// errContended says that another process changed a spool's state at the same
// time. What it did is read with the next try.
var errContended = errors.New("another process has changed what is stored of this spool")

// spoolColumns: one row a change of a spool's state, of which the highest
// version counts and the others are merged away.
const spoolColumns = `spool String, version Int64, pos Int64,
	batch Int64, batch_from Int64, batch_to Int64, given_up Bool,
	block_table Array(String), block_month Array(Int64), block_rows Array(Int64), at DateTime default now()`

// spool is what is known of one spool here.
type spool struct {
	name string
	mu   sync.Mutex
	state
	known bool // state is what the server has, and nothing is in doubt
}

// state of a spool.
type state struct {
	version int64
	pos     int64 // everything before is stored

	// The batch that is open, if to > pos.
	batch    int64 // its number: the version that began it
	from, to int64
	blocks   []block
	givenUp  bool // somebody removes what is stored of it; it never becomes whole
}

func (st state) open() bool { return st.to > st.pos }

func (st state) equal(o state) bool {
	return st.version == o.version && st.pos == o.pos && st.batch == o.batch && st.from == o.from && st.to == o.to &&
		st.givenUp == o.givenUp && slices.Equal(st.blocks, o.blocks)
}

// block is the rows of a batch that go to one partition of one table.
type block struct {
	table string
	month int64 // of events; 0 for tables that aren't parted
	rows  int64
}

// token names a block for ever: it's the deduplication token and the query_id.
func (b batchID) token(bl block) string {
	return fmt.Sprintf("moonbear %s %d %s %d", b.spool, b.number, bl.table, bl.month)
}

func (s *Store) spool(name string) *spool {
	s.mu.Lock()
	defer s.mu.Unlock()
	sp := s.spools[name]
	if sp == nil {
		sp = &spool{name: name}
		s.spools[name] = sp
	}
	return sp
}

// state reads a spool's state; the zero one for a spool never seen.
func (s *Store) state(ctx context.Context, name string) (state, error) {
	ctx, cancel := context.WithTimeout(ctx, s.o.statementTime)
	defer cancel()
	rows, err := s.conn.Query(ctx, `
		select version, pos, batch, batch_from, batch_to, given_up, block_table, block_month, block_rows
		from spools where spool = ? order by version desc limit 1`, name)
	if err != nil {
		return state{}, fmt.Errorf("read the state of spool %s: %w", name, err)
	}
	defer rows.Close()
	var st state
	for rows.Next() {
		var tables []string
		var months, counts []int64
		if err := rows.Scan(&st.version, &st.pos, &st.batch, &st.from, &st.to, &st.givenUp, &tables, &months, &counts); err != nil {
			return state{}, fmt.Errorf("read the state of spool %s: %w", name, err)
		}
		for i := range tables {
			st.blocks = append(st.blocks, block{tables[i], months[i], counts[i]})
		}
	}
	if err := rows.Err(); err != nil {
		return state{}, fmt.Errorf("read the state of spool %s: %w", name, err)
	}
	return st, nil
}

// write stores the next state of a spool. Its token is the spool's and the
// version's, so that of two processes that write the same version one is heard;
// reading it back tells which. Equal states mean the same whoever wrote them.
func (s *Store) write(ctx context.Context, name string, next state) error {
	tables, months, counts := []string{}, []int64{}, []int64{}
	for _, b := range next.blocks {
		tables, months, counts = append(tables, b.table), append(months, b.month), append(counts, b.rows)
	}
	writing, cancel := context.WithTimeout(ctx, s.o.statementTime)
	defer cancel()
	token := batchID{name, next.version}.token(block{table: "spools"})
	writing = client.Context(writing, client.WithSettings(s.insertSettings(token)))
	err := s.exec(writing, `
		insert into spools (spool, version, pos, batch, batch_from, batch_to, given_up, block_table, block_month, block_rows)
		values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, name, next.version, next.pos, next.batch, next.from, next.to, next.givenUp, tables, months, counts)
	if err != nil {
		return fmt.Errorf("store the state of spool %s: %w", name, err)
	}
	have, err := s.state(ctx, name)
	if err != nil {
		return err
	}
	if !have.equal(next) {
		return errContended
	}
	return nil
}

// become stores the next state and goes on from it.
func (s *Store) become(ctx context.Context, sp *spool, next state) error {
	next.version = sp.version + 1
	if err := s.write(ctx, sp.name, next); err != nil {
		return err
	}
	sp.state = next
	return nil
}

// plan makes a batch's bounds and blocks known before anything of it is stored.
func (s *Store) plan(ctx context.Context, sp *spool, b *event.Batch, parts []part) error {
	return s.become(ctx, sp, state{pos: sp.pos, batch: sp.version + 1, from: b.From, to: b.To, blocks: blocks(parts)})
}

// advance says that all of the open batch is stored.
func (s *Store) advance(ctx context.Context, sp *spool) error {
	return s.become(ctx, sp, state{pos: sp.to, batch: sp.batch, from: sp.to, to: sp.to})
}

// giveUp says that the open batch is being removed. Whoever began it, and is
// alive after all, then can't say any more that it's stored.
func (s *Store) giveUp(ctx context.Context, sp *spool) error {
	next := sp.state
	next.givenUp = true
	return s.become(ctx, sp, next)
}

func blocks(parts []part) []block {
	var bs []block
	for _, p := range parts {
		bs = append(bs, p.block)
	}
	return bs
}

// Loaded is the position up to which everything of a spool is stored; 0 for a
// spool never seen. A batch that is open and wholly stored counts, and is
// closed.
func (s *Store) Loaded(ctx context.Context, name string) (int64, error) {
	if err := s.ready(ctx); err != nil {
		return 0, err
	}
	sp := s.spool(name)
	sp.mu.Lock()
	defer sp.mu.Unlock()
	st, err := s.state(ctx, name)
	if err != nil {
		return 0, err
	}
	sp.state, sp.known = st, !st.open()
	if !st.open() || st.givenUp {
		return st.pos, nil
	}
	counts, err := s.count(ctx, sp)
	if err != nil {
		return 0, err
	}
	if !whole(st.blocks, counts) {
		return st.pos, nil
	}
	if err := s.advance(ctx, sp); err != nil {
		return 0, err
	}
	sp.known = true
	return sp.pos, nil
}
