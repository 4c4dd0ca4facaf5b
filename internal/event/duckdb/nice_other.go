//go:build !linux

package duckdb

func threadID() int { return 0 }

// beNice does nothing where niceness is the whole process's.
func beNice(int) bool { return false }
