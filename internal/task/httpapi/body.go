package httpapi

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// maxBody is the size in bytes above which a body is refused.
const maxBody = 64 << 10

// body reads a JSON body and checks its syntax. It decides 415, 413 and 400; its caller decides about the fields.
func (c *call) body() ([]byte, error) {
	if !isJSON(c.r.Header) && (c.r.Header["Content-Type"] != nil || !isEmpty(c.r)) {
		return nil, &problem{
			status: http.StatusUnsupportedMediaType, detail: "the body must be application/json",
			header: http.Header{"Accept": {"application/json"}},
		}
	}
	tooLarge := &problem{status: http.StatusRequestEntityTooLarge, detail: "the body is larger than 64 KiB"}
	if c.r.ContentLength > maxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w.ResponseWriter, c.r.Body, maxBody))
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return nil, tooLarge
	}
	if err != nil {
		return nil, malformed("the body could not be read")
	}
	return body, checkSyntax(body)
}

// checkSyntax accepts every JSON text. Duplicate names and lone surrogates pass: they are refused later, with another
// status.
func checkSyntax(body []byte) error {
	switch {
	case len(body) == 0:
		return malformed("the body is empty")
	case !utf8.Valid(body):
		return malformed("the body is not UTF-8")
	case !jsontext.Value(body).IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)):
		return malformed("the body is not one JSON text")
	}
	return nil
}

// isJSON reports whether the body is declared as application/json, in UTF-8 and not compressed.
func isJSON(header http.Header) bool {
	if len(header["Content-Type"]) != 1 {
		return false
	}
	if encoding := header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return false
	}
	media, parameters, err := mime.ParseMediaType(header.Get("Content-Type"))
	charset, given := parameters["charset"]
	return err == nil && media == "application/json" && (!given || strings.EqualFold(charset, "utf-8"))
}

// isEmpty reports whether there is no body. It reads the first byte of a body of unknown length.
func isEmpty(r *http.Request) bool {
	if r.ContentLength >= 0 {
		return r.ContentLength == 0
	}
	var first [1]byte
	n, _ := io.ReadFull(r.Body, first[:])
	return n == 0
}
