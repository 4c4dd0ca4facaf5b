-- +goose Up
-- Written in PostgreSQL's words; migrate.go has the three that SQLite reads otherwise.

-- The server itself: one row. setup_code is printed in the log until somebody
-- claims the server with it.
create table instance (
	id         integer primary key check (id = 1),
	setup_code text not null default '',
	claimed_at timestamptz
);
insert into instance (id) values (1);

create table users (
	id            bigserial primary key,
	email         text not null unique, -- normalised: lower case, domain in punycode
	password_hash text not null,        -- PHC string: $argon2id$v=19$m=…
	created_at    timestamptz not null,
	updated_at    timestamptz not null
);

create table accounts (
	id         bigserial primary key,
	name       text not null,
	created_at timestamptz not null
);

create table memberships (
	account_id bigint not null references accounts (id),
	user_id    bigint not null references users (id),
	role       text not null check (role in ('owner', 'admin', 'editor', 'viewer')),
	created_at timestamptz not null,
	primary key (account_id, user_id)
);
create index memberships_user on memberships (user_id);

-- Signed-in browsers. The cookie's value is never here, only its hash.
create table logins (
	token_hash text primary key,
	user_id    bigint references users (id), -- null before somebody has signed in
	data       bytea not null,
	expires_at timestamptz not null
);
create index logins_user on logins (user_id);
create index logins_expires on logins (expires_at);

-- Links that sign somebody in once.
create table login_links (
	token_hash bytea primary key,
	user_id    bigint not null references users (id),
	expires_at timestamptz not null,
	used_at    timestamptz
);
create index login_links_expires on login_links (expires_at);

create table sites (
	id            bigserial primary key,
	public_id     text not null unique,
	account_id    bigint not null references accounts (id),
	domain        text not null, -- lower case, punycode
	time_zone     text not null, -- IANA
	currency      text not null, -- ISO 4217
	keep_fragment boolean not null default false,
	created_at    timestamptz not null,
	updated_at    timestamptz not null,
	deleted_at    timestamptz
);
create unique index sites_domain on sites (domain) where deleted_at is null;
create index sites_account on sites (account_id, domain);

-- A site's allow-list; a site without a row here counts every hostname.
create table site_hostnames (
	site_id    bigint not null references sites (id),
	hostname   text not null, -- lower case, punycode
	created_at timestamptz not null,
	primary key (site_id, hostname)
);

create table tokens (
	id           bigserial primary key,
	account_id   bigint not null references accounts (id),
	user_id      bigint references users (id), -- who made it
	name         text not null,
	hint         text not null, -- its first characters, to tell tokens apart
	token_hash   bytea not null unique,
	scopes       text not null, -- separated by spaces
	all_sites    boolean not null, -- else only those in token_sites
	created_at   timestamptz not null,
	last_used_at timestamptz, -- coarse: to the hour
	revoked_at   timestamptz
);
create index tokens_account on tokens (account_id);

-- The only sites a token is for, unless it is for all of its account's.
create table token_sites (
	token_id bigint not null references tokens (id),
	site_id  bigint not null references sites (id),
	primary key (token_id, site_id)
);

-- Scheduled jobs: one row each, kept between starts.
create table job_runs (
	name        text primary key,
	next_at     timestamptz not null,          -- when it is queued next
	due_at      timestamptz,                   -- a queued time that no run has served yet
	started_at  timestamptz,                   -- the last run
	finished_at timestamptz,                   -- null while it runs
	took_ms     bigint not null default 0,
	error       text not null default '',      -- of the last run; '' is success
	failures    integer not null default 0,    -- in a row
	succeeded_at timestamptz
);
