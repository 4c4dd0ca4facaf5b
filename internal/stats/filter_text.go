package stats

// JSON writes f as ParseFilter and the API read it.
func (f Filter) JSON() []byte { return f.json() }
