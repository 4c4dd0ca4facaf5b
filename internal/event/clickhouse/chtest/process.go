package chtest

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a server that this package starts.
type process struct {
	program, library string
	dir, addr        string
	temporary        bool
	log              logged

	mu    sync.Mutex
	cmd   *exec.Cmd     // nil before the start and after kill
	ended chan struct{} // closed when it has ended
	stdin io.Closer     // its end is the server's
	died  error         // it ended, and nobody had killed it
}

func newProcess(t testing.TB, dir string, temporary bool) *process {
	t.Helper()
	program, library := installed(t)
	p, err := run(program, library, dir, temporary)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// run starts a server on the files in dir.
func run(program, library, dir string, temporary bool) (*process, error) {
	p := &process{program: program, library: library, dir: dir, addr: "127.0.0.1:0", temporary: temporary}
	return p, p.start()
}

func (p *process) url() *url.URL { return &url.URL{Scheme: "http", Host: p.addr} }

func (p *process) start() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	args := []string{"-lib", p.library, "-data", p.dir, "-addr", p.addr}
	if p.temporary {
		args = append(args, "-temporary")
	}
	cmd := exec.Command(p.program, args...)
	cmd.Stderr = &p.log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	addr, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		return fmt.Errorf("the ClickHouse engine did not start: %w\n%s", err, p.log.String())
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // what is to be known is in cmd.ProcessState
		close(ended)
	}()
	p.cmd, p.ended, p.stdin, p.addr = cmd, ended, stdin, strings.TrimSpace(addr)
	return nil
}

// stop lets the server end what it is answering, for two seconds at most. What
// it has said is stored is on its disk already.
func (p *process) stop() error {
	if err := p.death(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.stdin.Close()
	<-p.ended
	state := p.cmd.ProcessState
	p.cmd = nil
	if !state.Success() {
		return fmt.Errorf("the ClickHouse engine ended badly: %s\n%s", state, p.log.String())
	}
	return nil
}

func (p *process) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return
	}
	p.look()
	_ = p.cmd.Process.Kill()
	<-p.ended
	_ = p.stdin.Close()
	p.cmd = nil
}

// death is why the server ended although nobody had killed it, or nil.
func (p *process) death() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.look()
	return p.died
}

func (p *process) look() {
	if p.cmd == nil || p.died != nil {
		return
	}
	select {
	case <-p.ended:
		p.died = fmt.Errorf("the ClickHouse engine ended by itself: %s", p.cmd.ProcessState)
	default:
	}
}

// freeze returns when every thread stands still: on a busy machine one may
// answer something yet.
func (p *process) freeze(t testing.TB) {
	t.Helper()
	p.signal(t, syscall.SIGSTOP)
	for end := time.Now().Add(10 * time.Second); !stands(p.pid()); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the server goes on although it was told to stop")
		}
	}
}

func (p *process) thaw(t testing.TB) { p.signal(t, syscall.SIGCONT) }

// stands says whether all threads of a process are stopped (proc_pid_stat(5)).
func stands(pid int) bool {
	names, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		if _, rest, ok := bytes.Cut(b, []byte(") ")); ok && rest[0] != 'T' {
			return false
		}
	}
	return len(names) > 0
}

func (p *process) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		t.Fatal("the server does not run")
	}
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// logged is what a server wrote to its standard error.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
