package httpapi

import "testing"

// TestWhatIsIgnoredIsTextAllTheSame, and locations name fields as they are written.
func TestWhatIsIgnoredIsTextAllTheSame(t *testing.T) {
	s := serving(t)
	for body, location := range map[string]string{
		`{"title":"x","user_id":"a\u0000b"}`:             "body.user_id",
		`{"title":"x","id":{"deep":["\u0000"]}}`:         "body.id",
		`{"title":"x","id":{"\u0000":1}}`:                "body.id",
		`{"title":"x","created_at":"\ud800"}`:            "body.created_at",
		`{"title":"x","a/b~c":1,"a/b~c":2}`:              "body.a/b~c",
		`{"title":"x","id":{"~1":{"/":1,"/":2}}}`:        "body.id.~1./",
		`{"title":"x","updated_at":"\\u0000","id":null}`: "",
	} {
		if got := s.do("POST", tasksOfAlice, body); location == "" {
			got.want(201)
		} else {
			got.want(422).at(location)
		}
	}
}
