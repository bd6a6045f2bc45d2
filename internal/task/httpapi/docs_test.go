package httpapi

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// TestDocsConsistOfFilesOfThisHost reads the page as a browser does, and fails if it or its script refers to another host, if
// it has a script or a style of its own, which the policy forbids, or if a file is missing or never used.
func TestDocsConsistOfFilesOfThisHost(t *testing.T) {
	s := serving(t)
	docs := s.do("GET", "/docs", "", "Authorization", "-").want(200).has("Content-Type", "text/html; charset=utf-8")
	docs.has("Content-Security-Policy", docsPolicy).has("X-Content-Type-Options", "nosniff").has("Referrer-Policy", "no-referrer")
	initializer := s.do("GET", "/docs/swagger-initializer.js", "").want(200)
	for _, text := range []string{docs.body, initializer.body} {
		if found := regexp.MustCompile(`//[^ ]|<style|style=|<script>| on[a-z]+=`).FindString(text); found != "" {
			t.Errorf("the page has %q:\n%s", found, text)
		}
	}
	used := map[string]bool{}
	for _, reference := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(docs.body, -1) {
		if reference[1] == "data:," { // the page has no icon
			continue
		}
		s.do("GET", "/"+reference[1], "", "Authorization", "-").want(200)
		used[path.Base(reference[1])] = true
	}
	for name := range docsFiles {
		if !used[name] {
			t.Errorf("the page does not use %s", name)
		}
	}
}

func TestDocsPolicyIsStrict(t *testing.T) {
	for _, part := range []string{
		"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'",
	} {
		if !slices.Contains(strings.Split(docsPolicy, "; "), part) {
			t.Errorf("the policy lacks %q: %s", part, docsPolicy)
		}
	}
	if strings.Contains(docsPolicy, "unsafe") || strings.Contains(docsPolicy, "//") {
		t.Errorf("the policy allows inline scripts or another host: %s", docsPolicy)
	}
}

// TestDocsFiles serves each file compressed and not, and expects the same content.
func TestDocsFiles(t *testing.T) {
	s := serving(t)
	for name, file := range docsFiles {
		target := "/docs/" + name
		plain := s.do("GET", target, "", "Accept-Encoding", "identity").want(200).has("Content-Encoding", "")
		compressed := s.do("GET", target, "", "Accept-Encoding", "gzip").want(200)
		for _, got := range []answer{plain, compressed} {
			got.has("Content-Type", file.contentType).has("Content-Security-Policy", docsPolicy).has("Cache-Control", "no-cache")
			got.has("X-Content-Type-Options", "nosniff").has("Vary", "Accept-Encoding").has("ETag", plain.header.Get("ETag"))
		}
		content := compressed.body
		if file.gzipped {
			compressed.has("Content-Encoding", "gzip").has("Content-Length", strconv.Itoa(len(file.content)))
			content = decompressed(t, content)
		}
		if content != plain.body || len(content) < 100 {
			t.Errorf("%s has %d bytes for a client without gzip, and %d for others", name, len(plain.body), len(content))
		}
		tag := plain.header.Get("ETag")
		for _, encoding := range []string{"gzip", "identity"} {
			s.do("GET", target, "", "Accept-Encoding", encoding, "If-None-Match", tag).want(304).has("ETag", tag)
			head := s.do("HEAD", target, "", "Accept-Encoding", encoding).want(200).has("Content-Type", file.contentType)
			if head.body != "" {
				t.Errorf("HEAD %s has a body", target)
			}
		}
		s.do("GET", target, "", "If-None-Match", `"other"`).want(200)
		s.do("GET", target, "", "If-None-Match", `other`).want(400)
	}
	for _, target := range []string{
		"/docs/", "/docs/none.js", "/docs/index.html", "/docs/swagger-ui.css/", "/docs/../docs/swagger-ui.css",
		"/docs%2Fswagger-ui.css", "/docs/swagger-ui.css.gz",
	} {
		s.do("GET", target, "").want(404)
	}
	s.do("GET", "/docs/swagger%2Dui.css", "").want(200)
}

func decompressed(t *testing.T, text string) string {
	t.Helper()
	reader, err := gzip.NewReader(bytes.NewReader([]byte(text)))
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestAcceptsGzip(t *testing.T) {
	for value, want := range map[string]bool{
		"": false, "gzip": true, "GZIP": true, "x-gzip": true, "br, gzip": true, "br,gzip;q=0.5": true, "deflate, gzip ; q=1.0": true,
		"identity": false, "br": false, "gzip;q=0": false, "gzip;q=0.000": false, "*": true, "*;q=0": false, "gzip;q=0, *": false,
		"*;q=0, gzip": true, "gzip;q=x": false, "gzipped": false, ",": false,
	} {
		if got := acceptsGzip(http.Header{"Accept-Encoding": {value}}); got != want {
			t.Errorf("%q: %t", value, got)
		}
	}
	if acceptsGzip(http.Header{}) || !acceptsGzip(http.Header{"Accept-Encoding": {"br", "gzip"}}) {
		t.Error("a missing header counts as gzip, or a second line does not count")
	}
}
