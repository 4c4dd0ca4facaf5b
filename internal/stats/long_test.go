package stats_test

import "os"

// long says that tests may take more than a few seconds, as in make test.
func long() bool { return os.Getenv("TEST_LONG") != "" }
