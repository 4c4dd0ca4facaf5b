package event

import "context"

type askerKey struct{}

// Asking marks a context's questions as those of one site, so that a store can
// be fair between sites. It changes when a question is answered, never what
// the answer is.
func Asking(ctx context.Context, site int64) context.Context {
	return context.WithValue(ctx, askerKey{}, site)
}

// Asker is the site of Asking; 0 is the server itself.
func Asker(ctx context.Context) int64 {
	site, _ := ctx.Value(askerKey{}).(int64)
	return site
}
