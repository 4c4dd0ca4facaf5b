package duckdb

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// maxMemory is enough for 50 million events (see docs/performance.md); what
// needs more goes to disk.
const maxMemory = 1 << 30

// DefaultMemory is a quarter of the machine's memory, or of the container's
// where that is less, and at most 1 GiB.
func DefaultMemory() int64 { return memoryFor(os.DirFS("/").(readFiler)) }

type readFiler interface {
	ReadFile(name string) ([]byte, error)
}

func memoryFor(root readFiler) int64 {
	total := int64(math.MaxInt64)
	if b, err := root.ReadFile("proc/meminfo"); err == nil {
		for line := range strings.Lines(string(b)) {
			f := strings.Fields(line)
			if len(f) >= 2 && f[0] == "MemTotal:" {
				if kb, err := strconv.ParseInt(f[1], 10, 64); err == nil {
					total = kb << 10
				}
			}
		}
	}
	for _, limit := range cgroupLimits(root) {
		b, err := root.ReadFile(limit)
		if err != nil {
			continue
		}
		// "max", and v1's 2^63 less a page, mean none.
		if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil && n > 0 {
			total = min(total, n)
		}
	}
	if total == math.MaxInt64 {
		return maxMemory / 4 // nothing is known: small works everywhere
	}
	return min(total/4, maxMemory)
}

// cgroupLimits lists the files that may hold a limit for this process: those
// of its own group and of every group above it.
func cgroupLimits(root readFiler) []string {
	limits := []string{"sys/fs/cgroup/memory.max", "sys/fs/cgroup/memory/memory.limit_in_bytes"}
	b, err := root.ReadFile("proc/self/cgroup")
	if err != nil {
		return limits
	}
	for line := range strings.Lines(string(b)) {
		// v2: "0::/a/b"; v1: "4:memory:/a/b"
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) != 3 {
			continue
		}
		dir, file := "sys/fs/cgroup", "memory.max"
		switch {
		case f[0] == "0" && f[1] == "":
		case hasField(f[1], "memory"):
			dir, file = "sys/fs/cgroup/memory", "memory.limit_in_bytes"
		default:
			continue
		}
		for p := filepath.Clean("/" + f[2]); p != "/"; p = filepath.Dir(p) {
			limits = append(limits, filepath.Join(dir, p, file))
		}
	}
	return limits
}

func hasField(list, want string) bool {
	for f := range strings.SplitSeq(list, ",") {
		if f == want {
			return true
		}
	}
	return false
}
