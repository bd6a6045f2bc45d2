package taskapi

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/todoapp-operator/todoapp-operator/internal/otlpjson"
	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/httpapi"
	"github.com/todoapp-operator/todoapp-operator/internal/task/instrumented"
)

// tracing sends spans of requests and store calls to an OTLP endpoint. The zero value does nothing and costs nothing.
type tracing struct {
	provider *sdktrace.TracerProvider
}

const serviceName = "todoapp-api"

// openTracing starts tracing if OTEL_EXPORTER_OTLP_ENDPOINT (or its variant for traces) is set. OpenTelemetry's own
// variables configure sampling and the description of the service. An endpoint that is down delays nothing.
func openTracing(ctx context.Context, env func(string) string, log *slog.Logger) (tracing, error) {
	exporter, err := otlpjson.FromEnv(env)
	if err != nil || exporter == nil {
		return tracing{}, err
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", serviceName)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return tracing{}, fmt.Errorf("describing the service to the collector: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { log.Warn("tracing", "error", err.Error()) }))
	return tracing{sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))}, nil
}

// wrap traces each request. A trace that the client names is linked, not continued: anyone may send one, and would decide
// about sampling. The client's statement about its address is not trusted either.
func (t tracing) wrap(handler http.Handler, proxies httpapi.Proxies) http.Handler {
	if t.provider == nil {
		return handler
	}
	addressed := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := proxies.Client(r)
		if host, _, err := net.SplitHostPort(client); err == nil {
			client = host
		}
		trace.SpanFromContext(r.Context()).SetAttributes(attribute.String("client.address", client))
		handler.ServeHTTP(w, r)
	})
	return otelhttp.NewHandler(addressed, serviceName, otelhttp.WithTracerProvider(t.provider),
		otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithPublicEndpointFn(func(*http.Request) bool { return true }),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.Pattern }),
		otelhttp.WithFilter(traced))
}

// traced reports whether a request is traced. It excludes probes, and requests whose address and headers are so long that
// few of them would fill the memory: their sender is not authenticated yet.
func traced(r *http.Request) bool {
	const most = 2048 // bytes
	kept := len(r.RequestURI) + len(r.Method) + len(r.Host) + len(r.UserAgent()) +
		len(r.Header.Get("X-Forwarded-For")) + len(r.Header.Get("Tracestate"))
	return r.URL.Path != "/healthz" && r.URL.Path != "/readyz" && kept <= most
}

func (t tracing) store(inner task.Store) task.Store {
	if t.provider == nil {
		return inner
	}
	tracer := t.provider.Tracer(serviceName)
	return instrumented.New(inner, func(ctx context.Context, operation string) (context.Context, func(error)) {
		ctx, span := tracer.Start(ctx, "store "+operation, trace.WithSpanKind(trace.SpanKindClient))
		return ctx, func(err error) {
			if instrumented.Failed(err) {
				span.SetStatus(codes.Error, err.Error())
			}
			span.End()
		}
	})
}

// close sends the last spans, for two seconds at most: a dead collector must not delay a shutdown.
func (t tracing) close() error {
	if t.provider == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		return fmt.Errorf("sending the last traces: %w", err)
	}
	return nil
}
