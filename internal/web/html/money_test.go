package html

import "testing"

func TestMoney(t *testing.T) {
	for _, c := range []struct {
		amount        float64
		currency      string
		exact, en, ko string // en and ko are short
	}{
		{12.5, "USD", "$12.50", "$12.50", "$12.50"},
		{1200, "KRW", "₩1,200", "₩1,200", "₩1,200"},
		{1200.5, "JPY", "¥1,201", "¥1,201", "¥1,201"},
		{1234567.891, "EUR", "€1,234,567.89", "€1.2M", "€123만"},
		{1241800, "KRW", "₩1,241,800", "₩1.2M", "₩124만"},
		{8, "CHF", "CHF\u00a08.00", "CHF\u00a08.00", "CHF\u00a08.00"},
		{1.2345, "KWD", "KWD\u00a01.235", "KWD\u00a01.235", "KWD\u00a01.235"},
		{-12.5, "USD", "−$12.50", "−$12.50", "−$12.50"},
		{-0.001, "USD", "$0.00", "$0.00", "$0.00"},
		{0, "GBP", "£0.00", "£0.00", "£0.00"},
		{3, "nothing", "nothing\u00a03.00", "nothing\u00a03.00", "nothing\u00a03.00"},
		{nan, "USD", Dash, Dash, Dash},
	} {
		for _, l := range Languages() {
			if got := l.Money(c.amount, c.currency); got != c.exact {
				t.Errorf("%s: %v %s: got %q, want %q", l.Lang, c.amount, c.currency, got, c.exact)
			}
			want := c.en
			if l.Lang == "ko" {
				want = c.ko
			}
			if got := l.MoneyShort(c.amount, c.currency); got != want {
				t.Errorf("%s: short %v %s: got %q, want %q", l.Lang, c.amount, c.currency, got, want)
			}
		}
	}
}
