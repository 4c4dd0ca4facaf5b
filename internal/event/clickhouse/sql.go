package clickhouse

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

var escaper = strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`)

func quote(s string) string { return "'" + escaper.Replace(s) + "'" }

func identifier(s string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`").Replace(s) + "`"
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

// moment is a time in SQL.
func moment(t time.Time) string {
	return fmt.Sprintf("fromUnixTimestamp64Milli(%d, 'UTC')", t.UnixMilli())
}
