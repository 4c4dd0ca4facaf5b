// Package pagetest judges pages as an owner's browser shows them: axe says what
// a person with a disability would meet, Lighthouse how fast and how well made
// a page is, and an album keeps pictures of them.
//
//	a test's tab ── Axe        ──▶ the violations of axe's rules
//	a page's URL ── Lighthouse ──▶ a score for each category, and what it misses
//	a picture    ── Compact    ──▶ the same, in a palette, small enough to commit
//
// Both tools are npm packages, pinned by npm/package-lock.json and installed
// when a test first needs them; nothing of them is served.
package pagetest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"moonbear/tracker/browsertest"
)

//go:embed npm/package.json
var packageJSON []byte

//go:embed npm/package-lock.json
var packageLock []byte

func modules(t testing.TB) string {
	t.Helper()
	return browsertest.Install(t, packageJSON, packageLock)
}

// exceptions are axe's rules that are not run, each with the reason. What is
// not here runs: best practices, AAA and experimental rules too.
var exceptions = map[string]string{
	"color-contrast-enhanced": "7:1 is WCAG AAA; the pages are made for AA (4.5:1), and quiet words are meant to be quieter",
}

// Violation is one of axe's rules that a page breaks.
type Violation struct {
	Rule, Impact, Help string
	Nodes              []string // the elements, with what is wrong with each
}

func (v Violation) String() string {
	return fmt.Sprintf("%s (%s): %s\n\t%s", v.Rule, v.Impact, v.Help, strings.Join(v.Nodes, "\n\t"))
}

// Checker runs axe.
type Checker struct {
	source string
	rules  string // JSON: which rules are off and on
}

// NewChecker installs axe, if it isn't yet.
func NewChecker(t testing.TB) *Checker {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(modules(t), "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	off, err := json.Marshal(slices.Collect(func(yield func(string) bool) {
		for rule := range exceptions {
			if !yield(rule) {
				return
			}
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	return &Checker{source: string(source), rules: string(off)}
}

// Axe runs every rule of axe but the exceptions over the page that the tab
// shows, and gives what the page breaks and how many rules were tried.
func (c *Checker) Axe(tab *browsertest.Tab) (broken []Violation, tried int) {
	var result struct {
		Broken []Violation
		Tried  int
	}
	// The source goes in by the driver, which the page's policy doesn't stop.
	tab.Eval(`(async () => {
		if (!window.axe) { `+c.source+` }
		const off = `+c.rules+`;
		const rules = {};
		for (const r of axe.getRules()) rules[r.ruleId] = {enabled: !off.includes(r.ruleId) && !r.tags.includes("deprecated")};
		const got = await axe.run(document, {rules, resultTypes: ["violations"]});
		// A press beside an open menu closes it, so what the menu covers in part
		// is no small target.
		const covered = n => document.querySelector("details[data-menu][open], :popover-open") && n.failureSummary.includes("partially obscured");
		return {
			Tried: got.violations.length + got.passes.length + got.incomplete.length + got.inapplicable.length,
			Broken: got.violations.map(v => ({Rule: v.id, Impact: v.impact, Help: v.help,
				Nodes: v.nodes.filter(n => !covered(n)).map(n => n.target.join(" ") + ": " + n.failureSummary.replace(/\s+/g, " "))}))
				.filter(v => v.Nodes.length),
		};
	})()`, &result)
	return result.Broken, result.Tried
}
