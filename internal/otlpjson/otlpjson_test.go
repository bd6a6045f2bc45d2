package otlpjson

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdkresource "go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func TestACollectorGetsWhatTheProtocolSays(t *testing.T) {
	got := make(chan *http.Request, 1)
	body := make(chan []byte, 1)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		content, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- r
		body <- content
	}))
	defer collector.Close()
	exporter, err := FromEnv(func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL + "/",
			"OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b, y=z"}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter),
		sdktrace.WithResource(sdkresource.NewSchemaless(attribute.String("service.name", "tasks"))))
	parent := trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2},
		TraceFlags: trace.FlagsSampled})
	_, span := provider.Tracer("scope").Start(trace.ContextWithSpanContext(t.Context(), parent), "name",
		trace.WithSpanKind(trace.SpanKindServer), trace.WithTimestamp(time.Unix(1, 2)),
		trace.WithAttributes(attribute.Int("i", 7), attribute.Bool("b", true), attribute.Float64("f", .5), attribute.String("s", "x")))
	span.AddEvent("event", trace.WithTimestamp(time.Unix(2, 0)))
	span.SetStatus(codes.Error, "broken")
	span.End(trace.WithTimestamp(time.Unix(3, 0)))

	if r := <-got; r.URL.Path != "/v1/traces" ||
		r.Header.Get("X-Key") != "a b" || r.Header.Get("Y") != "z" || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("the request is %s with %v", r.URL, r.Header)
	}
	const want = `{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"tasks"}}]},` +
		`"scopeSpans":[{"scope":{"name":"scope"},"spans":[{"traceId":"01000000000000000000000000000000","spanId":"ID",` +
		`"parentSpanId":"0200000000000000","name":"name","kind":2,` +
		`"startTimeUnixNano":"1000000002","endTimeUnixNano":"3000000000",` +
		`"attributes":[{"key":"i","value":{"intValue":"7"}},{"key":"b","value":{"boolValue":true}},` +
		`{"key":"f","value":{"doubleValue":0.5}},` +
		`{"key":"s","value":{"stringValue":"x"}}],"events":[{"timeUnixNano":"2000000000","name":"event"}],` +
		`"status":{"code":2,"message":"broken"}}]}]}]}`
	sent := strings.Replace(string(<-body), span.SpanContext().SpanID().String(), "ID", 1)
	if sent != want || !json.Valid([]byte(sent)) {
		t.Errorf("got  %s\nwant %s", sent, want)
	}
}

func TestFromEnvRefuses(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"no scheme":   {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"},
		"grpc":        {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "grpc://collector:4317"},
		"bad headers": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_HEADERS": "s3cret"},
		"bad timeout": {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_EXPORTER_OTLP_TIMEOUT": "1s"},
	} {
		if _, err := FromEnv(func(k string) string { return env[k] }); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if exporter, err := FromEnv(func(string) string { return "" }); exporter != nil || err != nil {
		t.Errorf("without an endpoint: %v, %v", exporter, err)
	}
}

func TestACollectorThatRefuses(t *testing.T) {
	collector := httptest.NewServer(http.NotFoundHandler())
	defer collector.Close()
	exporter, err := FromEnv(func(name string) string {
		return map[string]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector.URL + "/own/path"}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := exporter.ExportSpans(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v", err)
	}
}
