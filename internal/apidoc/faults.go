package apidoc

import "slices"

// problem is every answer that isn't a success.
var problem = record("Problem", "What went wrong.",
	must("message", text("A sentence that says what is wrong and what would be right.")),
	may("field", text("The field at fault, `events[3].timestamp`; absent when it is none.")),
	may("reference", text("Of a failure of the server's own: a number that finds the line in its log.")),
)

// faults adds what every operation with a token can answer.
func faults(own ...Status) []Status {
	all := append(own,
		Status{401, "The token is missing, mistyped or revoked."},
		Status{403, "The token lacks the scope this takes."},
		Status{429, "The token has used up its requests of this minute. `Retry-After` says after how many seconds to go on."},
		Status{500, "The server failed; `reference` finds the line in its log. Trying again may help."},
		Status{503, "The server can't answer right now; `Retry-After` says when to try again."},
	)
	slices.SortStableFunc(all, func(a, b Status) int { return a.Code - b.Code })
	return slices.CompactFunc(all, func(a, b Status) bool { return a.Code == b.Code })
}
