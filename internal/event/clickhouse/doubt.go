package clickhouse

import (
	"context"
	"fmt"
	"math"
	"slices"

	client "github.com/ClickHouse/clickhouse-go/v2"

	"moonbear/internal/event"
)

// nobody is the site of the row that uses up a token.
const nobody = math.MinInt64

// settle finds out about a batch that was begun and not seen to end, here or by
// a process that died, and leaves none open: either it's wholly stored, and the
// position moves, or nothing of it is, nor ever will be.
func (s *Store) settle(ctx context.Context, sp *spool, b *event.Batch, parts []part) error {
	s.metrics.doubts.Inc()
	if sp.givenUp {
		return s.undo(ctx, sp)
	}
	if err := s.stopInserts(ctx, sp); err != nil {
		return err
	}
	counts, err := s.count(ctx, sp)
	if err != nil {
		return err
	}
	s.o.Log.WarnContext(ctx, "a batch was left open: its rows are counted", "spool", sp.name, "batch", sp.batch, "blocks", len(counts), "whole", whole(sp.blocks, counts))
	switch {
	case whole(sp.blocks, counts):
		return s.advance(ctx, sp)
	case b.From >= sp.to:
		// The spool has let go of it, so nobody will send it again: what is
		// there is all there will be.
		return s.advance(ctx, sp)
	case b.From == sp.from && b.To == sp.to && slices.Equal(blocks(parts), sp.blocks):
		done, err := s.complete(ctx, sp, b, parts, counts)
		if err != nil {
			return err
		}
		if done {
			return s.advance(ctx, sp)
		}
	}
	if err := s.giveUp(ctx, sp); err != nil {
		return err
	}
	return s.undo(ctx, sp)
}

// complete sends the blocks that aren't there, under the tokens they had: one
// that is still on its way then is the same block, and only one of the two is
// stored.
func (s *Store) complete(ctx context.Context, sp *spool, b *event.Batch, parts []part, counts []int64) (done bool, err error) {
	for i, p := range parts {
		switch counts[i] {
		case p.rows:
		case 0:
			if err := s.insert(ctx, sp, b, p); err != nil {
				return false, err
			}
		default:
			return false, nil
		}
	}
	counts, err = s.count(ctx, sp)
	return err == nil && whole(sp.blocks, counts), err
}

// undo removes what there is of a batch that was given up, for good: first its tokens are
// used up, so that an insert that was sent and hasn't arrived yet stores nothing
// when it does. The next batch has another number, and so other tokens.
func (s *Store) undo(ctx context.Context, sp *spool) error {
	own := batchID{sp.name, sp.batch}
	for _, bl := range sp.blocks {
		if err := s.burn(ctx, own, bl); err != nil {
			return fmt.Errorf("use up the token of batch %d in %s: %w", own.number, bl.table, err)
		}
		q := "alter table " + s.stored(bl.table) + s.onCluster() + " delete" + bl.inPartition() + " where " + own.is()
		if err := s.exec(mutating(ctx), q); err != nil {
			return fmt.Errorf("remove what is stored of batch %d from %s: %w", own.number, bl.table, err)
		}
	}
	sp.from, sp.to, sp.blocks, sp.givenUp = sp.pos, sp.pos, nil, false
	return nil
}

// burn stores a row of nobody's under a block's token, or nothing if the token
// was used.
func (s *Store) burn(ctx context.Context, own batchID, bl block) error {
	ctx, cancel := context.WithTimeout(ctx, s.o.statementTime)
	defer cancel()
	ctx = client.Context(ctx, client.WithSettings(s.insertSettings(own.token(bl))))
	at := "ts"
	if bl.table == daysTable {
		at = "day"
	}
	year, month := bl.month/100, bl.month%100
	if bl.month == 0 {
		year, month = 2000, 1
	}
	return s.exec(ctx, fmt.Sprintf("insert into %s (site_id, %s, batch_spool, batch) values (%d, '%04d-%02d-01 00:00:00', %s, %d)",
		bl.table, at, int64(nobody), year, month, quote(own.spool), own.number))
}

// stopInserts ends the inserts of the open batch that still run, and waits for
// their end.
func (s *Store) stopInserts(ctx context.Context, sp *spool) error {
	own := batchID{sp.name, sp.batch}
	for _, bl := range sp.blocks {
		ctx, cancel := context.WithTimeout(ctx, s.o.statementTime)
		err := s.exec(ctx, "kill query"+s.onCluster()+" where query_id = "+quote(own.token(bl))+" sync")
		cancel()
		if err != nil {
			return fmt.Errorf("stop the insert of batch %d into %s: %w", own.number, bl.table, err)
		}
	}
	return nil
}

// count is how many rows there are of each block of the open batch.
func (s *Store) count(ctx context.Context, sp *spool) ([]int64, error) {
	own := batchID{sp.name, sp.batch}
	counts := make([]int64, len(sp.blocks))
	for i, bl := range sp.blocks {
		ctx, cancel := context.WithTimeout(ctx, s.o.statementTime)
		var n uint64
		err := s.conn.QueryRow(ctx, "select count() from "+bl.table+" where "+own.is()+bl.inMonth()+" and site_id != "+number(nobody)).Scan(&n)
		cancel()
		if err != nil {
			return nil, fmt.Errorf("count the rows of batch %d in %s: %w", own.number, bl.table, err)
		}
		counts[i] = int64(n)
	}
	return counts, nil
}

// whole says that all rows of all blocks are stored.
func whole(bs []block, counts []int64) bool {
	for i, b := range bs {
		if counts[i] != b.rows {
			return false
		}
	}
	return true
}

// is the condition for a batch's rows.
func (b batchID) is() string {
	return "batch_spool = " + quote(b.spool) + " and batch = " + number(b.number)
}

func (bl block) inMonth() string {
	if bl.month == 0 {
		return ""
	}
	return " and toYYYYMM(ts) = " + number(bl.month)
}

func (bl block) inPartition() string {
	if bl.month == 0 {
		return ""
	}
	return " in partition " + number(bl.month)
}

// mutating waits for a mutation's end on every replica.
func mutating(ctx context.Context) context.Context {
	return client.Context(ctx, client.WithSettings(client.Settings{"mutations_sync": 2}))
}
