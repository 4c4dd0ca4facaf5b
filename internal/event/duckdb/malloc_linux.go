package duckdb

/*
#include <malloc.h>
static void giveBack(void) {
#ifdef __GLIBC__
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_MMAP_THRESHOLD, 60 * 1024);
	mallopt(M_TRIM_THRESHOLD, 128 * 1024);
#endif
}
*/
import "C"

// The C library keeps what DuckDB frees: in an arena for each thread, of which
// there are eight to a core, and in ever larger pieces, as the size from which on
// it asks the kernel grows with what is freed. Two arenas and a fixed size halve
// what a server has beyond its limit in the heaviest questions, and cost no time
// that could be measured (decision 121).
func init() { C.giveBack() }
