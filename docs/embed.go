// Package docs holds the pages of documentation that the server shows under
// /docs, in every language: NAME.md is English, NAME.ko.md Korean. Links
// between them are written as file names, so that they work here too.
package docs

import "embed"

// Files are the pages' Markdown.
//
//go:embed moving.md moving.ko.md metrics.md metrics.ko.md tracker.md tracker.ko.md api.md api.ko.md export.md export.ko.md
var Files embed.FS
