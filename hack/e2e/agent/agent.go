// Package agent is what the end-to-end tests do from inside the cluster: requests through real Services and to pods, and
// signals to the processes of pods on the agent's node.
package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Port is where an agent listens.
const Port = 8080

// Call is one request to make.
type Call struct {
	Method string            `json:"method"`
	URL    string            `json:"url"`
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body,omitempty"`
}

// Reply is what came of a call.
type Reply struct {
	Status int    `json:"status"`
	Body   string `json:"body,omitempty"`
}

// Until repeats each call until it is answered with the status, and with a body in which the regular expression is found
// or, where Lacks says so, is not.
type Until struct {
	Calls  []Call        `json:"calls"`
	Status int           `json:"status"`
	Match  string        `json:"match,omitempty"`
	Lacks  bool          `json:"lacks,omitempty"`
	Within time.Duration `json:"within"`
}

// Signal goes to every process of a pod but those that only hold it together.
type Signal struct {
	PodUID string `json:"podUID"`
	Name   string `json:"name"`
}

// Handler serves the three of them, each as JSON: /call answers with a Reply, /until with the moment at which each call
// was first answered as awaited, /signal with the number of processes.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /call", serve(call))
	mux.HandleFunc("POST /until", serve(until))
	mux.HandleFunc("POST /signal", serve(signal))
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	return mux
}

// serve turns a function into a handler. Its errors go to the test that asked.
func serve[I, O any](do func(*http.Request, I) (O, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in I
		err := json.NewDecoder(r.Body).Decode(&in)
		if err == nil {
			var out O
			if out, err = do(r, in); err == nil {
				err = json.NewEncoder(w).Encode(out)
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
		}
	}
}

// errNothingSignalled means that the pod has no processes on this node.
var errNothingSignalled = errors.New("no process of the pod runs here")

func signal(_ *http.Request, s Signal) (int, error) {
	count, err := s.send("/proc")
	if err == nil && count == 0 {
		err = errNothingSignalled
	}
	if err != nil {
		return 0, fmt.Errorf("signalling %s to pod %s: %w", s.Name, s.PodUID, err)
	}
	return count, nil
}
