-- +goose Up
-- What one of several processes does for a while, so that no other does.

create table leases (
	name       text primary key,
	holder     text not null,
	expires_at timestamptz not null -- by the holder's clock
);
