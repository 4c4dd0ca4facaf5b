// Package bundle turns the tracker's TypeScript into the files that are served.
//
//	tracker/src/main.ts   → tracker/dist/analytics.js   what a site includes
//	tracker/src/vitals.ts → tracker/dist/vitals.js      fetched by it when the page is idle
//
// It is apart from package tracker so that the server doesn't link esbuild.
package bundle

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

// Budgets in bytes, gzipped at level 9. A visitor on a slow phone waits for
// the first; the second is fetched when the page is idle.
const (
	ScriptBudget = 1500
	VitalsBudget = 1200
)

// File is one file to serve.
type File struct {
	Name   string // in tracker/dist
	Body   []byte
	Budget int // bytes, gzipped
}

// Files builds what is served from the TypeScript in dir ("tracker/src").
// The error holds what esbuild has to say, with lines.
func Files(dir string) ([]File, error) {
	script, err := minified(filepath.Join(dir, "main.ts"), api.FormatIIFE)
	if err != nil {
		return nil, err
	}
	vitals, err := minified(filepath.Join(dir, "vitals.ts"), api.FormatESModule)
	if err != nil {
		return nil, err
	}
	return []File{
		{Name: "analytics.js", Body: script, Budget: ScriptBudget},
		{Name: "vitals.js", Body: vitals, Budget: VitalsBudget},
	}, nil
}

// minified bundles one entry point. ES2020 is every browser since the spring
// of 2020: older ones skip the script at its first unknown word.
func minified(entry string, format api.Format) ([]byte, error) {
	r := api.Build(api.BuildOptions{
		EntryPoints:       []string{entry},
		Bundle:            true,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		Target:            api.ES2020,
		Format:            format,
		LegalComments:     api.LegalCommentsNone,
		TsconfigRaw:       "{}", // tsconfig.json is for the type check; "strict" there would add 13 bytes here
		Write:             false,
	})
	if len(r.Errors) > 0 {
		return nil, fmt.Errorf("bundle %s:\n%s", entry, errors.Join(messages(r.Errors)...))
	}
	return bytes.TrimRight(r.OutputFiles[0].Contents, "\n"), nil
}

func messages(found []api.Message) []error {
	var errs []error
	for _, text := range api.FormatMessages(found, api.FormatMessagesOptions{Kind: api.ErrorMessage}) {
		errs = append(errs, errors.New(text))
	}
	return errs
}

// Gzipped gives the size of b in bytes as gzip -9 makes it.
func Gzipped(b []byte) (int, error) {
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return 0, err
	}
	if _, err := w.Write(b); err != nil {
		return 0, err
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	return out.Len(), nil
}

// Check says which committed files in dist are not what src builds, or over
// their budget. A nil error means neither.
func Check(files []File, read func(name string) ([]byte, error)) error {
	var errs []error
	for _, f := range files {
		committed, err := read(f.Name)
		switch {
		case err != nil:
			errs = append(errs, err)
		case !bytes.Equal(committed, f.Body):
			errs = append(errs, fmt.Errorf("%s is not what its source builds: run go run ./tracker/build", f.Name))
		}
		size, err := Gzipped(f.Body)
		switch {
		case err != nil:
			errs = append(errs, err)
		case size > f.Budget:
			errs = append(errs, fmt.Errorf("%s is %d bytes gzipped; its budget is %d", f.Name, size, f.Budget))
		}
	}
	return errors.Join(errs...)
}
