package otlpjson

import (
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The messages of opentelemetry-proto's trace.proto, if they are used, in their JSON form: IDs are hexadecimal,
// 64-bit integers are strings, enumerations are numbers.
type (
	request struct {
		ResourceSpans []resourceSpans `json:"resourceSpans"`
	}
	resourceSpans struct {
		Resource   resource     `json:"resource"`
		ScopeSpans []scopeSpans `json:"scopeSpans"`
	}
	resource struct {
		Attributes []keyValue `json:"attributes,omitempty"`
	}
	scopeSpans struct {
		Scope scope  `json:"scope"`
		Spans []span `json:"spans"`
	}
	scope struct {
		Name    string `json:"name"`
		Version string `json:"version,omitempty"`
	}
	span struct {
		TraceID      string     `json:"traceId"`
		SpanID       string     `json:"spanId"`
		ParentSpanID string     `json:"parentSpanId,omitempty"`
		Name         string     `json:"name"`
		Kind         int        `json:"kind"`
		Start        string     `json:"startTimeUnixNano"`
		End          string     `json:"endTimeUnixNano"`
		Attributes   []keyValue `json:"attributes,omitempty"`
		Events       []event    `json:"events,omitempty"`
		Links        []link     `json:"links,omitempty"`
		Status       status     `json:"status"`
	}
	event struct {
		Time       string     `json:"timeUnixNano"`
		Name       string     `json:"name"`
		Attributes []keyValue `json:"attributes,omitempty"`
	}
	link struct {
		TraceID string `json:"traceId"`
		SpanID  string `json:"spanId"`
	}
	status struct {
		Code    int    `json:"code,omitempty"`
		Message string `json:"message,omitempty"`
	}
	keyValue struct {
		Key   string         `json:"key"`
		Value map[string]any `json:"value"`
	}
)

// encode groups the spans by scope. All spans come from one provider and share its resource.
func encode(spans []sdktrace.ReadOnlySpan) request {
	var scopes []scopeSpans
	index := map[scope]int{}
	for _, s := range spans {
		from := scope{s.InstrumentationScope().Name, s.InstrumentationScope().Version}
		at, known := index[from]
		if !known {
			at = len(scopes)
			index[from] = at
			scopes = append(scopes, scopeSpans{Scope: from})
		}
		scopes[at].Spans = append(scopes[at].Spans, encodeSpan(s))
	}
	if len(spans) == 0 {
		return request{}
	}
	about := resource{encodeAttributes(spans[0].Resource().Attributes())}
	return request{[]resourceSpans{{Resource: about, ScopeSpans: scopes}}}
}

func encodeSpan(s sdktrace.ReadOnlySpan) span {
	encoded := span{
		TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(),
		Name: s.Name(), Kind: int(s.SpanKind()), Start: nanoseconds(s.StartTime()), End: nanoseconds(s.EndTime()),
		Attributes: encodeAttributes(s.Attributes()), Status: status{Message: s.Status().Description},
	}
	if s.Parent().SpanID().IsValid() {
		encoded.ParentSpanID = s.Parent().SpanID().String()
	}
	// The SDK and the protocol number these two differently.
	switch s.Status().Code {
	case codes.Ok:
		encoded.Status.Code = 1
	case codes.Error:
		encoded.Status.Code = 2
	}
	for _, e := range s.Events() {
		encoded.Events = append(encoded.Events, event{nanoseconds(e.Time), e.Name, encodeAttributes(e.Attributes)})
	}
	for _, l := range s.Links() {
		encoded.Links = append(encoded.Links, link{l.SpanContext.TraceID().String(), l.SpanContext.SpanID().String()})
	}
	return encoded
}

func nanoseconds(at time.Time) string { return strconv.FormatInt(at.UnixNano(), 10) }

func encodeAttributes(attributes []attribute.KeyValue) []keyValue {
	encoded := make([]keyValue, len(attributes))
	for i, a := range attributes {
		encoded[i] = keyValue{string(a.Key), encodeValue(a.Value)}
	}
	return encoded
}

// encodeValue encodes one value. Lists, which nothing here uses, become text.
func encodeValue(v attribute.Value) map[string]any {
	switch v.Type() {
	case attribute.BOOL:
		return map[string]any{"boolValue": v.AsBool()}
	case attribute.INT64:
		return map[string]any{"intValue": strconv.FormatInt(v.AsInt64(), 10)}
	case attribute.FLOAT64:
		return map[string]any{"doubleValue": v.AsFloat64()}
	default:
		return map[string]any{"stringValue": v.String()}
	}
}
