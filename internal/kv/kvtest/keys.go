package kvtest

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"moonbear/internal/kv"
)

// Keys holds an engine to the conduct of kv.Keys. make returns an empty one.
func Keys(t *testing.T, make func(t *testing.T) kv.Keys) {
	key, body, other := [16]byte{1}, [16]byte{2}, [16]byte{3}
	claim := func(t *testing.T, k kv.Keys, body [16]byte, at int64, want kv.Claim) {
		t.Helper()
		got, err := k.Claim(t.Context(), key, body, at)
		if err != nil || got != want {
			t.Errorf("claim at %d: %v, %v; want %v", at-start, got, err, want)
		}
	}
	t.Run("kept", func(t *testing.T) {
		k := make(t)
		claim(t, k, body, start, kv.Claimed)
		if err := k.Keep(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		claim(t, k, body, start+1, kv.Stored)
		claim(t, k, other, start+1, kv.Mismatch)
		claim(t, k, body, start+millis(kv.KeyRetention)-1, kv.Stored)
		claim(t, k, other, start+millis(kv.KeyRetention), kv.Claimed)
	})
	t.Run("released", func(t *testing.T) {
		k := make(t)
		claim(t, k, body, start, kv.Claimed)
		claim(t, k, other, start, kv.Mismatch)
		if err := k.Release(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		claim(t, k, other, start, kv.Claimed)
	})
	t.Run("release after keep changes nothing", func(t *testing.T) {
		k := make(t)
		claim(t, k, body, start, kv.Claimed)
		if err := errors.Join(k.Keep(t.Context(), key), k.Release(t.Context(), key)); err != nil {
			t.Fatal(err)
		}
		claim(t, k, body, start, kv.Stored)
	})
	t.Run("waiting ends with the context", func(t *testing.T) {
		k := make(t)
		claim(t, k, body, start, kv.Claimed)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := k.Claim(ctx, key, body, start); !errors.Is(err, context.Canceled) {
			t.Errorf("waiting in a context that ended: %v", err)
		}
	})
	t.Run("waiting sees the outcome", func(t *testing.T) {
		for name, tc := range map[string]struct {
			end  func(kv.Keys) error
			want kv.Claim
		}{
			"kept":     {func(k kv.Keys) error { return k.Keep(context.Background(), key) }, kv.Stored},
			"released": {func(k kv.Keys) error { return k.Release(context.Background(), key) }, kv.Claimed},
		} {
			synctest.Test(t, func(t *testing.T) {
				k := make(t)
				claim(t, k, body, start, kv.Claimed)
				outcome := -1
				go func() {
					got, err := k.Claim(context.Background(), key, body, start)
					if err != nil {
						t.Error(err)
					}
					outcome = int(got)
				}()
				synctest.Wait()
				if outcome != -1 {
					t.Errorf("%s: the second claim did not wait", name)
				}
				if err := tc.end(k); err != nil {
					t.Error(err)
				}
				synctest.Wait()
				if kv.Claim(outcome) != tc.want {
					t.Errorf("%s: the second claim came to %v, want %v", name, outcome, tc.want)
				}
			})
		}
	})
	t.Run("one of many", func(t *testing.T) {
		k := make(t)
		var stored atomic.Int32
		together(16, func(i int) {
			got, err := k.Claim(context.Background(), key, body, start)
			switch {
			case err != nil:
				t.Error(err)
			case got == kv.Claimed && i%2 == 0:
				err = k.Release(context.Background(), key)
			case got == kv.Claimed:
				stored.Add(1)
				err = k.Keep(context.Background(), key)
			}
			if err != nil {
				t.Error(err)
			}
		})
		if stored.Load() != 1 {
			t.Errorf("%d of 16 stored the batch", stored.Load())
		}
	})
}
