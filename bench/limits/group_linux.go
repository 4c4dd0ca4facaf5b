package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// group is a cgroup of so much memory, with no swap, and of one core.
type group struct {
	dirs []string // one in version 2; memory's and cpu's in version 1
	v2   bool
}

const cgroups = "/sys/fs/cgroup"

// newGroup makes one, below whatever the machine offers.
func newGroup(memory int64) (*group, error) {
	name := fmt.Sprintf("moonbear-limits-%d", os.Getpid())
	if b, err := os.ReadFile(cgroups + "/cgroup.controllers"); err == nil {
		g := &group{[]string{filepath.Join(cgroups, name)}, true}
		if !strings.Contains(string(b), "memory") {
			return nil, errors.New("the memory controller is not available")
		}
		// Fails when it is on already, which is as good.
		_ = os.WriteFile(cgroups+"/cgroup.subtree_control", []byte("+memory +cpu"), 0)
		if err := os.Mkdir(g.dirs[0], 0o755); err != nil {
			return nil, err
		}
		return g, errors.Join(g.write(0, "memory.max", memory), g.write(0, "memory.swap.max", 0),
			os.WriteFile(filepath.Join(g.dirs[0], "cpu.max"), []byte("100000 100000"), 0))
	}
	g := &group{[]string{filepath.Join(cgroups, "memory", name), filepath.Join(cgroups, "cpu", name)}, false}
	for _, d := range g.dirs {
		if err := os.Mkdir(d, 0o755); err != nil {
			return nil, err
		}
	}
	_ = g.write(0, "memory.swappiness", 0)
	return g, errors.Join(g.write(0, "memory.limit_in_bytes", memory),
		g.write(1, "cpu.cfs_period_us", 100_000), g.write(1, "cpu.cfs_quota_us", 100_000))
}

func (g *group) write(dir int, file string, n int64) error {
	return os.WriteFile(filepath.Join(g.dirs[dir], file), []byte(strconv.FormatInt(n, 10)), 0)
}

// command is a program that lives in the group from its first instruction: a
// shell joins, and then becomes it.
func (g *group) command(name string, args ...string) *exec.Cmd {
	var script strings.Builder
	for _, d := range g.dirs {
		fmt.Fprintf(&script, "echo $$ > %s/cgroup.procs && ", d)
	}
	script.WriteString(`exec "$0" "$@"`)
	return exec.Command("/bin/sh", append([]string{"-c", script.String(), name}, args...)...)
}

// most is the memory that was used at most, the cache of files included; the
// kernel takes that back when memory is short. killed counts those that ended
// because it was.
func (g *group) most() (bytes, killed int64) {
	peak, events := "memory.max_usage_in_bytes", "memory.oom_control"
	if g.v2 {
		peak, events = "memory.peak", "memory.events"
	}
	if b, err := os.ReadFile(filepath.Join(g.dirs[0], peak)); err == nil {
		bytes, _ = strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	}
	b, err := os.ReadFile(filepath.Join(g.dirs[0], events))
	if err != nil {
		return bytes, -1
	}
	for line := range strings.Lines(string(b)) {
		if n, ok := strings.CutPrefix(strings.TrimSpace(line), "oom_kill "); ok {
			killed, _ = strconv.ParseInt(n, 10, 64)
		}
	}
	return bytes, killed
}

func (g *group) remove() {
	for _, d := range g.dirs {
		_ = os.Remove(d) // it is empty: its process has ended
	}
}
