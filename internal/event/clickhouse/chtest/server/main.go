// Command chserver answers ClickHouse's HTTP interface on a loopback address
// with the engine in libchdb.so: the real one, without its server. It is for
// tests alone; package chtest starts it and says what it is and is not.
//
//	chserver -lib …/libchdb.so -data DIR
//
// It prints its address when it is ready, and ends when its standard input
// does, so that it never outlives the test that started it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "chserver:", err)
		os.Exit(1)
	}
}

func run() error {
	lib := flag.String("lib", "", "path of libchdb.so")
	addr := flag.String("addr", "127.0.0.1:0", "loopback address")
	data := flag.String("data", "", "directory of the engine's files")
	temporary := flag.Bool("temporary", false, "delete that directory at the end")
	sessions := flag.Int("sessions", 8, "statements that run at once")
	flag.Parse()
	if *temporary {
		defer os.RemoveAll(*data)
	}
	parent, err := takeInput()
	if err != nil {
		return fmt.Errorf("take standard input from the engine: %w", err)
	}
	if err := loadLibrary(*lib); err != nil {
		return fmt.Errorf("load the engine: %w", err)
	}
	s := newServer(*sessions)
	for range *sessions {
		c, err := connect(*data)
		if err != nil {
			return err
		}
		s.free <- c
	}
	killer, err := connect(*data)
	if err != nil {
		return err
	}
	s.killer = killer
	l, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	if t, ok := l.Addr().(*net.TCPAddr); !ok || !t.IP.IsLoopback() {
		return fmt.Errorf("%s is not a loopback address, and nobody is asked for a password here", l.Addr())
	}
	return serve(s, l, parent)
}

// takeInput gives the engine /dev/null for standard input. An insert whose rows
// stand in its text sets that non-blocking for a moment, to see whether there are
// more in it: a read that SIGCONT begins anew then fails with EAGAIN.
func takeInput() (*os.File, error) {
	in, err := os.Open("/dev/stdin")
	if err != nil {
		return nil, err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	defer null.Close()
	return in, syscall.Dup3(int(null.Fd()), int(os.Stdin.Fd()), 0)
}

func serve(s *server, l net.Listener, parent io.Reader) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() {
		if _, err := io.Copy(io.Discard, parent); err != nil {
			fmt.Fprintln(os.Stderr, "chserver: read standard input:", err)
		}
		stop()
	}()
	srv := &http.Server{Handler: s.routes()}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-ctx.Done()
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = srv.Shutdown(ctx) // what still runs then is cut, as by a server that is stopped
	}()
	fmt.Println(l.Addr())
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-ended
	return nil
}
