package apidoc

import (
	"moonbear/internal/account"
)

func sitesGroup() Group {
	return Group{
		Name: "Sites",
		Description: "The sites of the token's account. A token for some sites only sees these alone, may change and delete them, and can't create others.\n\n" +
			"To read takes the scope `read_stats`, to change anything `manage_sites`.",
		Operations: []Operation{listSites(), createSite(), retrieveSite(), updateSite(), deleteSite(), restoreSite()},
	}
}

func siteFields(answer bool) []property {
	field := may
	if answer {
		field = must
	}
	fields := []property{
		field("timezone", text("The IANA name of the site's time zone, `Europe/Berlin`. Its days are days there.").defaultsTo("UTC")),
		field("currency", text("ISO 4217, `EUR`. Revenue is summed in it.").defaultsTo("USD")),
		field("hostnames", list("The hostnames whose hits count, at most 100; an empty list counts every hostname. Left out when a site is created: its domain alone.", text("")).between(0, 100)),
		field("keep_fragment", yesNo("Whether `#section` is part of a page's path.").defaultsTo(false)),
	}
	if answer {
		for i := range fields {
			fields[i].schema.def = nil
		}
	}
	return fields
}

func siteRecord() schema {
	fields := append([]property{
		must("id", text("The site's ID, as in its snippet.")),
		must("domain", text("The site's domain, in Punycode: `shop.example`.")),
	}, siteFields(true)...)
	return record("Site", "A site.", append(fields, must("created_at", text("When it was created, UTC.").formatted("date-time")))...)
}

// siteID is the parameter in the path.
var siteID = must("id", text("The site's ID.")).in("path")

// pageParameters are the query's of lists.
var pageParameters = []Field{
	may("page", whole("Which page of the list, from 1.", 1, 1_000_000).defaultsTo(1)).in("query"),
	may("page_size", whole("How many a page has: 5 to 250.", 5, 250).defaultsTo(10)).in("query"),
}

func noSite() Status { return Status{404, "There is no such site, or the token is not for it."} }

func listSites() Operation {
	return Operation{
		ID: "listSites", Method: "GET", Path: "/v1/sites", Scope: account.ReadStats,
		Summary: "List sites", Description: "The sites the token is for, by domain, page by page.",
		Parameters: append([]Field{may("search", text("Part of a domain: only sites that have it, in upper or lower case.")).in("query")}, pageParameters...),
		Status:     200, answer: record("SiteList", "", envelope(list("The sites of this page.", siteRecord()))...),
		Faults: faults(Status{400, "A parameter isn't known, or is wrong."}),
		Examples: []Example{
			{name: "sites-list", Title: "Sites with \"shop\" in their domain", Path: "/v1/sites?search=shop&page_size=5"},
		},
	}
}

func createSite() Operation {
	return Operation{
		ID: "createSite", Method: "POST", Path: "/v1/sites", Scope: account.ManageSites,
		Summary: "Create a site",
		Description: "Adds a site to the token's account. It counts hits from now on: put its `id` into the snippet.\n\n" +
			"A token for some sites only is answered with `403`: it could not see the site it created.",
		body: record("NewSite", "", append([]property{
			must("domain", text("The domain, `shop.example`. An address is taken apart; names beyond ASCII become Punycode. Each domain can be measured by one site.")),
		}, siteFields(false)...)...),
		Status: 201, answer: siteRecord(),
		Faults: faults(
			Status{403, "The token lacks the scope this takes, or is for some sites only: it would not see a new one."},
			Status{400, "A field isn't known, missing or wrong."},
			Status{409, "The domain is measured already, or the list of hostnames is too long."},
			Status{413, "The body has more than 256 KiB."}),
		Examples: []Example{
			{name: "sites-create", Title: "A site in Berlin", Path: "/v1/sites",
				Body: `{"domain": "blog.example", "timezone": "Europe/Berlin", "currency": "EUR", "hostnames": ["blog.example", "www.blog.example"]}`},
		},
	}
}

func retrieveSite() Operation {
	return Operation{
		ID: "retrieveSite", Method: "GET", Path: "/v1/sites/{id}", Scope: account.ReadStats,
		Summary: "Retrieve a site", Description: "One site and its settings.",
		Parameters: []Field{siteID}, Status: 200, answer: siteRecord(), Faults: faults(noSite()),
		Examples: []Example{{name: "sites-retrieve", Title: "A site", Path: "/v1/sites/" + ExampleSite}},
	}
}

func updateSite() Operation {
	return Operation{
		ID: "updateSite", Method: "PATCH", Path: "/v1/sites/{id}", Scope: account.ManageSites,
		Summary: "Change a site",
		Description: "Changes the fields that are sent and leaves the others as they are; an empty body changes nothing.\n\n" +
			"**A new time zone** is used for every question from then on, about the past too: days begin elsewhere, and so do the numbers of each day. " +
			"What is stored doesn't change. Visitors are told apart by days of the zone that was set when they came, so around the change one person may count as two visitors, and a visit that is open then may end.\n\n" +
			"**A new domain** must be free. It joins the hostnames, unless every hostname counts; the old domain stays among them until it is taken off.\n\n" +
			"**A new currency** sums the events that came in that currency; those of the old one are told apart from then on.",
		Parameters: []Field{siteID},
		body: record("SiteChange", "", append([]property{
			may("domain", text("The new domain; it must be free.")),
		}, withoutDefaults(siteFields(false))...)...),
		Status: 200, answer: siteRecord(),
		Faults: faults(
			Status{400, "A field isn't known or is wrong."}, noSite(),
			Status{409, "The domain is measured already, or the list of hostnames is too long."},
			Status{413, "The body has more than 256 KiB."}),
		Examples: []Example{
			{name: "sites-update", Title: "Another time zone, and one more hostname", Path: "/v1/sites/" + ExampleSite,
				Body: `{"timezone": "Europe/Vienna", "hostnames": ["shop.example", "www.shop.example"]}`},
		},
	}
}

func withoutDefaults(fields []property) []property {
	for i := range fields {
		fields[i].schema.def = nil
	}
	return fields
}

func deleteSite() Operation {
	return Operation{
		ID: "deleteSite", Method: "DELETE", Path: "/v1/sites/{id}", Scope: account.ManageSites,
		Summary: "Delete a site",
		Description: "Ends a site at once: hits to it are answered with `404`, nobody sees it any more, and its domain is free. " +
			"72 hours later its events, goals and segments are destroyed. Until then it can be restored.",
		Parameters: []Field{siteID}, Status: 200,
		answer: record("DeletedSite", "",
			must("id", text("The site's ID; restoring takes it.")),
			must("destroyed_at", text("Until when it can be restored, UTC. It is destroyed within the hour after that.").formatted("date-time"))),
		Faults:   faults(noSite()),
		Examples: []Example{{name: "sites-delete", Title: "Delete a site", Path: "/v1/sites/" + ExampleSite}},
	}
}

func restoreSite() Operation {
	return Operation{
		ID: "restoreSite", Method: "POST", Path: "/v1/sites/{id}/restore", Scope: account.ManageSites,
		Summary: "Restore a deleted site",
		Description: "Undoes a deletion, with everything the site had. Hits sent while it was deleted were refused and are not there.\n\n" +
			"Another site may have taken its domain meanwhile: then the answer is `409`, until that site has another domain.",
		Parameters: []Field{siteID}, Status: 200, answer: siteRecord(),
		Faults:   faults(Status{404, "There is no deleted site with this ID, or the token is not for it."}, Status{409, "Its domain is measured by another site now."}),
		Examples: []Example{{name: "sites-restore", Title: "Restore a site", Path: "/v1/sites/" + ExampleSite + "/restore"}},
	}
}
