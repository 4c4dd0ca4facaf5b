// Package chaos breaks a service of three replicas, one thing at a time, while
// hits come in, and counts afterwards: every hit that was acknowledged is stored
// once, and none was answered with an error but those whose connection was cut.
//
// The replicas are the binary as it ships, each a process with a data directory
// of its own, behind a plain reverse proxy; PostgreSQL, Redis and ClickHouse's
// engine are processes beside them. Everything listens on the loopback.
//
//	make chaos                               # up to two minutes for each thing that breaks
//	TEST_LONG=1 go test ./bench/chaos -v     # two seconds for each, as in make test
package chaos
