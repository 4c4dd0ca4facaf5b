package clickhouse

import (
	"fmt"
	"maps"
	"net/url"
	"strings"

	client "github.com/ClickHouse/clickhouse-go/v2"
)

// clientOptions reads Options.URL as the client wants it. Its parameters are
// the client's (dial_timeout, compress, …) and ClickHouse's settings.
func clientOptions(o Options, settings client.Settings) (*client.Options, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("event store: %q is no URL", redacted(o.URL))
	}
	u.Scheme = strings.TrimPrefix(u.Scheme, "clickhouse+")
	switch u.Scheme {
	case "http", "clickhouse":
	case "https":
		q := u.Query()
		q.Set("secure", "true")
		u.RawQuery = q.Encode()
	default:
		return nil, fmt.Errorf("event store: %q is not the URL of a ClickHouse (clickhouse://, http:// or https://)", redacted(o.URL))
	}
	c, err := client.ParseDSN(u.String())
	if err != nil {
		return nil, fmt.Errorf("event store: %w", err)
	}
	if c.Settings == nil {
		c.Settings = client.Settings{}
	}
	maps.Copy(c.Settings, settings)
	if c.Protocol != client.HTTP {
		delete(c.Settings, "wait_end_of_query")
		delete(c.Settings, "cancel_http_readonly_queries_on_client_close")
	}
	if c.Compression == nil {
		c.Compression = &client.Compression{Method: client.CompressionLZ4}
	}
	c.MaxOpenConns, c.MaxIdleConns = connections, connections/4
	if c.ReadTimeout == 0 {
		c.ReadTimeout = answerTime
	}
	if o.dial != nil {
		c.DialContext = o.dial
	}
	if o.Cluster != "" {
		maps.Copy(c.Settings, clusterSettings)
	}
	return c, nil
}

// redacted is a URL that may be shown.
func redacted(s string) string {
	if at := strings.LastIndexByte(s, '@'); at >= 0 {
		return "…" + s[at:]
	}
	return s
}
