package taskapi

import (
	"net/http"
	"net/http/pprof"
	"strings"
)

// maxProfiles is how many connections the port of the profiles has.
const maxProfiles = 8

// profilesAddress returns the address for profiles. A port alone means the loopback address, because profiles say much
// about a process.
func profilesAddress(given string) string {
	if strings.HasPrefix(given, ":") {
		return "127.0.0.1" + given
	}
	return given
}

// profiles serves Go's profiles under /debug/pprof.
func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
