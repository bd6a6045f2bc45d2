package httpapi

import (
	"fmt"
	"strings"
	"testing"
)

func TestQueries(t *testing.T) {
	s := serving(t)
	for query, location := range map[string]string{
		"": "", "limit=1": "", "limit=100": "", "offset=0": "", "offset=9223372036854775807": "", "completed=true": "",
		"completed=false":                 "",
		"limit=5&offset=5&completed=true": "", "unknown=x": "", "Limit=x": "", "LIMIT=0": "", "skip=-1": "", "&&limit=1&": "",
		"limit=%31": "",
		"limit=05":  "", "limit=000100": "", "offset=007": "", "limit=00": "limit", "limit=0101": "limit",
		"%6cimit=2": "", "x;y=1": "", "a=%00": "",

		"limit": "limit", "limit=": "limit", "limit=0": "limit", "limit=101": "limit", "limit=-1": "limit", "limit=+1": "limit",
		"limit=%2B1": "limit",
		"limit=1.0":  "limit", "limit=1e1": "limit", "limit=0x1": "limit", "limit=1_0": "limit", "limit=ten": "limit",
		"limit= 1":   "limit",
		"limit=1%20": "limit", "limit=99999999999999999999": "limit", "limit=1&limit=1": "limit", "limit=1&limit=": "limit",
		"limit=1;offset=2": "limit",
		"limit=%D9%A1":     "limit", "limit=null": "limit", "limit[]=1": "", "limit=1%00": "limit",
		"offset": "offset", "offset=": "offset", "offset=-1": "offset", "offset=-0": "offset", "offset=+0": "offset",
		"offset=1.5": "offset",
		"offset=x":   "offset", "offset=9223372036854775808": "offset", "offset=1&offset=2": "offset",
		"completed": "completed", "completed=": "completed", "completed=True": "completed", "completed=TRUE": "completed",
		"completed=1":   "completed",
		"completed=yes": "completed", "completed=null": "completed", "completed=true&completed=true": "completed",
		"completed=%20true": "completed", "completed=truefalse": "completed",
	} {
		target := tasksOfAlice + "?" + strings.ReplaceAll(query, " ", "%20")
		if location == "" {
			s.do("GET", target, "").want(200)
		} else {
			s.do("GET", target, "").want(422).at("query." + location)
		}
	}
}

func TestPages(t *testing.T) {
	s := serving(t)
	for i := range 7 {
		s.do("POST", tasksOfAlice, fmt.Sprintf(`{"title":"%d","completed":%t}`, i+1, i%2 == 0)).want(201)
	}
	s.do("POST", "/api/bob/tasks", `{"title":"of bob"}`, "Authorization", "Bearer "+tokenOf("bob")).want(201)
	link := func(query, relation string) string {
		return "<" + tasksOfAlice + "?" + query + `>; rel="` + relation + `"`
	}
	for query, want := range map[string]struct{ titles, total, link string }{
		"":                                {"7654321", "7", ""},
		"limit=7":                         {"7654321", "7", ""},
		"limit=3":                         {"765", "7", link("limit=3&offset=3", "next")},
		"limit=3&offset=3":                {"432", "7", link("limit=3&offset=6", "next") + ", " + link("limit=3&offset=0", "prev")},
		"limit=3&offset=6":                {"1", "7", link("limit=3&offset=3", "prev")},
		"limit=3&offset=2":                {"543", "7", link("limit=3&offset=5", "next") + ", " + link("limit=3&offset=0", "prev")},
		"limit=3&offset=4":                {"321", "7", link("limit=3&offset=1", "prev")},
		"offset=7":                        {"", "7", link("limit=50&offset=0", "prev")},
		"limit=2&offset=9":                {"", "7", link("limit=2&offset=7", "prev")},
		"offset=9223372036854775807":      {"", "7", link("limit=50&offset=9223372036854775757", "prev")},
		"completed=true":                  {"7531", "4", ""},
		"completed=false&limit=1":         {"6", "3", link("completed=false&limit=1&offset=1", "next")},
		"completed=true&limit=2&offset=2": {"31", "4", link("completed=true&limit=2&offset=0", "prev")},
		"limit=1&other=kept-out":          {"7", "7", link("limit=1&offset=1", "next")},
	} {
		got := s.do("GET", tasksOfAlice+"?"+query, "", "Host", "evil.example").want(200)
		titles := ""
		for _, one := range got.tasks() {
			titles += one.Title
		}
		if titles != want.titles {
			t.Errorf("?%s lists %q, want %q", query, titles, want.titles)
		}
		got.has("X-Total-Count", want.total).has("Link", want.link)
		if titles == "" && got.body != "[]" {
			t.Errorf("?%s: an empty page is %s", query, got.body)
		}
	}
	seen := ""
	for target := tasksOfAlice + "?limit=2"; target != ""; {
		got := s.do("GET", target, "").want(200)
		for _, one := range got.tasks() {
			seen += one.Title
		}
		target, _, _ = strings.Cut(strings.TrimPrefix(got.header.Get("Link"), "<"), ">")
		if !strings.Contains(got.header.Get("Link"), `rel="next"`) {
			target = ""
		}
	}
	if seen != "7654321" {
		t.Errorf("following next shows %q", seen)
	}
}
