package process

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// burn is a shell that takes half a second of processor time in a child, and
// then waits to be ended.
func burn(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("sh", "-c", `sh -c 'end=$(($(date +%s) + 1)); while [ $(date +%s) -le $end ]; do :; done'; echo; read x`)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func TestCPU(t *testing.T) {
	begun := time.Now()
	own, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for x := 0; time.Since(begun) < 200*time.Millisecond; x++ {
	}
	again, err := CPU(os.Getpid())
	if err != nil || again <= own || again > time.Hour {
		t.Errorf("processor time %v, and %v after working; %v", own, again, err)
	}
	pid := burn(t)
	family, err := FamilyCPU(pid)
	if err != nil || family < 50*time.Millisecond {
		t.Errorf("a child that ended had worked, and the family has %v; %v", family, err)
	}
	if alone, err := CPU(pid); err != nil || alone >= family {
		t.Errorf("alone %v, with its child %v; %v", alone, family, err)
	}
	if parent, err := Parent(pid); err != nil || parent != os.Getpid() {
		t.Errorf("the parent is %d, want %d; %v", parent, os.Getpid(), err)
	}
	const nobody = 1 << 22 // more than there may be
	if _, err := CPU(nobody); err == nil {
		t.Error("nobody has processor time")
	}
	if _, err := FamilyCPU(nobody); err == nil {
		t.Error("nobody has a family")
	}
}

func TestMemory(t *testing.T) {
	now, err := Memory(os.Getpid(), "VmRSS")
	if err != nil || now < 1<<20 {
		t.Errorf("this process has %d bytes; %v", now, err)
	}
	if _, err := Memory(os.Getpid(), "VmNone"); err == nil {
		t.Error("a line that isn't there was read")
	}
}
