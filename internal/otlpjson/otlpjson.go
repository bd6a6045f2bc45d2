// Package otlpjson sends spans to an OpenTelemetry collector: OTLP over HTTP in its JSON encoding.
//
// OpenTelemetry's own exporter speaks protobuf and links gRPC, which costs every process some 13 MB of binary and 8 MB
// of resident memory, even if tracing is off. Every collector accepts the JSON encoding on the same port.
package otlpjson

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Exporter implements sdktrace.SpanExporter. It drops spans if the collector does not accept them.
type Exporter struct {
	url    string
	header http.Header
	client *http.Client
}

// FromEnv returns the exporter that OpenTelemetry's variables describe: OTEL_EXPORTER_OTLP_ENDPOINT or
// OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, …_HEADERS and …_TIMEOUT (milliseconds). It is nil if there is no endpoint.
func FromEnv(env func(string) string) (*Exporter, error) {
	target := env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if base := env("OTEL_EXPORTER_OTLP_ENDPOINT"); target == "" && base != "" {
		target = strings.TrimSuffix(base, "/") + "/v1/traces"
	}
	if target == "" {
		return nil, nil
	}
	if u, err := url.Parse(target); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the OTLP endpoint must be of the form http://host:4318")
	}
	header, err := parseHeaders(env("OTEL_EXPORTER_OTLP_HEADERS"))
	if err != nil {
		return nil, err
	}
	timeout := 10 * time.Second
	if given := env("OTEL_EXPORTER_OTLP_TIMEOUT"); given != "" {
		milliseconds, err := strconv.Atoi(given)
		if err != nil || milliseconds <= 0 {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT is %q, it must be milliseconds", given)
		}
		timeout = time.Duration(milliseconds) * time.Millisecond
	}
	return &Exporter{url: target, header: header, client: &http.Client{Timeout: timeout}}, nil
}

// parseHeaders reads name=value,… with percent-encoded values. Its error repeats no value, because a value may be a credential.
func parseHeaders(list string) (http.Header, error) {
	header := http.Header{"Content-Type": {"application/json"}}
	for pair := range strings.SplitSeq(list, ",") {
		if strings.TrimSpace(pair) == "" {
			continue
		}
		name, value, found := strings.Cut(pair, "=")
		value, err := url.PathUnescape(strings.TrimSpace(value))
		if !found || err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_HEADERS is not of the form name=value,…")
		}
		header.Set(strings.TrimSpace(name), value)
	}
	return header, nil
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *Exporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	body, err := json.Marshal(encode(spans))
	if err != nil {
		return fmt.Errorf("encoding spans: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.url, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("sending spans: %w", err)
	}
	request.Header = e.header.Clone()
	response, err := e.client.Do(request)
	if err != nil {
		return fmt.Errorf("sending spans: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, 64<<10)); err != nil {
		return fmt.Errorf("sending spans: %w", err)
	}
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("sending spans: the collector answered %s", response.Status)
	}
	return nil
}

// Shutdown implements sdktrace.SpanExporter.
func (e *Exporter) Shutdown(context.Context) error {
	e.client.CloseIdleConnections()
	return nil
}
