// Build makes assets/dist of assets/src with esbuild; with -check it compares
// instead and fails when they differ. It is run from the module's root.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	check := flag.Bool("check", false, "compare dist with what src makes, and write nothing")
	dir := flag.String("dir", "internal/web/assets", "the folder that has src and dist")
	flag.Parse()
	if err := run(*dir, *check); err != nil {
		fmt.Fprintln(os.Stderr, "assets:", err)
		os.Exit(1)
	}
}

func run(dir string, check bool) error {
	files, err := build(dir)
	if err != nil {
		return err
	}
	for name, body := range files {
		path := filepath.Join(dir, "dist", name)
		if !check {
			if err := os.WriteFile(path, body, 0o644); err != nil {
				return err
			}
			continue
		}
		have, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !bytes.Equal(have, body) {
			return fmt.Errorf("%s is not what src makes: run go run ./internal/web/assets/build", path)
		}
	}
	return nil
}

// build returns the files of dist by name.
func build(dir string) (map[string][]byte, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	r := api.Build(api.BuildOptions{
		AbsWorkingDir:     abs,
		EntryPoints:       []string{"src/main.ts", "src/style.css", "src/icon.svg"},
		Outdir:            filepath.Join(abs, "dist"),
		Bundle:            true,
		Format:            api.FormatESModule,
		Target:            api.ES2022,
		Engines:           []api.Engine{{Name: api.EngineChrome, Version: "123"}, {Name: api.EngineFirefox, Version: "120"}, {Name: api.EngineSafari, Version: "17.5"}},
		Loader:            map[string]api.Loader{".svg": api.LoaderCopy},
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		LegalComments:     api.LegalCommentsNone,
		Charset:           api.CharsetUTF8,
	})
	if len(r.Errors) > 0 {
		return nil, fmt.Errorf("esbuild: %s", api.FormatMessages(r.Errors, api.FormatMessagesOptions{})[0])
	}
	files := map[string][]byte{}
	for _, f := range r.OutputFiles {
		files[filepath.Base(f.Path)] = f.Contents
	}
	return files, nil
}
