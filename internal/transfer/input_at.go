package transfer

import (
	"fmt"
	"io"
	"os"
)

// At is the file for a Source that has to go back and forth in it, and its
// size. A file that comes through a pipe, or is compressed, is first copied
// into dir, where nothing is left of it once it is closed.
func (in *Input) At(dir string) (r io.ReaderAt, size int64, err error) {
	if in.at != nil && in.size > 0 {
		in.raw.n = 0
		return counterAt{in.at, in.raw}, in.size, nil
	}
	f, err := os.CreateTemp(dir, "import-*.tmp")
	if err != nil {
		return nil, 0, fmt.Errorf("copy %s: %w", in.Name, err)
	}
	// Without a name it goes with its descriptor, also when we are killed.
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("copy %s: %w", in.Name, err)
	}
	if size, err = io.Copy(f, in.Reader); err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("copy %s: %w", in.Name, err)
	}
	return f, size, nil
}
