package apidoc

import (
	"moonbear/internal/account"
)

func eventsGroup() Group {
	return Group{
		Name: "Events",
		Description: "Events that a server saw: signups, payments, pages of an app. Browsers don't need this: the script sends theirs.\n\n" +
			"An event's visitor is whoever `visitor_id` names, or `override_ip` with `override_user_agent`; without either the event counts, " +
			"but belongs to no visitor and no visit. None of the three is stored: together with the site they are hashed under a salt that is destroyed within 48 hours.",
		Operations: []Operation{sendEvents(), exportEvents()},
	}
}

func sendEvents() Operation {
	one := record("Event", "One event.", eventFields()...)
	many := list("1 to 1,000 events, each naming its site.", one).between(1, 1000)
	batch := record("EventBatch", "1 to 1,000 events of one site.",
		must("site_id", text("The site of the events that name none of their own.")),
		must("events", list("1 to 1,000 events.", one).between(1, 1000)))
	// Of the three spellings of a site's ID one must be there, unless the batch has it.
	return Operation{
		ID: "sendEvents", Method: "POST", Path: "/v1/events", Scope: account.WriteEvents,
		Summary: "Send events",
		Description: "Takes one event, a list of events, or `{\"site_id\": …, \"events\": […]}`: 1,000 events and 4 MiB at most, 16 KiB each.\n\n" +
			"**All or nothing**: when one event is wrong, none is taken, and the message says which one and why. `202` means that all of them are on disk. " +
			"Events that are judged to be bots', of a hostname that isn't on the site's list and the like are taken too, and counted as refused.\n\n" +
			"**Sent twice, stored once**: with an `Idempotency-Key` the same body is stored once in 24 hours, however often it is sent; another body with the same key is `422`.\n\n" +
			"A token may send 100,000 events a minute; the `X-RateLimit` headers count events here.",
		Parameters: []Field{may("Idempotency-Key", text("Up to 255 bytes of your choice, one for each batch, such as its ID. Send it again with the same body when you don't know whether the first try arrived.").between(0, 255)).in("header")},
		body:       schema{anyOf: []schema{one, many, batch}, doc: "One event, a list of them, or a batch."},
		Status:     202,
		answer:     record("Received", "", must("received", whole("How many events were taken.", 1, 1000))),
		Faults: faults(
			Status{400, "The body is no JSON, is too large, or a field of an event is wrong. `field` says which: `events[3].timestamp`."},
			Status{402, "The site's plan has no events left this month."},
			Status{403, "The token lacks the scope this takes, or is not for the site of an event."},
			Status{404, "There is no such site."},
			Status{422, "Another body was sent with this `Idempotency-Key` in the last 24 hours."},
		),
		Examples: []Example{
			{name: "events-one", Title: "One event", Path: "/v1/events",
				Body: `{"site_id": "` + ExampleSite + `", "event": "signup", "url": "https://shop.example/signup", "visitor_id": "customer-81", "props": {"plan": "pro"}}`},
			{name: "events-batch", Title: "A batch that may be sent again", Path: "/v1/events", Header: "Idempotency-Key: orders-2026-03-09-17",
				Body: `{"site_id": "` + ExampleSite + `", "events": [{"event": "order", "url": "https://shop.example/checkout", "override_ip": "203.0.113.7", "override_user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:150.0) Gecko/20100101 Firefox/150.0", "value": 49.9, "currency": "EUR"}, {"event": "refund", "url": "https://shop.example/orders", "interactive": false, "value": -12}]}`},
		},
	}
}

func eventFields() []property {
	number := func(doc string) schema {
		return schema{types: []string{"number", "string", "null"}, says: "number", doc: doc}
	}
	word := func(doc string) schema { return text(doc).orNull().said("text") }
	fields := []property{
		may("site_id", text("The site's ID, as in its snippet. It must be here or beside `events`.")),
		must("url", text("The page's full address, `https://shop.example/pricing`. Its query is read for the campaign and then forgotten. For what happened on no page, name the one it belongs to.")),
		may("event", word("What happened: a letter, then up to 63 ASCII letters, digits, spaces, dots, hyphens and underscores.").defaultsTo("pageview")),
		may("timestamp", schema{types: []string{"string", "number", "null"}, says: "text or number", doc: "When it happened: RFC 3339, `2026-03-09T10:00:00Z`, or Unix time in seconds or milliseconds; at most 24 hours ago. Left out: now."}),
		may("visitor_id", schema{types: []string{"string", "number", "null"}, says: "text or number", doc: "Your own word for whose event it is, at most 255 bytes: a customer number. It is hashed, never stored."}),
		may("override_ip", word("The visitor's IP address, for the visitor and the place. Without a `visitor_id` it goes with `override_user_agent`. Never stored.")),
		may("override_user_agent", word("The visitor's `User-Agent`, for the visitor and the device. Without a `visitor_id` it goes with `override_ip`. Never stored.")),
		may("override_country_code", word("The visitor's country as two letters, `DE`, instead of the IP address's.")),
		may("referrer", word("The address the visitor came from.")),
		may("props", properties()),
		may("value", number("Money this event made, in units of `currency`: `49.9`; negative for money given back.")),
		may("currency", word("ISO 4217, `EUR`. Left out: the site's own.")),
		may("interactive", yesNo("Whether the event counts against a bounce. Pageviews never do.").orNull().defaultsTo(true).said("true or false")),
		may("include_url_fragment", yesNo("Whether what follows `#` in `url` is part of the path.").orNull().said("true or false")),
		may("user_language", word("`de-AT`.")),
		may("timezone", word("The visitor's, `Europe/Vienna`.")),
		may("screen_width", number("Pixels; stored rounded down to 100.")),
		may("connection_speed", word("`slow-2g`, `2g`, `3g` or `4g`.")),
	}
	for _, f := range []struct{ name, doc string }{
		{"utm_source", "The campaign's source; each of these five may be in `url` instead."}, {"utm_medium", "Its medium."},
		{"utm_campaign", "Its name."}, {"utm_content", "Its content."}, {"utm_term", "Its term."},
		{"ref", "The source's name, as `ref` in a link."}, {"source", "The same, as `source`."},
	} {
		fields = append(fields, may(f.name, word(f.doc)))
	}
	for _, f := range []struct{ name, doc string }{
		{"dns", "Milliseconds to look up the host."}, {"connect", "… to connect."}, {"ssl", "… of the TLS handshake."},
		{"ttfb", "… from the request to the first byte."}, {"download", "… to download the page."},
		{"dom_content_loaded", "… until it was read."}, {"render", "… until it was rendered."}, {"page_load", "… until it was loaded."},
		{"transfer_size", "Bytes of the page as sent."},
		{"lcp", "Largest contentful paint, milliseconds."}, {"inp", "Interaction to next paint, milliseconds."},
		{"cls", "Cumulative layout shift, `0.08`."}, {"fcp", "First contentful paint, milliseconds."},
		{"vital_ttfb", "Time to first byte from the start of navigation, milliseconds."},
		{"engagement_time", "Of the event `engagement` only: milliseconds a page was visible."},
		{"scroll_depth", "Of the event `engagement` only: the deepest point reached, percent."},
	} {
		fields = append(fields, may(f.name, number(f.doc)))
	}
	return append(fields,
		may("pid", text("Another name of `site_id`, as older clients have it.")),
		may("site", text("Another name of `site_id`.")),
		may("name", text("Another name of `event`.")))
}

// properties are an event's own keys and values.
func properties() schema {
	value := schema{types: []string{"string", "number", "boolean", "null"}}
	s := schema{types: []string{"object", "null"}, says: "object", doc: "Up to 30 properties of your own: keys of up to 300 characters, values that are text of up to 2,000 characters, numbers or true and false.", others: &value}
	return s
}
