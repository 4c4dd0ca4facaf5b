package spool_test

import (
	"context"
	"testing"

	"moonbear/internal/spool"
)

func TestX(t *testing.T) {
	s, err := spool.Open(spool.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan error)
	go func() { ran <- s.Run(ctx) }()
	for range 3 {
		if err := s.Append(ctx, []byte("hello")); err != nil {
			t.Fatal(err)
		}
	}
	n, err := s.Read(ctx, 0, 1<<20, func(p int64, r []byte) error { t.Log(p, string(r)); return nil })
	t.Log(n, err, s.Durable())
	stop()
	<-ran
}
