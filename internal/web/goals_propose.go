package web

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"moonbear/internal/event"
	"moonbear/internal/site"
	"moonbear/internal/web/html"
)

// seen is an event's name or a page's path, and how often there was one.
type seen struct {
	name  string
	count float64
}

// proposal is a goal that somebody with such events probably wants.
type proposal struct {
	goal  site.Goal
	count float64
	rank  int // the lower, the likelier
}

// maxProposals is how many are worth reading.
const maxProposals = 3

// wanted are words in the names of events that are what a site is for, the
// dearest first.
var wanted = [][]string{
	{"purchase", "order", "payment", "paid", "checkout complete", "buy", "donat", "subscri"},
	{"signup", "sign up", "register", "registration", "trial", "account created", "join"},
	{"lead", "contact", "demo", "booking", "book", "reserv", "quote", "inquiry", "enquiry", "appointment", "apply", "application"},
	{"newsletter", "install", "add to cart", "cart", "form", "submit", "share", "invite"},
}

// arrivals are words in the paths of pages that are seen when something is
// done. A path has them as whole words: /no-thanks-to is no arrival, but
// /order/complete is.
var arrivals = []string{"thanks", "thank-you", "thankyou", "thank_you", "success", "complete", "completed", "confirmation", "confirmed",
	"order-complete", "order-confirmation", "order-received", "payment-success", "signup-complete", "welcome",
	"감사", "감사합니다", "완료", "주문완료", "주문-완료", "결제완료", "결제-완료", "가입완료", "가입-완료", "신청완료", "신청-완료", "예약완료", "예약-완료"}

// orders are folders of one page an order.
var orders = []string{"order", "orders", "receipt", "receipts", "invoice", "주문"}

// number is a part of a path that tells one order from another.
var orderNumber = regexp.MustCompile(`^(?:[0-9]+|[0-9A-Fa-f-]{8,}|[A-Za-z]{0,4}-?[0-9]{3,})$`)

// propose finds the goals that events and paths suggest, likeliest first. It
// knows nothing of the site but these.
func propose(t *html.Text, events, paths []seen) []proposal {
	var all []proposal
	for _, e := range events {
		if p, ok := eventProposal(t, e); ok {
			all = append(all, p)
		}
	}
	for _, p := range paths {
		rule, rank, ok := arrival(p.name)
		if !ok {
			continue
		}
		i := slices.IndexFunc(all, func(q proposal) bool { return q.goal.Rule.Path == rule })
		if i >= 0 {
			all[i].count += p.count
			continue
		}
		r := site.Rule{Path: rule}
		all = append(all, proposal{site.Goal{Name: defaultGoalName(t, r), Rule: r}, p.count, rank})
	}
	slices.SortStableFunc(all, func(a, b proposal) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), cmp.Compare(b.count, a.count), strings.Compare(a.goal.Name, b.goal.Name))
	})
	return all[:min(len(all), maxProposals)]
}

// eventProposal ranks an event by its name: those that mean business, then
// those of the site's own making, then files and links.
func eventProposal(t *html.Text, e seen) (proposal, bool) {
	p := proposal{site.Goal{Name: e.name, Rule: site.Rule{Event: e.name}}, e.count, 2*len(wanted) + 2}
	switch e.name {
	case event.Pageview, event.Engagement, event.NotFound, "":
		return p, false
	case event.Download:
		p.goal.Name, p.rank = t.Goal.Download, 2*len(wanted)+4
		return p, true
	case event.Outbound:
		p.goal.Name, p.rank = t.Goal.Outbound, 2*len(wanted)+5
		return p, true
	}
	plain := strings.NewReplacer("_", " ", "-", " ", ".", " ").Replace(strings.ToLower(e.name))
	for rank, words := range wanted {
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(" "+plain, " "+w) }) {
			p.rank = 2 * rank
			break
		}
	}
	return p, true
}

// arrival is the rule for a page that is seen when something is done, with a
// star where the number of an order would make every page another.
func arrival(path string) (rule string, rank int, ok bool) {
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	for i, part := range parts {
		if i > 1 && orderNumber.MatchString(part) {
			parts[i] = "*"
		}
	}
	last := strings.ToLower(parts[len(parts)-1])
	rule = strings.Join(parts, "/")
	if strings.HasSuffix(path, "/") && last != "" {
		rule += "/"
	}
	switch {
	case slices.Contains(arrivals, strings.TrimSuffix(last, ".html")):
		return rule, 1, true
	case last == "*" && slices.Contains(orders, strings.ToLower(parts[len(parts)-2])):
		return rule, 3, true
	case last == "checkout" || last == "결제":
		return rule, 2*len(wanted) + 1, true
	}
	return "", 0, false
}

// proposalViews are proposals as forms of one press.
func proposalViews(t *html.Text, st *site.Site, ps []proposal, back string) []html.GoalProposal {
	var out []html.GoalProposal
	for _, p := range ps {
		out = append(out, html.GoalProposal{
			Name: p.goal.Name, Rule: ruleWords(t, p.goal.Rule), Count: fmt.Sprintf(t.Goal.ProposedCount, t.RowValue(p.count)),
			Action: sitePath(st) + "/goals", Return: back, Fields: goalFormOf(p.goal).fields(),
		})
	}
	return out
}
