package html

// PlaceText is the words of the map and the places.
type PlaceText struct{}

var placeEnglish = PlaceText{}

var placeKorean = PlaceText{}
