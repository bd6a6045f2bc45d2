package main

import "testing"

func TestAFigureAboveItsCeilingFails(t *testing.T) {
	for name, c := range map[string]struct {
		result result
		fails  bool
	}{
		"above its ceiling":  {result{what: "requests", value: 10.5, ceiling: 10}, true},
		"at its ceiling":     {result{what: "requests", value: 10, ceiling: 10}, false},
		"without a ceiling":  {result{what: "time", value: 1000}, false},
		"above a mere floor": {result{what: "time", value: 1000, floor: 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := report{results: []result{c.result}}
			if err := r.print(); (err != nil) != c.fails {
				t.Errorf("got %v, want an error: %t", err, c.fails)
			}
		})
	}
}

func TestListedSumsAnswersToLists(t *testing.T) {
	metrics := `# HELP apiserver_response_sizes Response size distribution in bytes.
apiserver_response_sizes_bucket{resource="todoapps",verb="LIST",le="1000"} 7
apiserver_response_sizes_sum{resource="todoapps",verb="LIST"} 1500
apiserver_response_sizes_sum{resource="pods",verb="LIST"} 2.5e+03
apiserver_response_sizes_sum{resource="pods",verb="GET"} 9000
apiserver_response_sizes_count{resource="pods",verb="LIST"} 3
`
	got, err := listed(metrics)
	if err != nil || got != 4000 {
		t.Errorf("got %v (%v), want 4000", got, err)
	}
}
