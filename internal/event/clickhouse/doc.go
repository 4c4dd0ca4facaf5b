// Package clickhouse keeps events in a ClickHouse, for more than one server can
// hold or answer.
//
// Append → the batch's bounds into `spools` → one insert a block (a month's
// events, or one of the other tables) under a token of its own → the position
// into `spools` → Select over `events`, `drops`, `imported_days`.
package clickhouse
