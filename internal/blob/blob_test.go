package blob_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"moonbear/internal/blob"
	"moonbear/internal/blob/s3test"
)

// buckets are those that the suite is held against: each an empty one.
var buckets = []struct {
	name string
	open func(t *testing.T) blob.Bucket
}{
	{"file", func(t *testing.T) blob.Bucket { return opened(t, "file://"+t.TempDir(), blob.Keys{}) }},
	{"s3", func(t *testing.T) blob.Bucket {
		return opened(t, s3test.Start(t).URL("some/prefix"), blob.Keys{ID: s3test.KeyID, Secret: s3test.Secret})
	}},
	{"s3 without a prefix", func(t *testing.T) blob.Bucket {
		return opened(t, s3test.Start(t).URL(""), blob.Keys{ID: s3test.KeyID, Secret: s3test.Secret})
	}},
}

func opened(t *testing.T, url string, keys blob.Keys) blob.Bucket {
	t.Helper()
	b, err := blob.Open(url, keys)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func put(t *testing.T, b blob.Bucket, name string, contents []byte) {
	t.Helper()
	if err := b.Put(t.Context(), name, bytes.NewReader(contents), int64(len(contents))); err != nil {
		t.Fatal(err)
	}
}

func get(t *testing.T, b blob.Bucket, name string) []byte {
	t.Helper()
	r, err := b.Get(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	contents, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return contents
}

func names(t *testing.T, b blob.Bucket, prefix string) (all []string) {
	t.Helper()
	list, err := b.List(t.Context(), prefix)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range list {
		all = append(all, o.Name)
	}
	return all
}

func noise(n int) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(n)})
	_, _ = r.Read(b)
	return b
}

// TestBucket holds every kind of bucket to the same conduct.
func TestBucket(t *testing.T) {
	for _, kind := range buckets {
		t.Run(kind.name, func(t *testing.T) {
			for _, part := range []struct {
				name string
				test func(*testing.T, blob.Bucket)
			}{
				{"objects come back as they were", comesBack},
				{"listed by name and prefix", isListed},
				{"what isn't there", isAbsent},
				{"cut off while it is put", isCutOff},
				{"many at the same time", isCrowded},
			} {
				b := kind.open(t)
				if !t.Run(part.name, func(t *testing.T) { part.test(t, b) }) {
					return
				}
			}
		})
	}
}

func comesBack(t *testing.T, b blob.Bucket) {
	for _, size := range []int{0, 1, 100_000, 16<<20 + 17, 40 << 20} { // the last ones in parts
		want := noise(size)
		put(t, b, "spool/a/1", want)
		if got := get(t, b, "spool/a/1"); !bytes.Equal(got, want) {
			t.Fatalf("%d bytes came back as %d others", size, len(got))
		}
		list, err := b.List(t.Context(), "spool/a/")
		if err != nil || len(list) != 1 || list[0] != (blob.Object{Name: "spool/a/1", Size: int64(size)}) {
			t.Fatalf("%v, %v", list, err)
		}
	}
	// From a stream that can't be read twice.
	want := noise(18 << 20)
	if err := b.Put(t.Context(), "stream", io.MultiReader(bytes.NewReader(want)), int64(len(want))); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(get(t, b, "stream"), want) {
		t.Error("a stream came back as other bytes")
	}
}

func isListed(t *testing.T, b blob.Bucket) {
	if got := names(t, b, ""); got != nil {
		t.Errorf("an empty bucket has %v", got)
	}
	want := []string{"a", "b-c", "b/c", "b/c-d", "b/d/e", "b/d/e.f", "bb", "한글/공백 있는 이름"}
	for _, n := range want {
		put(t, b, n, []byte(n))
	}
	for prefix, want := range map[string][]string{
		"": want, "b": want[1:7], "b/": want[2:6], "b/d/": want[4:6], "b/d/e": want[4:6], "b/c": want[2:4], "x": nil, "b/x/": nil,
	} {
		if got := names(t, b, prefix); !slices.Equal(got, want) {
			t.Errorf("%q lists %q, want %q", prefix, got, want)
		}
	}
}

// TestManyObjects: S3 lists a thousand at a time.
func TestManyObjects(t *testing.T) {
	b := opened(t, s3test.Start(t).URL("p"), blob.Keys{ID: s3test.KeyID, Secret: s3test.Secret})
	for i := range 1100 {
		put(t, b, fmt.Sprintf("many/%04d", i), nil)
	}
	if got := names(t, b, "many/"); len(got) != 1100 || got[1099] != "many/1099" || !slices.IsSorted(got) {
		t.Errorf("%d of 1100 are listed", len(got))
	}
}

func isAbsent(t *testing.T, b blob.Bucket) {
	for _, name := range []string{"nothing", "spool/x/y"} {
		if r, err := b.Get(t.Context(), name); !errors.Is(err, blob.ErrNotFound) || r != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := b.Delete(t.Context(), name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	put(t, b, "spool/x/y", []byte("1"))
	put(t, b, "spool/x/z", []byte("2"))
	if err := b.Delete(t.Context(), "spool/x/y"); err != nil {
		t.Fatal(err)
	}
	if got := names(t, b, ""); !slices.Equal(got, []string{"spool/x/z"}) {
		t.Errorf("left are %v", got)
	}
	if err := b.Delete(t.Context(), "spool/x/z"); err != nil {
		t.Fatal(err)
	}
	put(t, b, "spool/x/y", []byte("3"))
	if got := get(t, b, "spool/x/y"); string(got) != "3" {
		t.Errorf("it is %q", got)
	}
}

// broken is a stream that ends in an error, or early.
type broken struct {
	r   io.Reader
	err error
}

func (b broken) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if errors.Is(err, io.EOF) {
		err = b.err
	}
	return n, err
}

func isCutOff(t *testing.T, b blob.Bucket) {
	whole := [][]byte{[]byte("before")} // what may be there
	put(t, b, "spool/x", whole[0])
	for _, size := range []int64{1000, 40 << 20} {
		half := func(err error) io.Reader { return broken{bytes.NewReader(noise(int(size / 2))), err} }
		if err := b.Put(t.Context(), "spool/x", half(errors.New("the disk is ill")), size); err == nil {
			t.Error("a stream that failed was stored")
		}
		if err := b.Put(t.Context(), "spool/x", half(io.EOF), size); err == nil {
			t.Error("a stream that ended early was stored")
		}
		ctx, cancel := context.WithCancel(t.Context())
		if err := b.Put(ctx, "spool/x", io.MultiReader(half(io.EOF), stops{cancel}, half(io.EOF)), size); err == nil {
			t.Error("nobody wanted a stream any more, and it was stored")
		}
		whole = append(whole, bytes.Repeat(noise(int(size/2)), 2)) // it may have been on its way
		if got := get(t, b, "spool/x"); !slices.ContainsFunc(whole, func(w []byte) bool { return bytes.Equal(w, got) }) {
			t.Errorf("what was there became %d other bytes", len(got))
		}
	}
	if got := names(t, b, ""); !slices.Equal(got, []string{"spool/x"}) {
		t.Errorf("there are %v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.List(ctx, ""); !errors.Is(err, context.Canceled) {
		t.Errorf("a list that nobody wants: %v", err)
	}
	if err := b.Delete(ctx, "spool/x"); !errors.Is(err, context.Canceled) {
		t.Errorf("a deletion that nobody wants: %v", err)
	}
}

// stops cancels something in the middle of a stream.
type stops struct{ cancel func() }

func (s stops) Read([]byte) (int, error) {
	s.cancel()
	return 0, io.EOF
}

// Some put and others delete in the same directories; each sees its own.
func isCrowded(t *testing.T, b blob.Bucket) {
	var stays []string
	if strings.Contains(t.Name(), "/s3") {
		// The S3 server of tests keeps objects as files, and errs when a
		// directory goes with its last one while another is put into it.
		stays = []string{"spool/0/stays", "spool/1/stays"}
		for _, name := range stays {
			put(t, b, name, nil)
		}
	}
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 30 {
				name := fmt.Sprintf("spool/%d/%d", j%2, i)
				want := []byte(fmt.Sprint(i, j))
				if err := b.Put(context.Background(), name, bytes.NewReader(want), int64(len(want))); err != nil {
					t.Error(err)
					return
				}
				r, err := b.Get(context.Background(), name)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(r)
				r.Close()
				if err != nil || !bytes.Equal(got, want) {
					t.Errorf("%q, %v, want %q", got, err, want)
				}
				if _, err := b.List(context.Background(), "spool/"); err != nil {
					t.Error(err)
				}
				if err := b.Delete(context.Background(), name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := names(t, b, ""); !slices.Equal(got, stays) {
		t.Errorf("left are %v", got)
	}
}

// TestOpen: a URL that is wrong is told of with what would be right, and nothing
// secret.
func TestOpen(t *testing.T) {
	keys := blob.Keys{ID: "AKIA", Secret: "hunter2"}
	for url, want := range map[string]string{
		"s3://bucket?region=eu-central-1":                     "",
		"s3://bucket/some/prefix/?region=eu-central-1":        "",
		"s3://bucket/p?endpoint=http://127.0.0.1:9000":        "",
		"s3://bucket/p?endpoint=minio.internal:9000&region=x": "",
		"s3://bucket/p?endpoint=https://minio.internal/":      "",
		"file:///mnt/shared":                                  "",
		"":                                                    "want s3://BUCKET/PREFIX",
		"/mnt/shared":                                         "want s3://BUCKET/PREFIX",
		"https://bucket.s3.amazonaws.com/x":                   "want s3://BUCKET/PREFIX",
		"s3://AKIA:hunter2@bucket?region=x":                   "AWS_SECRET_ACCESS_KEY",
		"s3://bucket?endpoint=https://AKIA:hunter2@host":      "AWS_SECRET_ACCESS_KEY",
		"s3:bucket?region=x":                                  "the bucket's name after s3://",
		"s3:///prefix?region=x":                               "the bucket's name after s3://",
		"s3://bucket:9000/?region=x":                          "the bucket's name after s3://",
		"s3://bucket/p":                                       "?region=eu-central-1",
		"s3://bucket/p?endpoint=":                             "like https://s3.example.com",
		"s3://bucket/p?endpoint=ftp://host":                   "like https://s3.example.com",
		"s3://bucket/p?endpoint=http://host:":                 "like https://s3.example.com",
		"s3://bucket/p?endpoint=http://host/path":             "like https://s3.example.com",
		"s3://bucket/p?region=eu central":                     "look like eu-central-1",
		"s3://bucket/p?region=a&region=b":                     "given twice",
		"s3://bucket/p?region=a&zone=b":                       `"zone" isn't known`,
		"s3://bucket/p?region=a#b":                            "%23",
		"s3://bucket/%zz?region=x":                            "it is no URL",
		"s3://bucket/p?region=%zz":                            "can't be read",
		"s3://Not_A_Bucket!/p?region=x":                       "bucket's name",
		"file://mnt/shared":                                   "three slashes",
		"file:mnt":                                            "three slashes",
		"file:///mnt?x=y":                                     "nothing after a ?",
	} {
		b, err := blob.Open(url, keys)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", url, err)
		case want == "" && strings.Contains(b.Address(), "hunter2"):
			t.Errorf("%s shows a secret: %s", url, b.Address())
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s: got %v, want %q", url, err, want)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: its error shows a secret: %v", url, err)
		}
	}
	for _, keys := range []blob.Keys{{}, {ID: "AKIA"}, {Secret: "hunter2"}} {
		if _, err := blob.Open("s3://bucket?region=eu-central-1", keys); err == nil || !strings.Contains(err.Error(), "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY") {
			t.Errorf("without keys: %v", err)
		}
	}
}

// TestSaysWhatIsWrong: what a bucket refuses is told with what to see to.
func TestSaysWhatIsWrong(t *testing.T) {
	s := s3test.Start(t)
	elsewhere := strings.Replace(s.URL(""), s3test.Bucket, "another-bucket", 1)
	for _, tt := range []struct{ url, id, secret, want string }{
		{s.URL(""), "nobody", s3test.Secret, "AWS_ACCESS_KEY_ID isn't known there"},
		{s.URL(""), s3test.KeyID, "wrong", "AWS_SECRET_ACCESS_KEY is not that of"},
		{elsewhere, s3test.KeyID, s3test.Secret, "the bucket doesn't exist there"},
		{"file://" + filepath.Join(t.TempDir(), "nothing"), "", "", "mount the volume, or make the directory"},
	} {
		b := opened(t, tt.url, blob.Keys{ID: tt.id, Secret: tt.secret})
		_, listed := b.List(t.Context(), "")
		put := b.Put(t.Context(), "x", strings.NewReader("x"), 1)
		for _, err := range []error{listed, put} {
			if err == nil || !strings.Contains(err.Error(), tt.want) || errors.Is(err, blob.ErrNotFound) {
				t.Errorf("%s as %s: got %v, want %q", tt.url, tt.id, err, tt.want)
			}
		}
	}
}

// TestAway: a server that is gone, or hangs, fails what is asked of it in time,
// and does it when it is back.
func TestAway(t *testing.T) {
	s := s3test.Start(t)
	b := opened(t, s.URL("p"), blob.Keys{ID: s3test.KeyID, Secret: s3test.Secret})
	put(t, b, "x", []byte("1"))
	s.Kill()
	begun := time.Now()
	if err := b.Put(t.Context(), "x", strings.NewReader("2"), 1); err == nil {
		t.Error("put into a server that isn't there")
	}
	if took := time.Since(begun); took > 15*time.Second {
		t.Errorf("it took %v to say so", took)
	}
	s.Restart()
	if got := get(t, b, "x"); string(got) != "1" {
		t.Errorf("it is %q", got)
	}
	s.Pause()
	defer s.Resume()
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := b.List(ctx, ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a server that hangs: %v", err)
	}
}

// TestUnfinishedFiles: what a kill leaves half written is no object, and goes.
func TestUnfinishedFiles(t *testing.T) {
	dir := t.TempDir()
	b := opened(t, "file://"+dir, blob.Keys{})
	put(t, b, "x", []byte("1"))
	for name, age := range map[string]time.Duration{".unfinished-old": 25 * time.Hour, ".unfinished-new": 0} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(-age)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	put(t, b, "y", []byte("2"))
	if got := names(t, b, ""); !slices.Equal(got, []string{"x", "y"}) {
		t.Errorf("there are %v", got)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".unfinished-*"))
	if err != nil || len(left) != 1 || filepath.Base(left[0]) != ".unfinished-new" {
		t.Errorf("left are %v, %v", left, err)
	}
}

// FuzzOpen: no URL breaks it, and none has it say what is secret.
func FuzzOpen(f *testing.F) {
	for _, s := range []string{"s3://b/p?region=eu-central-1", "s3://b?endpoint=http://h:1&region=x", "file:///x", "s3://a:hunter2@b", "s3://b?endpoint=https://a:hunter2@h"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, url string) {
		b, err := blob.Open(url, blob.Keys{ID: "id", Secret: "hunter3"})
		if err == nil && b.Address() == "" {
			t.Error("it is nowhere")
		}
		if err != nil && strings.Contains(err.Error(), "hunter3") {
			t.Errorf("a secret is shown: %v", err)
		}
	})
}
