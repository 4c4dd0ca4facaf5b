package html

import (
	"math"
	"strconv"
	"strings"

	"golang.org/x/text/currency"
)

// symbols are the signs that say by themselves which currency is meant; every
// other one is written by its code.
var symbols = map[string]string{
	"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "KRW": "₩", "INR": "₹", "VND": "₫", "ILS": "₪", "NGN": "₦", "PHP": "₱", "UAH": "₴",
	"CNY": "CN¥", "AUD": "A$", "CAD": "CA$", "HKD": "HK$", "NZD": "NZ$", "SGD": "S$", "TWD": "NT$", "MXN": "MX$", "BRL": "R$",
}

// Money writes an amount with as many decimals as its currency has: "$12.50",
// "₩1,200", "CHF 8.00". Halves round away from zero; what is not a number is
// a dash.
func (t *Text) Money(amount float64, currency string) string {
	return t.money(amount, currency, func(v float64) string {
		decimals := currencyDecimals(currency)
		s := strconv.FormatFloat(math.Round(v*math.Pow10(decimals))/math.Pow10(decimals), 'f', decimals, 64)
		whole, fraction, ok := strings.Cut(s, ".")
		if n, err := strconv.ParseFloat(whole, 64); err == nil {
			whole = t.Exact(n)
		}
		if ok {
			return whole + "." + fraction
		}
		return whole
	})
}

// MoneyShort writes an amount where room is scarce: exact below 1,000, then
// without decimals, then "$12.4k" and "₩124만".
func (t *Text) MoneyShort(amount float64, currency string) string {
	if math.Abs(amount) < 1e3 {
		return t.Money(amount, currency)
	}
	return t.money(amount, currency, t.Short)
}

func (t *Text) money(amount float64, currency string, digits func(float64) string) string {
	if math.IsNaN(amount) || math.IsInf(amount, 0) {
		return Dash
	}
	sign, ok := symbols[currency]
	if !ok {
		sign = currency + "\u00a0" // a code and its number stay on one line
	}
	s := digits(math.Abs(amount))
	if amount < 0 && strings.Trim(s, "0.,") != "" {
		return "−" + sign + s
	}
	return sign + s
}

// currencyDecimals is how many decimals a currency has; two for one that
// nobody knows.
func currencyDecimals(code string) int {
	u, err := currency.ParseISO(code)
	if err != nil {
		return 2
	}
	decimals, _ := currency.Standard.Rounding(u)
	return decimals
}
