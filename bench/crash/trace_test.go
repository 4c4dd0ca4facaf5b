package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// traced is a target under strace.
type traced struct {
	childTarget
	file string
}

func (t traced) command(ctx context.Context) *exec.Cmd {
	cmd := t.childTarget.command(ctx)
	traced := exec.Command("strace", append([]string{"-f", "-y", "-s", "4096", "-o", t.file,
		"-e", "trace=pwrite64,fdatasync,fsync,rename,renameat,renameat2,write,writev,sendto,sendmsg"}, cmd.Args...)...)
	traced.Env = cmd.Env
	// strace passes on what it is sent only when it is told so at exit; a group
	// of its own lets the test signal the child itself.
	traced.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return traced
}

// TestDurableBeforeAnswer watches the system calls of hits sent one by one:
// the write of the hit's bytes, then an fdatasync of that file that returns 0,
// and only then the 202 goes to the socket.
func TestDurableBeforeAnswer(t *testing.T) {
	if _, err := exec.LookPath("strace"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("strace is not installed")
		}
		t.Skip("strace is not installed: make test installs it")
	}
	dir := t.TempDir()
	target := traced{childTarget{dir}, filepath.Join(dir, "trace")}
	p, err := start(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // the child too; gone already is as good
		<-p.exited
	}()
	addr, err := p.ready(t.Context(), target)
	if err != nil {
		if strings.Contains(err.Error(), "ptrace") {
			t.Skipf("this machine does not allow tracing: %v", err)
		}
		t.Fatal(err)
	}
	const hits = 20
	client := newClient(1)
	for i := range hits {
		status, err := post(t.Context(), client, target.hit(addr, fmt.Sprintf("trace-%02d-", i), ""))
		if err != nil || status != http.StatusAccepted {
			t.Fatalf("hit %d: status %d, %v", i, status, err)
		}
	}
	if err := syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-p.exited
	b, err := os.ReadFile(target.file)
	if err != nil {
		t.Fatal(err)
	}
	calls := parseTrace(string(b))
	for i := range hits {
		if err := durableFirst(calls, i); err != nil {
			t.Error(err)
		}
	}
}

// call is one finished system call: the lines of the trace it began and ended on.
type call struct {
	name, args, result string
	began, ended       int
}

var (
	whole    = regexp.MustCompile(`^(\d+) +(\w+)\((.*)\) += (\S+)`)
	begun    = regexp.MustCompile(`^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$`)
	resumed  = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>.*\) += (\S+)`)
	openFile = regexp.MustCompile(`^\d+<([^>]*)>`)
)

func parseTrace(trace string) []call {
	var calls []call
	open := map[string]call{}
	for i, line := range strings.Split(trace, "\n") {
		if m := begun.FindStringSubmatch(line); m != nil {
			open[m[1]] = call{name: m[2], args: m[3], began: i}
		} else if m := resumed.FindStringSubmatch(line); m != nil {
			c := open[m[1]]
			c.result, c.ended = m[3], i
			calls = append(calls, c)
		} else if m := whole.FindStringSubmatch(line); m != nil {
			calls = append(calls, call{name: m[2], args: m[3], result: m[4], began: i, ended: i})
		}
	}
	return calls
}

// durableFirst checks the order for hit i: the i-th answer comes after an
// fdatasync of the file the hit was written to, begun after that write ended.
func durableFirst(calls []call, i int) error {
	id := fmt.Sprintf("/trace-%02d-", i)
	var written, synced, answered *call
	answers := 0
	for n := range calls {
		c := &calls[n]
		switch {
		case c.name == "pwrite64" && strings.Contains(file(c), "/spool/") && strings.Contains(c.args, id):
			written = c
		case c.name == "fdatasync" && c.result == "0" && written != nil && synced == nil &&
			c.began > written.ended && file(c) == file(written):
			synced = c
		case strings.Contains(c.args, "HTTP/1.1 202"):
			if answers == i {
				answered = c
			}
			answers++
		}
	}
	switch {
	case written == nil:
		return fmt.Errorf("hit %d was never written to the spool", i)
	case answered == nil:
		return fmt.Errorf("hit %d was never answered", i)
	case synced == nil || synced.ended > answered.began:
		return fmt.Errorf("hit %d was answered before it was durable: %+v, %+v, %+v", i, written, synced, answered)
	}
	return nil
}

func file(c *call) string {
	if m := openFile.FindStringSubmatch(c.args); m != nil {
		return m[1]
	}
	return ""
}
