package bundle_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"moonbear/tracker/bundle"
)

// The committed files are what the source builds, and within their budgets.
func TestCommitted(t *testing.T) {
	files, err := bundle.Files(filepath.Join("..", "src"))
	if err != nil {
		t.Fatal(err)
	}
	err = bundle.Check(files, func(name string) ([]byte, error) { return os.ReadFile(filepath.Join("..", "dist", name)) })
	if err != nil {
		t.Error(err)
	}
	for _, f := range files {
		for _, word := range []string{"eval(", "new Function", "document.cookie", "sessionStorage", "indexedDB"} {
			if strings.Contains(string(f.Body), word) {
				t.Errorf("%s uses %s", f.Name, word)
			}
		}
	}
}

func TestCheck(t *testing.T) {
	body := []byte("const body = 1")
	tests := []struct {
		name      string
		committed []byte
		err       error
		budget    int
		want      string
	}{
		{"the same, within", body, nil, 100, ""},
		{"another", []byte("other"), nil, 100, "not what its source builds"},
		{"over", body, nil, 10, "its budget is 10"},
		{"missing", nil, errors.New("no such file"), 100, "no such file"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := bundle.Check([]bundle.File{{Name: "a.js", Body: body, Budget: test.budget}},
				func(string) ([]byte, error) { return test.committed, test.err })
			switch {
			case test.want == "" && err != nil:
				t.Error(err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)):
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
}

func TestFilesSaysWhatIsWrong(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "main.ts"), []byte("const = 1"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Files(dir); err == nil || !strings.Contains(err.Error(), "main.ts:1") {
		t.Errorf("%v doesn't name the line", err)
	}
}
