package handover

// Parse is what reads markers.
var Parse = parse
