package org.natskvcache.telemetry;

import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import io.opentelemetry.context.propagation.TextMapPropagator;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Failures;

/** Spans of OpenTelemetry, after its conventions for RPC. */
final class SpanTracing implements Tracing {
  private static final AttributeKey<String> SYSTEM = AttributeKey.stringKey("rpc.system");
  private static final AttributeKey<String> SERVICE = AttributeKey.stringKey("rpc.service");
  private static final AttributeKey<String> METHOD = AttributeKey.stringKey("rpc.method");
  private static final AttributeKey<String> SOURCE = AttributeKey.stringKey("wasmcloud.source.id");
  private static final AttributeKey<String> TARGET = AttributeKey.stringKey("wasmcloud.target.id");
  private static final AttributeKey<String> LINK = AttributeKey.stringKey("wasmcloud.link.name");
  private static final AttributeKey<String> OUTCOME = AttributeKey.stringKey("kvcache.outcome");
  private static final AttributeKey<String> ERROR = AttributeKey.stringKey("error.type");

  private static final TextMapPropagator TRACE_CONTEXT = W3CTraceContextPropagator.getInstance();

  private static final TextMapGetter<Function<String, @Nullable String>> HEADERS =
      new TextMapGetter<>() {
        @Override
        public @Nullable String get(
            @Nullable Function<String, @Nullable String> headers, String name) {
          return headers == null ? null : headers.apply(name);
        }
      };

  private record Traced(io.opentelemetry.api.trace.Span span) implements Span {
    @Override
    public void end(@Nullable String error) {
      Telemetry.guard(() -> {
        span.setAttribute(OUTCOME, error == null ? "ok" : "error");
        if (error != null) span.setAttribute(ERROR, error).setStatus(StatusCode.ERROR);
        span.end();
      });
    }
  }

  private final Tracer tracer;

  SpanTracing(Tracer tracer) {
    this.tracer = tracer;
  }

  @Override
  public Span called(
      String service,
      String method,
      String source,
      String linkName,
      Function<String, @Nullable String> headers) {
    return followed(() -> {
      Context parent = TRACE_CONTEXT.extract(Context.root(), headers, HEADERS);
      return new Traced(
          builder(service, method, SpanKind.SERVER, parent)
              .setAttribute(SOURCE, source)
              .setAttribute(LINK, linkName)
              .startSpan());
    });
  }

  /** The span, or none: a failure of the SDK is none of the call's. */
  private static Span followed(Supplier<Span> span) {
    try {
      return span.get();
    } catch (Throwable failure) {
      Failures.caught("telemetry", failure);
      return Span.NONE;
    }
  }

  @Override
  public Span calling(
      String service,
      String method,
      String target,
      @Nullable Object cause,
      BiConsumer<String, String> headers) {
    return followed(() -> {
      Context parent = cause instanceof Traced(var its) ? Context.root().with(its) : Context.root();
      var span =
          builder(service, method, SpanKind.CLIENT, parent)
              .setAttribute(TARGET, target)
              .startSpan();
      TRACE_CONTEXT.inject(
          Context.root().with(span),
          headers,
          (carrier, name, value) -> headers.accept(name, value));
      return new Traced(span);
    });
  }

  private SpanBuilder builder(String service, String method, SpanKind kind, Context parent) {
    return tracer
        .spanBuilder(service + "/" + method)
        .setParent(parent)
        .setSpanKind(kind)
        .setAttribute(SYSTEM, "wrpc")
        .setAttribute(SERVICE, service)
        .setAttribute(METHOD, method);
  }
}
