// Command refresh rewrites the lists of bots from the npm packages
// crawler-user-agents and isbot:
//
//	npm pack crawler-user-agents isbot
//	go run ./internal/bot/refresh crawler-user-agents-*.tgz isbot-*.tgz
//
// The same packages give the same bytes. It must be run in the module's root;
// data/own.tsv is ours and stays as it is. Run the package's tests afterwards:
// they fail when a new pattern flags a browser people use.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const dir = "internal/bot/data"

// left out, each for a reason: these also match browsers that people use.
var leftOut = map[string]string{
	`AP3A\.240617\.008`: "an Android 15 build number, on many phones",
	`MetaIAB Facebook`:  "Facebook's in-app browser",
	`Code\/1\.`:         "the browser in an editor, used by people",
	`Trae\/`:            "the browser in an editor, used by people",
	`Fluid`:             "a browser for one site, used by people",
	`Butterfly`:         "a phone by HTC; own.tsv names the bot exactly",
	`Sonic`:             "in names of devices; own.tsv names the bot exactly",
	`Viber`:             "own.tsv takes it at the start only",
	`WhatsApp`:          "own.tsv takes it at the start only",
	`Tumblr\/`:          "own.tsv takes it at the start only",
	`Notion\/`:          "own.tsv takes it at the start only; the desktop app is a browser",
	`mail\.ru`:          "in toolbars of old browsers; isbot has it more exactly",
	`Chirp|gotosocial`:  "two names in one pattern; isbot finds both",
	`Make\/`:            "in names of apps",
	`BW\/`:              "own.tsv takes it with its version",
	`HttpUrlConnection`: "isbot has it by http",
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "refresh:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("usage: go run ./internal/bot/refresh crawler-user-agents.tgz isbot.tgz")
	}
	crawlers, err := unpack(args[0])
	if err != nil {
		return err
	}
	isbot, err := unpack(args[1])
	if err != nil {
		return err
	}
	table, err := crawlerTable(crawlers["crawler-user-agents.json"])
	if err != nil {
		return fmt.Errorf("crawler-user-agents.json: %w", err)
	}
	patterns, err := isbotPatterns(isbot["index.mjs"])
	if err != nil {
		return fmt.Errorf("index.mjs of isbot: %w", err)
	}
	source, err := versions(crawlers, isbot)
	if err != nil {
		return err
	}
	return errors.Join(
		write("crawlers.tsv", table),
		write("isbot.txt", patterns),
		write("SOURCE", source),
		write("LICENSE.crawler-user-agents", crawlers["LICENSE"]),
		write("LICENSE.isbot", isbot["LICENSE"]),
	)
}

// crawlerTable turns the list into lines "pattern<tab>name".
func crawlerTable(raw []byte) ([]byte, error) {
	var list []struct{ Pattern string }
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	if len(list) < 500 {
		return nil, fmt.Errorf("has only %d patterns", len(list))
	}
	var out bytes.Buffer
	out.WriteString("# pattern\tname. Made by refresh from the npm package crawler-user-agents (MIT): do not edit.\n")
	for _, c := range list {
		if _, no := leftOut[c.Pattern]; no {
			continue
		}
		if _, err := regexp.Compile(c.Pattern); err != nil {
			return nil, err
		}
		fmt.Fprintf(&out, "%s\t%s\n", c.Pattern, name(c.Pattern))
	}
	return out.Bytes(), nil
}

var (
	class   = regexp.MustCompile(`\[([^\]\\^])[^\]]*\]`)
	group   = regexp.MustCompile(`\((?:\^\| |\[\^-\]\|\$)\)`)
	choice  = regexp.MustCompile(`\(([^|)]*)\|[^)]*\)`)
	unquote = regexp.MustCompile(`\\(.)`)
)

// name makes a name people can read of a pattern: "[wW]get" is "wget",
// "Googlebot\/" is "Googlebot".
func name(pattern string) string {
	s := group.ReplaceAllString(pattern, "")
	s, _, _ = strings.Cut(s, `[\s\S]*`)
	s = choice.ReplaceAllString(s, "$1")
	s = class.ReplaceAllString(s, "$1")
	s, _, _ = strings.Cut(s, "|")
	s = strings.ReplaceAll(s, `\d`, "")
	s = strings.ReplaceAll(s, `\.+`, "")
	s = unquote.ReplaceAllString(s, "$1")
	s = strings.TrimPrefix(s, "https://")
	return strings.Trim(s, "^$/ +*;)(-_.")
}

var quoted = regexp.MustCompile(`^\s+("(?:[^"\\]|\\.)*"),?$`)

// isbotPatterns reads the array patterns_default of isbot's script.
func isbotPatterns(script []byte) ([]byte, error) {
	var out bytes.Buffer
	out.WriteString("# patterns, case-insensitive, JavaScript's. Made by refresh from the npm package isbot (Unlicense): do not edit.\n")
	_, list, ok := strings.Cut(string(script), "var patterns_default = [\n")
	list, _, ok2 := strings.Cut(list, "\n];")
	if !ok || !ok2 {
		return nil, errors.New("has no array patterns_default")
	}
	n := 0
	for line := range strings.Lines(list) {
		m := quoted.FindStringSubmatch(strings.TrimRight(line, "\n"))
		if m == nil {
			return nil, fmt.Errorf("line %q is not a quoted pattern", line)
		}
		var p string
		if err := json.Unmarshal([]byte(m[1]), &p); err != nil {
			return nil, fmt.Errorf("line %q: %w", line, err)
		}
		out.WriteString(p + "\n")
		n++
	}
	if n < 100 {
		return nil, fmt.Errorf("has only %d patterns", n)
	}
	return out.Bytes(), nil
}

func versions(packages ...map[string][]byte) ([]byte, error) {
	var out []byte
	for _, files := range packages {
		var p struct{ Name, Version, License string }
		if err := json.Unmarshal(files["package.json"], &p); err != nil {
			return nil, fmt.Errorf("package.json: %w", err)
		}
		out = fmt.Appendf(out, "%s %s (%s)\n", p.Name, p.Version, p.License)
	}
	return out, nil
}

func write(name string, b []byte) error {
	return os.WriteFile(filepath.Join(dir, name), b, 0o644)
}

// unpack reads an npm package: a gzipped tar of package/….
func unpack(name string) (map[string][]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	files := map[string][]byte{}
	for t := tar.NewReader(z); ; {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		b, err := io.ReadAll(t)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files[strings.TrimPrefix(h.Name, "package/")] = b
	}
}
