package org.natskvcache.telemetry;

import java.util.function.BiConsumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Follows calls through us. For any thread; never waits, never throws. */
public interface Tracing {
  /** A call under way. */
  interface Span {
    /** A call that nobody follows. */
    Span NONE = error -> {};

    /**
     * The call is over; further ends do nothing.
     *
     * @param error null when it went well, else a short word of a small set, never a key or a value
     */
    void end(@Nullable String error);
  }

  /** Follows nothing. */
  Tracing OFF =
      new Tracing() {
        @Override
        public Span called(
            String service,
            String method,
            String source,
            String linkName,
            Function<String, @Nullable String> headers) {
          return Span.NONE;
        }

        @Override
        public Span calling(
            String service,
            String method,
            String target,
            @Nullable Object cause,
            BiConsumer<String, String> headers) {
          return Span.NONE;
        }
      };

  /**
   * We are called.
   *
   * @param service the interface, such as {@code wrpc:keyvalue/store@0.2.0-draft}
   * @param method its function
   * @param source who calls
   * @param headers of the call, by lower-case name: where {@code traceparent} is looked for
   */
  Span called(
      String service,
      String method,
      String source,
      String linkName,
      Function<String, @Nullable String> headers);

  /**
   * We call a component.
   *
   * @param target whom
   * @param cause the span of the call that led to this one; anything else begins a trace of its own
   * @param headers takes the headers that tell the callee of the trace
   */
  Span calling(
      String service,
      String method,
      String target,
      @Nullable Object cause,
      BiConsumer<String, String> headers);
}
