// Package agent acts for the end-to-end tests inside the cluster. It sends requests to Services and pods, and signals
// to the processes of pods on its node.
package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Port is the port of the agent.
const Port = 8080

// Call describes one request.
type Call struct {
	Method string            `json:"method"`
	URL    string            `json:"url"`
	Header map[string]string `json:"header,omitempty"`
	Body   string            `json:"body,omitempty"`
}

// Reply holds the answer to a call.
type Reply struct {
	Status int    `json:"status"`
	Body   string `json:"body,omitempty"`
}

// Until repeats each call until the answer has the status and its body matches the regular expression, or, if Lacks is
// set, does not match it.
type Until struct {
	Calls  []Call        `json:"calls"`
	Status int           `json:"status"`
	Match  string        `json:"match,omitempty"`
	Lacks  bool          `json:"lacks,omitempty"`
	Within time.Duration `json:"within"`
}

// Signal names a signal for every process of a pod except the pause process.
type Signal struct {
	PodUID string `json:"podUID"`
	Name   string `json:"name"`
}

// Handler returns the agent's endpoints, which speak JSON. /call answers with a Reply, /until with the moment of each
// call's first expected answer, /signal with the number of processes.
func Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /call", serve(call))
	mux.HandleFunc("POST /until", serve(until))
	mux.HandleFunc("POST /signal", serve(signal))
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	return mux
}

// serve returns a handler that decodes the request for a function and encodes its result. The test receives its errors.
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
