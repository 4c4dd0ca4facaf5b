package html

// PlaceText is the words of the map and the places.
type PlaceText struct {
	MapLabel, MapPlace, MapLegend, MapMost, MapAll, MapUnknown, MapNowhere string
	RegionOf, NoFiner, NoFinerHow                                          string
}

var placeEnglish = PlaceText{
	MapLabel:   "Map of visitors by country. Most: %s",
	MapPlace:   "%s: %s (%s)",
	MapLegend:  "Visitors by colour",
	MapMost:    "%s or more",
	MapAll:     "All %s countries",
	MapUnknown: "Country not known: %s (%s)",
	MapNowhere: "It isn't known which countries these visitors came from",
	RegionOf:   "%[1]s, %[2]s",
	NoFiner:    "No more than the country is known of these visitors",
	NoFinerHow: "The place data that comes with Moonbear knows countries only. A city file adds regions and cities: whoever runs the server names it in the setting",
}

var placeKorean = PlaceText{
	MapLabel:   "나라별 방문자 지도. 가장 많은 곳: %s",
	MapPlace:   "%s: %s명 (%s)",
	MapLegend:  "색이 뜻하는 방문자 수",
	MapMost:    "%s 이상",
	MapAll:     "%s개국 모두 보기",
	MapUnknown: "나라를 알 수 없음: %s명 (%s)",
	MapNowhere: "어느 나라에서 온 방문자인지 알 수 없습니다",
	RegionOf:   "%[2]s %[1]s",
	NoFiner:    "이 방문자들은 나라까지만 알 수 있습니다",
	NoFinerHow: "함께 제공되는 위치 데이터에는 나라만 들어 있습니다. 도시 데이터 파일이 있으면 지역과 도시까지 볼 수 있습니다. 서버 관리자가 지정할 설정:",
}
