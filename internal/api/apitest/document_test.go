package apitest_test

import (
	"testing"

	"moonbear/internal/api/apitest"
)

func TestDocument(t *testing.T) { apitest.Document(t) }
