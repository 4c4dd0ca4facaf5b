package browsertest_test

import (
	"os/exec"
	"path/filepath"
	"testing"

	"moonbear/tracker/browsertest"
)

// esbuild drops types without a look at them; the compiler has the look.
func TestTypes(t *testing.T) {
	tsc := filepath.Join(browsertest.Packages(t), "typescript", "bin", "tsc")
	out, err := exec.Command("node", tsc, "-p", "..").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
