package pagetest

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"moonbear/tracker/browsertest"
)

// Report is what Lighthouse says of a page.
type Report struct {
	Scores map[string]int      // 0 to 100 by category: "performance", "accessibility", "best-practices", "seo"
	Missed map[string][]string // by category, the audits that cost something, and what they say
}

// Lighthouse has a page judged on a phone over a slow network, as it judges by
// default. cookie signs in; skip names audits that are not tried.
func Lighthouse(t testing.TB, url, cookie string, skip ...string) Report {
	t.Helper()
	dir := t.TempDir()
	headers, err := json.Marshal(map[string]string{"Cookie": cookie})
	if err != nil {
		t.Fatal(err)
	}
	headerFile := filepath.Join(dir, "headers.json")
	if err := os.WriteFile(headerFile, headers, 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{filepath.Join(modules(t), "lighthouse", "cli", "index.js"), url,
		"--output=json", "--quiet", "--no-enable-error-reporting", "--extra-headers=" + headerFile,
		"--chrome-flags=--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update --disable-sync --disable-dev-shm-usage"}
	if len(skip) > 0 {
		args = append(args, "--skip-audits="+strings.Join(skip, ","))
	}
	// On a busy machine Chromium's trace is now and then without its beginning
	// (NO_NAVSTART): then there is no score, and nothing but to ask again.
	for try := 1; ; try++ {
		report, err := runLighthouse(args, "CHROME_PATH="+browsertest.ChromiumPath(t), "TMPDIR="+dir)
		if err == nil {
			return report
		}
		if try == 3 {
			t.Fatalf("lighthouse %s: %v", url, err)
		}
		t.Logf("lighthouse %s, try %d: %v", url, try, err)
	}
}

func runLighthouse(args []string, env ...string) (Report, error) {
	cmd := exec.Command("node", args...)
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		var said []byte
		if e, ok := err.(*exec.ExitError); ok {
			said = e.Stderr
		}
		return Report{}, fmt.Errorf("%w\n%s", err, said)
	}
	return readReport(out)
}

// readReport reads the parts of Lighthouse's result that count.
func readReport(out []byte) (Report, error) {
	var result struct {
		RuntimeError *struct{ Code, Message string }
		Categories   map[string]struct {
			Score     *float64
			AuditRefs []struct {
				ID     string
				Weight float64
			}
		}
		Audits map[string]struct {
			Score                             *float64
			Title, DisplayValue, ErrorMessage string
		}
	}
	if err := json.Unmarshal(out, &result); err != nil {
		return Report{}, fmt.Errorf("read the result: %w", err)
	}
	if e := result.RuntimeError; e != nil && e.Code != "NO_ERROR" {
		return Report{}, fmt.Errorf("%s: %s", e.Code, e.Message)
	}
	report := Report{Scores: map[string]int{}, Missed: map[string][]string{}}
	for name, c := range result.Categories {
		if c.Score == nil {
			return Report{}, fmt.Errorf("the category %s has no score", name)
		}
		report.Scores[name] = int(math.Round(*c.Score * 100))
		for _, ref := range c.AuditRefs {
			if a := result.Audits[ref.ID]; ref.Weight > 0 && a.Score != nil && *a.Score < 0.9 {
				report.Missed[name] = append(report.Missed[name], fmt.Sprintf("%s: %s %s %s", ref.ID, a.Title, a.DisplayValue, a.ErrorMessage))
			}
		}
	}
	return report, nil
}
