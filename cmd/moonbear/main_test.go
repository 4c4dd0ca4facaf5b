package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestCommandLine(t *testing.T) {
	for _, tt := range []struct{ args, out, err string }{
		{"help", "setup --email=STRING", ""},
		{"help", "help env", ""},
		{"help env", "LISTEN_ADDR", ""},
		{"version", "moonbear dev", ""},
		{"start", "", "moonbear help lists the commands"},
		{"help me", "", "moonbear help lists the commands"},
		{"setup --email a@example.com", "", "--domain"},
		{"help", "token --email=STRING", ""},
		{"token --email a@example.com --name x", "", "--scope"},
	} {
		var out, errs bytes.Buffer
		err := run(t.Context(), strings.Fields(tt.args), nil, &out, &errs)
		if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("moonbear %s: got error %v, want %q", tt.args, err, tt.err)
		}
		if !strings.Contains(out.String(), tt.out) {
			t.Errorf("moonbear %s: printed %q, want %q in it", tt.args, out.String(), tt.out)
		}
	}
}
