package source

import "strings"

// click is what an advertiser's parameter in the page's URL tells.
type click struct {
	entry entry
	paid  bool
}

// clickIDs are the parameters advertisers add to the URLs they send people to.
// Facebook and Instagram add theirs to every link, so that theirs tell the
// source but not that it was paid.
var clickIDs = map[string]click{
	"gclid":            {entry{"Google", classSearch}, true},
	"gbraid":           {entry{"Google", classSearch}, true},
	"wbraid":           {entry{"Google", classSearch}, true},
	"gclsrc":           {entry{"Google", classSearch}, true},
	"gad_source":       {entry{"Google", classSearch}, true},
	"dclid":            {entry{"Google Ads", classPaid}, true},
	"msclkid":          {entry{"Bing", classSearch}, true},
	"yclid":            {entry{"Yandex", classSearch}, true},
	"n_media":          {entry{"Naver", classSearch}, true}, // Naver Ads' automatic tracking
	"n_ad":             {entry{"Naver", classSearch}, true},
	"napm":             {entry{"Naver Shopping", classShopping}, false},
	"fbclid":           {entry{"Facebook", classSocial}, false},
	"igshid":           {entry{"Instagram", classSocial}, false},
	"igsh":             {entry{"Instagram", classSocial}, false},
	"ttclid":           {entry{"TikTok", classSocial}, true},
	"twclid":           {entry{"X", classSocial}, true},
	"li_fat_id":        {entry{"LinkedIn", classSocial}, true},
	"rdt_cid":          {entry{"Reddit", classSocial}, true},
	"sccid":            {entry{"Snapchat", classSocial}, true},
	"epik":             {entry{"Pinterest", classSocial}, false},
	"mc_cid":           {entry{"Mailchimp", classEmail}, false},
	"mc_eid":           {entry{"Mailchimp", classEmail}, false},
	"_kx":              {entry{"Klaviyo", classEmail}, false},
	"vero_id":          {entry{"Vero", classEmail}, false},
	"srsltid":          {entry{"Google", classSearch}, false}, // Google's unpaid product results
	"tblci":            {entry{"Taboola", classPaid}, true},
	"obclid":           {entry{"Outbrain", classPaid}, true},
	"dicbo":            {entry{"Outbrain", classPaid}, true},
	"irclickid":        {entry{"Impact", classAffiliate}, false},
	"_branch_match_id": {entry{"Branch", classReferral}, false},
}

// IsClickID tells whether a parameter of a page's URL is an advertiser's click
// ID, so that its name belongs into Input.ClickIDs. Case doesn't matter.
func IsClickID(param string) bool {
	_, ok := clickIDs[strings.ToLower(param)]
	return ok
}

// firstClick is the first parameter that tells a paid click, else the first that
// tells a source.
func firstClick(params []string) (first click) {
	for _, p := range params {
		c, ok := clickIDs[strings.ToLower(p)]
		if ok && c.paid {
			return c
		}
		if ok && first.entry.name == "" {
			first = c
		}
	}
	return first
}

// apps are marks in the user agents of apps that show pages themselves.
var apps = []struct {
	mark  string
	entry entry
}{
	{"KAKAOTALK", entry{"KakaoTalk", classSocial}},
	{"KAKAOSTORY", entry{"KakaoStory", classSocial}},
	{"NAVER(", entry{"Naver", classSearch}},
	{"DaumApps/", entry{"Daum", classSearch}},
	{"BAND/", entry{"BAND", classSocial}},
	{"Barcelona ", entry{"Threads", classSocial}},
	{"Instagram", entry{"Instagram", classSocial}},
	{"MessengerForiOS", entry{"Messenger", classSocial}},
	{"Orca-Android", entry{"Messenger", classSocial}},
	{"FB_IAB/MESSENGER", entry{"Messenger", classSocial}},
	{"FBAN/", entry{"Facebook", classSocial}},
	{"FBAV/", entry{"Facebook", classSocial}},
	{"FB_IAB/", entry{"Facebook", classSocial}},
	{" Line/", entry{"LINE", classSocial}},
	{"MicroMessenger/", entry{"WeChat", classSocial}},
	{"musical_ly", entry{"TikTok", classSocial}},
	{"trill_", entry{"TikTok", classSocial}},
	{"BytedanceWebview", entry{"TikTok", classSocial}},
	{"Snapchat", entry{"Snapchat", classSocial}},
	{"[Pinterest/", entry{"Pinterest", classSocial}},
	{"Pinterest for", entry{"Pinterest", classSocial}},
	{"LinkedInApp", entry{"LinkedIn", classSocial}},
	{"Twitter for ", entry{"X", classSocial}},
	{"TwitterAndroid", entry{"X", classSocial}},
}

// inApp names the app whose own browser shows the page.
func inApp(ua string) entry {
	// Apps write their name behind the engine's, so short user agents have none.
	if len(ua) < 60 {
		return entry{}
	}
	for _, a := range apps {
		if strings.Contains(ua, a.mark) {
			return a.entry
		}
	}
	return entry{}
}
