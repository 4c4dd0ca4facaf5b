package pagetest

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"
)

// A page's own colours stay what they are; the others stay close.
func TestCompact(t *testing.T) {
	src := image.NewRGBA(image.Rect(0, 0, 600, 400))
	at := func(x, y int) color.RGBA {
		switch {
		case y < 300:
			return color.RGBA{250, 249, 247, 255}
		case y < 340:
			return color.RGBA{249, 248, 247, 255} // close, but the page's own
		}
		return color.RGBA{uint8(x), uint8(y), uint8(x / 3), 255}
	}
	for y := range 400 {
		for x := range 600 {
			src.SetRGBA(x, y, at(x, y))
		}
	}
	var in bytes.Buffer
	if err := png.Encode(&in, src); err != nil {
		t.Fatal(err)
	}
	out, err := Compact(in.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	got, err := png.Decode(bytes.NewReader(out))
	if err != nil {
		t.Fatal(err)
	}
	if got.Bounds() != src.Bounds() {
		t.Fatalf("the picture is %v, want %v", got.Bounds(), src.Bounds())
	}
	for y := range 400 {
		for x := range 600 {
			d := apart(rgba(got.At(x, y)), at(x, y))
			if y < 340 && d != 0 {
				t.Fatalf("at %d,%d one of the page's own colours changed to %v", x, y, got.At(x, y))
			}
			if d > 90 {
				t.Fatalf("at %d,%d the colour is %d off", x, y, d)
			}
		}
	}
	if again, err := Compact(in.Bytes()); err != nil || !bytes.Equal(again, out) {
		t.Errorf("the same picture gives other bytes (%v)", err)
	}
	if _, err := Compact([]byte("no picture")); err == nil {
		t.Error("what is no picture was taken")
	}
}
