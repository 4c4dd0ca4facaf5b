package main

import (
	"fmt"
	"html"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// check holds what the pages of the biggest and of the smallest site say
// against the counts made beside the events.
func check(s *server, d *dataset) error {
	for _, st := range []*site{d.big(), d.small()} {
		page, _, err := s.get("/sites/" + st.ID + "?" + d.period())
		if err != nil {
			return err
		}
		got, err := said(page)
		if err != nil {
			return fmt.Errorf("%s: %w", st.Domain, err)
		}
		if err := same(got, st.Count); err != nil {
			return fmt.Errorf("%s: %w", st.Domain, err)
		}
	}
	say("the dashboards say what was counted: %d visits, %d pageviews, the ten paths seen most", d.big().Count.Visits, d.big().Count.Pageviews)
	return nil
}

var (
	headline = regexp.MustCompile(`title="([\d,]+)"[^>]*data-test="value-(visitors|visits|pageviews)"`)
	pageRows = regexp.MustCompile(`(?s)data-test="panel-pages".*?</section>`)
	pageRow  = regexp.MustCompile(`(?s)class="row-label"[^>]*>([^<]+)</a>.*?class="row-value" title="([\d,]+)"`)
)

// said reads a dashboard's headline and list of pages.
func said(page string) (counts, error) {
	var c counts
	into := map[string]*int64{"visitors": &c.Visitors, "visits": &c.Visits, "pageviews": &c.Pageviews}
	found := headline.FindAllStringSubmatch(page, -1)
	if len(found) != len(into) {
		return c, fmt.Errorf("the page has %d of the %d headline numbers", len(found), len(into))
	}
	for _, m := range found {
		n, err := number(m[1])
		if err != nil {
			return c, err
		}
		*into[m[2]] = n
	}
	for _, m := range pageRow.FindAllStringSubmatch(pageRows.FindString(page), -1) {
		n, err := number(m[2])
		if err != nil {
			return c, err
		}
		c.Paths = append(c.Paths, path{html.UnescapeString(m[1]), n})
	}
	return c, nil
}

func number(text string) (int64, error) {
	return strconv.ParseInt(strings.ReplaceAll(text, ",", ""), 10, 64)
}

func same(got, want counts) error {
	switch {
	case got.Visitors != want.Visitors:
		return fmt.Errorf("%d visitors, counted %d", got.Visitors, want.Visitors)
	case got.Visits != want.Visits:
		return fmt.Errorf("%d visits, counted %d", got.Visits, want.Visits)
	case got.Pageviews != want.Pageviews:
		return fmt.Errorf("%d pageviews, counted %d", got.Pageviews, want.Pageviews)
	case !slices.Equal(got.Paths, want.Paths):
		return fmt.Errorf("pages %v, counted %v", got.Paths, want.Paths)
	}
	return nil
}
