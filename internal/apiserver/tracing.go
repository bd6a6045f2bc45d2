package apiserver

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/todoapp-operator/todoapp-operator/internal/task"
	"github.com/todoapp-operator/todoapp-operator/internal/task/observed"
)

// tracing sends spans of requests and store calls to an OTLP endpoint. The zero value does nothing and costs nothing.
type tracing struct {
	provider *sdktrace.TracerProvider
}

const serviceName = "todoapp-api"

// openTracing starts tracing when OTEL_EXPORTER_OTLP_ENDPOINT (or its variant for traces) is set. All else, such as
// headers or sampling, is read from OpenTelemetry's own variables. An endpoint that is down delays nothing.
func openTracing(ctx context.Context, env func(string) string) (tracing, error) {
	if env("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") == "" {
		return tracing{}, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return tracing{}, fmt.Errorf("opening the OTLP endpoint: %w", err)
	}
	about, err := resource.New(ctx, resource.WithAttributes(attribute.String("service.name", serviceName)),
		resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return tracing{}, fmt.Errorf("describing the service to the OTLP endpoint: %w", err)
	}
	return tracing{sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))}, nil
}

func (t tracing) wrap(handler http.Handler) http.Handler {
	if t.provider == nil {
		return handler
	}
	return otelhttp.NewHandler(handler, serviceName, otelhttp.WithTracerProvider(t.provider),
		otelhttp.WithPropagators(propagation.TraceContext{}),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.Pattern }),
		otelhttp.WithFilter(func(r *http.Request) bool { return r.URL.Path != "/healthz" && r.URL.Path != "/readyz" }))
}

func (t tracing) store(inner task.Store) task.Store {
	if t.provider == nil {
		return inner
	}
	tracer := t.provider.Tracer(serviceName)
	return observed.New(inner, func(ctx context.Context, operation string) (context.Context, func(error)) {
		ctx, span := tracer.Start(ctx, "store "+operation, trace.WithSpanKind(trace.SpanKindClient))
		return ctx, func(err error) {
			if err != nil {
				span.SetStatus(codes.Error, err.Error())
			}
			span.End()
		}
	})
}

// close sends what is left, for a moment at most: a dead collector must not hold up a shutdown.
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
