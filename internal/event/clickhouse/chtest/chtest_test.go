package chtest

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func ask(t *testing.T, s *Server, query string) string {
	t.Helper()
	got, err := s.Ask(query)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func table(t *testing.T, s *Server) string {
	t.Helper()
	u := s.Database(t)
	name := u[strings.LastIndex(u, "/")+1:] + ".numbers"
	ask(t, s, "create table "+name+" (n UInt64) engine = MergeTree order by n")
	return name
}

// begin sends an insert's head and rows, and not its end.
func begin(t *testing.T, s *Server, name, id string, rows int) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.url.Host)
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Repeat("7\n", rows)
	fmt.Fprintf(c, "POST /?query_id=%s&query=insert%%20into%%20%s%%20format%%20TSV HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n", id, name, len(body), body)
	return c
}

// running waits until so many statements with an ID run.
func running(t *testing.T, s *Server, want, id string) {
	t.Helper()
	for until := time.Now().Add(20 * time.Second); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		if ask(t, s, "select count() from system.processes where startsWith(query, '/* id "+id+" */')") == want {
			return
		}
	}
	t.Fatalf("never %s statements called %s", want, id)
}

// A connection cut in mid-insert stores nothing: its rows are not the whole.
func TestCutInsert(t *testing.T) {
	s := Start(t)
	name := table(t, s)
	for _, rows := range []int{1, 1000, 2_000_000} {
		id := fmt.Sprint("cut-", rows)
		c := begin(t, s, name, id, rows)
		running(t, s, "1", id)
		_ = c.Close()
		running(t, s, "0", id)
	}
	if got := ask(t, s, "select count() from "+name); got != "0" {
		t.Errorf("%s rows of inserts that were cut", got)
	}
	c := begin(t, s, name, "whole", 1000)
	fmt.Fprint(c, "0\r\n\r\n")
	if line, err := bufio.NewReader(c).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatalf("the answer to a whole insert begins %q, %v", line, err)
	}
	if got := ask(t, s, "select count() from "+name); got != "1000" {
		t.Errorf("%s rows of a whole insert, want 1000", got)
	}
}

// KILL QUERY ends an insert that waits for rows, and a select that computes.
func TestKillQuery(t *testing.T) {
	s := Start(t)
	name := table(t, s)
	c := begin(t, s, name, "it's-me", 1000)
	defer c.Close()
	running(t, s, "1", "it\\'s-me")
	ask(t, s, `kill query where query_id = 'it\'s-me' sync`)
	if got := ask(t, s, "select count() from "+name); got != "0" {
		t.Errorf("%s rows of an insert that was killed", got)
	}
	long, err := net.Dial("tcp", s.url.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer long.Close()
	fmt.Fprint(long, "GET /?query_id=long&query=select%20count()%20from%20numbers(200000000000)%20where%20sipHash64(number)=1 HTTP/1.1\r\nHost: x\r\n\r\n")
	running(t, s, "1", "long")
	ask(t, s, "kill query where query_id = 'long' sync")
	if line, err := bufio.NewReader(long).ReadString('\n'); err != nil || !strings.Contains(line, "500") {
		t.Errorf("the answer to a killed select begins %q, %v", line, err)
	}
}

func TestRestart(t *testing.T) {
	s := Start(t)
	name := table(t, s)
	ask(t, s, "insert into "+name+" select number from numbers(10)")
	s.Kill(t)
	if _, err := s.Ask("select 1"); err == nil {
		t.Error("a killed server answered")
	}
	s.Restart(t)
	if got := ask(t, s, "select sum(n) from "+name); got != "45" {
		t.Errorf("sum %s after a restart, want 45", got)
	}
	s.Freeze(t)
	done := make(chan error, 1)
	go func() {
		_, err := s.Ask("select 1")
		done <- err
	}()
	select {
	case err := <-done:
		t.Errorf("a frozen server answered (%v)", err)
	case <-time.After(300 * time.Millisecond):
	}
	s.Thaw(t)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// A server that is stopped in the middle of an insert goes on with it.
func TestFrozenInsert(t *testing.T) {
	s := Start(t)
	name := table(t, s)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	var inserted atomic.Int64
	for range 4 {
		wg.Go(func() {
			for ctx.Err() == nil {
				// Only an insert whose rows stand in its text looks at standard input.
				if _, err := s.Ask("insert into " + name + " values (1)"); err != nil {
					t.Error(err)
					return
				}
				inserted.Add(1)
			}
		})
	}
	for range 200 {
		s.Freeze(t)
		time.Sleep(time.Millisecond)
		s.Thaw(t)
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	wg.Wait()
	if got := ask(t, s, "select count() from "+name); got != fmt.Sprint(inserted.Load()) {
		t.Errorf("%s rows, want %d", got, inserted.Load())
	}
}

// A program's server leaves its files, and another goes on with them.
func TestOpen(t *testing.T) {
	installed(t)
	if os.Getenv("TEST_CLICKHOUSE_URL") != "" {
		t.Skip("the server of TEST_CLICKHOUSE_URL is not ours to close")
	}
	dir := t.TempDir()
	for _, want := range []string{"1", "2"} {
		s, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := syscall.Kill(s.PID(), 0); err != nil {
			t.Errorf("process %d: %v", s.PID(), err)
		}
		ask(t, s, "create database if not exists kept")
		ask(t, s, "create table if not exists kept.n (n Int64) engine = MergeTree order by n")
		ask(t, s, "insert into kept.n values ("+want+")")
		if got := ask(t, s, "select count() from kept.n"); got != want {
			t.Errorf("%s rows, want %s", got, want)
		}
		if !strings.HasSuffix(s.URL("kept"), "/kept") {
			t.Errorf("the database is at %s", s.URL("kept"))
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := s.Ask("select 1"); err == nil {
			t.Error("a closed server answered")
		}
	}
}

// A server that ends by itself is said to have, and how.
func TestDeath(t *testing.T) {
	p := newProcess(t, t.TempDir(), false)
	t.Cleanup(p.kill)
	if err := p.death(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Process.Kill()
	<-p.ended
	s := &Server{url: p.url(), process: p}
	if _, err := s.Ask("select 1"); err == nil || !strings.Contains(err.Error(), "ended by itself: signal: killed") {
		t.Errorf("a question to a dead server: %v", err)
	}
}
