package apidoc

import "moonbear/internal/stats"

// imported is what an answer says of imports that have only counts.
func imported() property {
	names := func(doc string) schema { return list(doc, text("")) }
	return may("imported", record("Imported",
		"There when the span, or the one compared with, has days of an import whose source has counts and no events. It names the metrics asked for by how much of such imports is in them. A rate is of the imports that tell both its parts; whatever an import doesn't tell is not in the number.",
		must("included", names("All imports are in these.")),
		must("partly", names("Some imports are, or some of their days.")),
		must("left_out", names("No import is: the numbers are of events alone.")),
		may("why", oneOf("There when imports can't be in any answer to this question: counts know no conditions (`filter`), no two dimensions, properties or goals (`dimensions`), no hours (`time_bucket`) and no days of another zone than the site's (`timezone`).",
			[]string{string(stats.WhyFilter), string(stats.WhyDimensions), string(stats.WhyInterval), string(stats.WhyZone)}))))
}
