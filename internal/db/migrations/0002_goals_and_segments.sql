-- +goose Up
-- Goals and segments. name_key is the name as two are compared: normalised and
-- without case, which the databases would each do in their own way.

create table goals (
	id         bigserial primary key,
	public_id  text not null unique,
	site_id    bigint not null references sites (id),
	name       text not null,
	name_key   text not null,
	path       text not null default '', -- of pageviews; one of path and event is set
	event      text not null default '', -- of custom events
	properties text not null default '', -- JSON list of {key, operator, value}; '' is none
	value      bigint not null default 0, -- thousandths of the site's currency
	created_at timestamptz not null,
	updated_at timestamptz not null,
	check ((path = '') <> (event = '')),
	unique (site_id, name_key)
);

create table segments (
	id         bigserial primary key,
	public_id  text not null unique,
	site_id    bigint not null references sites (id),
	name       text not null,
	name_key   text not null,
	filter     text not null, -- JSON, as the stats API takes it
	created_at timestamptz not null,
	updated_at timestamptz not null,
	unique (site_id, name_key)
);

-- Sites waiting to be destroyed.
create index sites_deleted on sites (deleted_at) where deleted_at is not null;
