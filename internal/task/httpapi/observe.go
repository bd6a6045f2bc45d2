package httpapi

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
)

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b) //nolint:wrapcheck // a recorder changes nothing
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// observe returns a handler that calls next, answers its errors, turns a panic into 500, and counts the request.
func (a *API) observe(next func(*call) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := a.Now()
		c := &call{w: &recorder{ResponseWriter: w}, r: r, id: requestID(r)}
		header := w.Header()
		header["X-Request-Id"] = []string{c.id}
		header["X-Content-Type-Options"] = nosniff
		if a.draining.Load() {
			header["Connection"] = closing
		}
		defer func() {
			a.Observer.Request(routeOf(r), methodOf(r), c.w.status, a.Now().Sub(start))
		}()
		defer a.recoverPanic(c)
		if err := next(c); err != nil {
			answer := problemOf(err)
			if answer.status == http.StatusInternalServerError {
				a.Log.Error("request failed", "request_id", c.id, "route", routeOf(r), "error", err.Error())
			}
			if c.w.status != 0 {
				panic(http.ErrAbortHandler) // half an answer is out: only a broken connection tells the client
			}
			answer.write(c.w)
		}
	})
}

var (
	nosniff = []string{"nosniff"}
	closing = []string{"close"}
)

func (a *API) recoverPanic(c *call) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == any(http.ErrAbortHandler) {
		panic(cause)
	}
	a.Log.Error("request panicked", "request_id", c.id, "route", routeOf(c.r),
		slog.Any("panic", cause), "stack", string(debug.Stack()))
	if c.w.status != 0 {
		panic(http.ErrAbortHandler) // half an answer is out: only a broken connection tells the client
	}
	(&problem{status: http.StatusInternalServerError, detail: "internal error"}).write(c.w)
}

// requestID returns a proxy's X-Request-Id if it is short and plain, and otherwise a random ID.
func requestID(r *http.Request) string {
	given := r.Header.Get("X-Request-Id")
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
	if given != "" && len(given) <= 64 && strings.Trim(given, plain) == "" {
		return given
	}
	return strconv.FormatUint(rand.Uint64(), 36) //nolint:gosec // it has to be unlikely, not secret
}

func routeOf(r *http.Request) string {
	if r.Pattern == "" {
		return "other"
	}
	return r.Pattern
}

// methodOf returns the method as a label value. Clients cannot add label values.
func methodOf(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions:
		return r.Method
	}
	return "other"
}

func writeBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	header := w.Header()
	header["Content-Type"] = []string{contentType}
	header["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, _ = w.Write(body) // fails only when the client has gone
}
