package duckdb

import "syscall"

func threadID() int { return syscall.Gettid() }

// beNice lets a thread of this process yield to its others. In Linux niceness
// is a thread's own.
func beNice(thread int) bool {
	return syscall.Setpriority(syscall.PRIO_PROCESS, thread, slowNice) == nil
}
