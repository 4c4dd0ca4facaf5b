// Package process looks at other processes of this machine from outside: what
// processor time they have used, what memory they have. It is Linux's.
package process

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// CPU is the processor time a process has used, user and system, on all its
// threads, those that have ended too. Its clock is clock_getcpuclockid(3)'s, in
// nanoseconds, where /proc has ticks of ten milliseconds.
func CPU(pid int) (time.Duration, error) {
	const scheduled = 2 // CPUCLOCK_SCHED
	var t unix.Timespec
	if err := unix.ClockGettime(int32(^pid<<3|scheduled), &t); err != nil {
		return 0, fmt.Errorf("processor time of process %d: %w", pid, err)
	}
	return time.Duration(t.Nano()), nil
}

// FamilyCPU is the processor time of a process and its children, those that
// have ended and been waited for too, in ticks of ten milliseconds.
func FamilyCPU(pid int) (sum time.Duration, err error) {
	names, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return 0, err
	}
	for _, name := range names {
		s, err := readStat(name)
		if err != nil {
			continue // ended meanwhile: its parent has its time
		}
		switch pid {
		case s.pid:
			sum += s.own + s.ended
		case s.parent:
			sum += s.own
		}
	}
	if sum == 0 {
		if _, err := readStat("/proc/" + strconv.Itoa(pid) + "/stat"); err != nil {
			return 0, fmt.Errorf("processor time of process %d and its children: %w", pid, err)
		}
	}
	return sum, nil
}

// Parent is the process that started another.
func Parent(pid int) (int, error) {
	s, err := readStat("/proc/" + strconv.Itoa(pid) + "/stat")
	return s.parent, err
}

// stat is what is wanted of proc_pid_stat(5).
type stat struct {
	pid, parent int
	own, ended  time.Duration // ended: of its children that have
}

func readStat(name string) (s stat, err error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return s, err
	}
	number, rest, _ := strings.Cut(string(b), " ")
	// The program's name, in brackets, may hold anything.
	f := strings.Fields(rest[strings.LastIndexByte(rest, ')')+1:])
	if len(f) < 15 {
		return s, fmt.Errorf("%s has %d fields", name, len(f))
	}
	var n [6]int64
	for i, field := range []string{number, f[1], f[11], f[12], f[13], f[14]} {
		if n[i], err = strconv.ParseInt(field, 10, 64); err != nil {
			return s, fmt.Errorf("%s: %w", name, err)
		}
	}
	const tick = 10 * time.Millisecond
	return stat{int(n[0]), int(n[1]), time.Duration(n[2]+n[3]) * tick, time.Duration(n[4]+n[5]) * tick}, nil
}

// Memory is a line of a process's status in bytes: VmRSS is what it has now,
// VmHWM the most it had.
func Memory(pid int, line string) (int64, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
	if err != nil {
		return 0, err
	}
	for l := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(l, line+":"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("/proc status has no %s", line)
}

// ResetPeak makes VmHWM begin again at what is used now.
func ResetPeak(pid int) error {
	return os.WriteFile("/proc/"+strconv.Itoa(pid)+"/clear_refs", []byte("5"), 0)
}

// FreeAddr is a loopback address that nobody listens on now.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}
