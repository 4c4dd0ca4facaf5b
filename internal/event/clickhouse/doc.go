// Package clickhouse keeps events in a ClickHouse, for more than one server can
// hold or answer.
//
// Append → the batch's bounds into `spools` → one insert a block → the position
// into `spools` → Select over `events`, `drops` and `imported_days`.
//
// ClickHouse has no transactions, so a batch is stored once by other means. A
// block is a batch's rows of one table, and of one month where the table is
// events: one insert, one part, there whole or not at all. Its rows carry the
// spool and the batch's number (batch_spool, batch), and its insert a token,
// made of the same and the table, that ClickHouse lets in once.
//
// `spools` has each spool's state by version: up to where all is stored, and
// the batch that is open, with its bounds and the rows of its blocks. A version
// is an insert under its own token and is read back, so of two processes one
// succeeds. A batch is
//
//	planned    open, before anything of it is sent
//	stored     the position moves, after all of it was answered
//
// and when anything fails in between, or the process ends, the next Append of
// the spool, here or in another process, finds it open. It ends its inserts
// (kill query … sync) and counts its rows:
//
//	all        the position moves
//	not all, and the same batch is sent again
//	           the blocks that lack are sent, under their tokens, and counted
//	else       the batch is given up
//
// Giving up is a version of its own, so that whoever began the batch, if alive,
// can't move the position any more. Then its tokens are used up by a row of
// nobody's, so that an insert still on its way stores nothing when it arrives,
// and its rows are deleted. What comes next has another number and other
// tokens. Each step does no harm when it is done twice, and whoever dies in
// it leaves the state that says so. docs/decisions/0130 goes through the
// moments.
//
// By night whole days of busy sites are counted once:
//
//	stats.Keeper → KeepDays → `day_counts`, `day_values` → `kept_days`
//	Append, Delete → `touched_days`: what was kept of these days before is untrue
//
// so that any process knows which days are true (kept.go, docs/decisions/0136).
package clickhouse
