package apidoc

import (
	"strings"

	"moonbear/internal/account"
	"moonbear/internal/transfer/export"
)

func exportEvents() Operation {
	var formats, types []string
	for _, f := range export.All() {
		formats = append(formats, string(f))
		types = append(types, strings.SplitN(f.ContentType(), ";", 2)[0])
	}
	return Operation{
		ID: "exportEvents", Method: "GET", Path: "/v1/events/export", Scope: account.ReadStats,
		Summary: "Export raw events",
		Description: "Every stored event of a period, by time, with every column, as a file. It comes as it is read, however large it is. The columns are described in [taking events along](/docs/export).\n\n" +
			"**An export that is broken off** ends without the end that HTTP asks for, so that a client reports an error: `curl` exits with 18. Keep the file only when it ended well.\n\n" +
			"CSV and NDJSON come gzipped to who accepts that (`curl --compressed`). Two exports of a site may run at a time; a third is `429`.",
		Parameters: []Field{
			must("site_id", text("The site's ID, as in its snippet and in `GET /v1/sites`.")).in("query"),
			may("from", text("The first day, `2026-03-02`. Left out: from the first event on.").formatted("date")).in("query"),
			may("to", text("The last day, inclusive. Left out: to the last event.").formatted("date")).in("query"),
			may("timezone", text("The IANA name of the zone whose days `from` and `to` are, such as `Europe/Berlin`. Times in the file are UTC whatever it is.").defaultsTo("UTC")).in("query"),
			may("format", oneOf("The file's format.", formats).defaultsTo(string(export.CSV))).in("query"),
		},
		Status: 200, Files: types,
		Faults: faults(Status{400, "A parameter isn't known, or is wrong."}, noSite()),
		Examples: []Example{
			{Title: "Two days of March as NDJSON", Path: "/v1/events/export?site_id=" + ExampleSite + "&from=2026-03-02&to=2026-03-03&timezone=Europe/Berlin&format=ndjson"},
		},
	}
}
