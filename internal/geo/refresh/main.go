// Command refresh rewrites the built-in geo database from the npm package
// @ip-location-db/geo-whois-asn-country-mmdb:
//
//	npm pack @ip-location-db/geo-whois-asn-country-mmdb
//	go run ./internal/geo/refresh ip-location-db-geo-whois-asn-country-mmdb-*.tgz
//
// The same package gives the same bytes. It must be run in the module's root.
package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/oschwald/maxminddb-golang/v2"
)

const dir = "internal/geo/data"

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "refresh:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 1 {
		return errors.New("usage: go run ./internal/geo/refresh PACKAGE.tgz")
	}
	files, err := unpack(args[0])
	if err != nil {
		return err
	}
	var pkg struct{ Name, Version string }
	if err := json.Unmarshal(files["package.json"], &pkg); err != nil {
		return fmt.Errorf("package.json of %s: %w", args[0], err)
	}
	raw := files["geo-whois-asn-country.mmdb"]
	reader, err := maxminddb.OpenBytes(raw)
	if err != nil {
		return fmt.Errorf("geo-whois-asn-country.mmdb: %w", err)
	}
	if err := check(reader); err != nil {
		return fmt.Errorf("geo-whois-asn-country.mmdb: %w", err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
	if err != nil {
		return err
	}
	built := reader.Metadata.BuildTime().UTC().Format("2006-01-02")
	return errors.Join(
		write("country.mmdb.zst", enc.EncodeAll(raw, nil)),
		write("SOURCE", fmt.Appendf(nil, "%s %s, built %s\n", pkg.Name, pkg.Version, built)),
		write("LICENSE.NRO", files["NRO_LICENSE"]),
	)
}

// check walks every network of the file. (The reader's own Verify refuses the
// file for its empty description.)
func check(reader *maxminddb.Reader) error {
	networks, countries := 0, map[string]bool{}
	for res := range reader.Networks() {
		var country string
		if err := errors.Join(res.Err(), res.DecodePath(&country, "country_code")); err != nil {
			return err
		}
		networks++
		countries[country] = true
	}
	fmt.Printf("%d networks, %d countries\n", networks, len(countries))
	if networks < 100_000 || len(countries) < 200 {
		return errors.New("holds too little to be the whole world")
	}
	return nil
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
