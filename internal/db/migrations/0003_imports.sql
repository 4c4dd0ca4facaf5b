-- +goose Up
-- Files whose contents were taken in. A file is known by a hash of its
-- beginning, so that a rerun finds what it has already: 4 KiB, or all there was
-- when it was first seen.

create table imports (
	id          bigserial primary key, -- in the event store: import_id
	site_id     bigint not null references sites (id),
	head_hash   bytea not null,
	head_bytes  bigint not null,
	name        text not null,
	format      text not null,
	state       text not null check (state in ('running', 'stopped', 'done', 'undoing', 'undone')),
	progress    text not null default '', -- JSON: where to go on
	lines       bigint not null default 0,
	stored      bigint not null default 0,
	visits      bigint not null default 0,
	visitors    bigint not null default 0,
	first_day   text not null default '', -- 2006-01-02 in the site's zone
	last_day    text not null default '',
	started_at  timestamptz not null,
	finished_at timestamptz,
	undone_at   timestamptz
);
create index imports_file on imports (site_id, head_bytes, head_hash);
