package bot

// finder finds every literal of every rule in one pass over a text (Aho and
// Corasick, 1975), case folded. The states' moves are a full table over the
// byte classes that occur, so a byte costs one load.
type finder struct {
	class   [256]uint8 // byte → class; 0 for bytes in no literal
	classes int
	next    []uint16 // state*classes + class → state
	hits    [][]hit  // state → the literals that end there
}

type hit struct {
	rule   uint16
	length uint16 // of the literal
}

func newFinder(rules []rule) *finder {
	f := &finder{classes: 1}
	for i := range rules {
		for _, lit := range rules[i].literals {
			f.classify(lit)
		}
	}
	f.grow()
	for i := range rules {
		for _, lit := range rules[i].literals {
			f.insert(lit, hit{uint16(i), uint16(len(lit))})
		}
	}
	f.link()
	return f
}

func (f *finder) classify(lit string) {
	for i := range len(lit) {
		b := lit[i]
		if f.class[b] != 0 {
			continue
		}
		f.class[b] = uint8(f.classes)
		if b >= 'a' && b <= 'z' {
			f.class[b-'a'+'A'] = uint8(f.classes)
		}
		f.classes++
	}
}

// grow adds a state and tells its number.
func (f *finder) grow() uint16 {
	n := len(f.hits)
	if n > 1<<16-1 {
		panic("bot: more than 65,536 states; the table needs wider numbers")
	}
	f.next = append(f.next, make([]uint16, f.classes)...)
	f.hits = append(f.hits, nil)
	return uint16(n)
}

func (f *finder) insert(lit string, h hit) {
	state := uint16(0)
	for i := range len(lit) {
		at := int(state)*f.classes + int(f.class[lit[i]])
		if f.next[at] == 0 {
			n := f.grow()
			f.next[at] = n
		}
		state = f.next[at]
	}
	f.hits[state] = append(f.hits[state], h)
}

// link turns the trie into the automaton: a missing move goes where the
// longest proper suffix that is also a prefix of some literal would go.
func (f *finder) link() {
	fail := make([]uint16, len(f.hits))
	queue := make([]uint16, 0, len(f.hits))
	for c := range f.classes {
		if s := f.next[c]; s != 0 {
			queue = append(queue, s)
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		for c := range f.classes {
			at := int(s)*f.classes + c
			other := f.next[int(fail[s])*f.classes+c]
			if t := f.next[at]; t != 0 {
				fail[t] = other
				f.hits[t] = append(f.hits[t], f.hits[other]...)
				queue = append(queue, t)
			} else {
				f.next[at] = other
			}
		}
	}
}
