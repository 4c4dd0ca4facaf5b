package app

import (
	"net/netip"
	"reflect"
	"strings"
	"testing"
)

func TestReadConfigDefaults(t *testing.T) {
	c, err := ReadConfig(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, got, want string }{
		{"ListenAddr", c.ListenAddr, "127.0.0.1:8080"},
		{"BaseURL", c.BaseURL, "http://127.0.0.1:8080"},
		{"DatabaseURL", c.DatabaseURL, "sqlite://data/moonbear.db"},
		{"EventsURL", c.EventsURL, "duckdb://data/events.duckdb"},
		{"TrackerPath", c.TrackerPath, "/analytics.js"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s = %q, want %q", tt.name, tt.got, tt.want)
		}
	}
	if c.SpoolMaxBytes != 4<<30 {
		t.Errorf("SpoolMaxBytes = %d", c.SpoolMaxBytes)
	}
}

func TestReadConfigValues(t *testing.T) {
	c, err := ReadConfig([]string{
		"LISTEN_ADDR=:9000", "DATA_DIR=/srv/mb", "EVENTS_MEMORY=1.5 GiB", "METRICS_ADDR=off",
		"TRUSTED_PROXIES=10.0.0.0/8, 127.0.0.1,::1", "BASE_URL=https://stats.example.com/",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}
	if !reflect.DeepEqual(c.proxies, want) {
		t.Errorf("proxies = %v, want %v", c.proxies, want)
	}
	if c.EventsMemory != 3<<29 || c.MetricsAddr != "" || c.BaseURL != "https://stats.example.com" || c.DatabaseURL != "sqlite:///srv/mb/moonbear.db" {
		t.Errorf("got %+v", c)
	}
}

func TestReadConfigNamesEveryFault(t *testing.T) {
	for _, tt := range []struct{ env, names, wants string }{
		{"LISTEN_ADDR=8080", "LISTEN_ADDR", "127.0.0.1:8080"},
		{"BASE_URL=stats.example.com", "BASE_URL", "https://"},
		{"EVENTS_MEMORY=lots", "EVENTS_MEMORY", "512MiB"},
		{"SPOOL_MAX_BYTES=1", "SPOOL_MAX_BYTES", "16MiB"},
		{"TRUSTED_PROXIES=cloudflare", "TRUSTED_PROXIES", "CIDR"},
		{"COLLECT_RATE=many", "COLLECT_RATE", "whole number"},
		{"COLLECT_RATE=-1", "COLLECT_RATE", "no limit"},
		{"TRACKER_PATH=analytics.js", "TRACKER_PATH", "/analytics.js"},
		{"TRACKER_PATH=/js//bear.js", "TRACKER_PATH", "/analytics.js"},
		{"LISTEN_ADDR=127.0.0.1:99999", "LISTEN_ADDR", "port"},
		{"METRICS_ADDR=127.0.0.1:", "METRICS_ADDR", "port"},
		{"BASE_URL=https://example.com/stats", "BASE_URL", "host name of its own"},
		{"BASE_URL=https://you:hunter2@example.com", "BASE_URL", "host name of its own"},
		{"ENV=staging", "ENV", "development"},
		{"METRICS_ADDR=9090", "METRICS_ADDR", "off"},
		{"DATABASE_URL=mysql://u:hunter2@h/db", "DATABASE_URL", "postgres://"},
		{"ROLES=cook", "ROLES", "web, collect and jobs"},
		{"ROLES=collect", "ROLES", "belongs to one process"},
		{"DRAIN_DELAY=soon", "DRAIN_DELAY", "5s"},
		{"DRAIN_DELAY=-1s", "DRAIN_DELAY", "5s"},
		{"DRAIN_TIMEOUT=0s", "DRAIN_TIMEOUT", "1m"},
		{"BACKUP_URL=/mnt/shared", "BACKUP_URL", "file:///PATH"},
		{"BACKUP_URL=s3://id:hunter2@bucket?region=r", "BACKUP_URL", "AWS_SECRET_ACCESS_KEY"},
		{"BACKUP_URL=s3://bucket?region=eu-central-1", "BACKUP_URL", "AWS_ACCESS_KEY_ID"},
		{"EVENTS_URL=kafka://h", "EVENTS_URL", "clickhouse://"},
		{"REDIS_URL=http://u:hunter2@h", "REDIS_URL", "redis://"},
		{"REDIS_URL=redis://h?master_set=m", "REDIS_URL", "one server"},
	} {
		_, err := ReadConfig([]string{tt.env})
		if err == nil || !strings.Contains(err.Error(), tt.names) || !strings.Contains(err.Error(), tt.wants) {
			t.Errorf("%s: got %v, want an error that names %s and says %q", tt.env, err, tt.names, tt.wants)
			continue
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows a password: %v", tt.env, err)
		}
	}
	_, err := ReadConfig([]string{"ENV=x", "LISTEN_ADDR=x"})
	if err == nil || !strings.Contains(err.Error(), "ENV") || !strings.Contains(err.Error(), "LISTEN_ADDR") {
		t.Errorf("got %v, want both variables named", err)
	}
}

func TestHelpEnvListsEveryVariable(t *testing.T) {
	var b strings.Builder
	if err := HelpEnv(&b); err != nil {
		t.Fatal(err)
	}
	for f := range reflect.TypeFor[Config]().Fields() {
		if !f.IsExported() {
			continue
		}
		for _, tag := range []string{"env", "help", "example"} {
			v := f.Tag.Get(tag)
			if v == "" || !strings.Contains(b.String(), v) {
				t.Errorf("%s: its %s is missing from the help", f.Name, tag)
			}
		}
	}
}
