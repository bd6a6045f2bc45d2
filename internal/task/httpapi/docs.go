package httpapi

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// docsPolicy lets the page load files and call the API on its own host only. Swagger UI draws its icons from data URLs.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var (
	//go:embed swagger-ui/index.html
	docsPage []byte
	//go:embed swagger-ui/swagger-initializer.js
	swaggerInitializer []byte
	//go:embed swagger-ui/swagger-ui-bundle.js.gz
	swaggerBundle []byte
	//go:embed swagger-ui/swagger-ui.css.gz
	swaggerStyle []byte
)

// docsFile is a file of the page, as the program embeds it.
type docsFile struct {
	contentType string
	gzipped     bool
	content     []byte
	// etag returns a weak ETag, which is the same for both encodings. It is computed when it is first needed: a server
	// whose page is never opened does not read the files into memory.
	etag func() string
}

var docsFiles = map[string]docsFile{
	"swagger-initializer.js": newDocsFile("text/javascript; charset=utf-8", false, swaggerInitializer),
	"swagger-ui-bundle.js":   newDocsFile("text/javascript; charset=utf-8", true, swaggerBundle),
	"swagger-ui.css":         newDocsFile("text/css; charset=utf-8", true, swaggerStyle),
}

func newDocsFile(contentType string, gzipped bool, content []byte) docsFile {
	return docsFile{contentType, gzipped, content, sync.OnceValue(func() string {
		return fmt.Sprintf("%x", sha256.Sum256(content))[:16]
	})}
}

// docs serves a page with which a user reads openapi.json and tries the operations out.
func (a *API) docs(c *call) error {
	protectDocs(c.w.Header())
	writeBody(c.w, http.StatusOK, "text/html; charset=utf-8", docsPage)
	return nil
}

// docsFile serves a file of the page. A browser revalidates it, because its path does not name a version.
func (a *API) docsFile(c *call) error {
	file := docsFiles[strings.TrimPrefix(c.r.URL.Path, "/docs/")]
	condition, err := parseCondition(c.r.Header, "If-None-Match")
	if err != nil {
		return err
	}
	header, tag := c.w.Header(), file.etag()
	protectDocs(header)
	header.Set("Etag", `W/"`+tag+`"`)
	header.Set("Cache-Control", "no-cache")
	header.Add("Vary", "Accept-Encoding")
	if condition.names(tag) {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if file.gzipped && !acceptsGzip(c.r.Header) {
		return file.decompress(c.w)
	}
	if file.gzipped {
		header.Set("Content-Encoding", "gzip")
	}
	writeBody(c.w, http.StatusOK, file.contentType, file.content)
	return nil
}

func protectDocs(header http.Header) {
	header.Set("Content-Security-Policy", docsPolicy)
	header.Set("Referrer-Policy", "no-referrer")
}

// decompress serves the file to a client that does not accept gzip, without holding all of it in memory.
func (f docsFile) decompress(w http.ResponseWriter) error {
	content, err := gzip.NewReader(bytes.NewReader(f.content))
	if err != nil {
		return fmt.Errorf("decompressing a file of the page: %w", err)
	}
	w.Header().Set("Content-Type", f.contentType)
	w.WriteHeader(http.StatusOK)
	// Copying fails only when the client has gone: a test reads every file to its end.
	_, _ = io.Copy(w, content) //nolint:gosec // the content is part of the program
	return nil
}

// acceptsGzip reports whether Accept-Encoding gives gzip, or else every encoding, a weight above zero.
func acceptsGzip(header http.Header) bool {
	everything := false
	for item := range strings.SplitSeq(strings.Join(header.Values("Accept-Encoding"), ","), ",") {
		coding, parameter, _ := strings.Cut(item, ";")
		weight := 1.0
		if _, value, given := strings.Cut(parameter, "="); given {
			weight, _ = strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return weight > 0
		case "*":
			everything = weight > 0
		}
	}
	return everything
}
