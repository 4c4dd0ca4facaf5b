package transfer

// Step has a test called at every step of an import, to kill it there. Batches
// are small, so that there are many.
func Step(f func(string)) func(*Options) {
	return func(o *Options) { o.step, o.batch = f, 400 }
}
