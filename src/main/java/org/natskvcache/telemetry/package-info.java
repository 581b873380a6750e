/**
 * Traces and metrics for collectors that speak OTLP; the only package that imports OpenTelemetry.
 *
 * <p>In: what the host and the environment ask for, calls as they begin and end, the counters and
 * the status of the caches. Out: spans and metrics over HTTP, {@code traceparent} headers for the
 * calls we make.
 *
 * <p>Always true: nothing is sent, and no class of OpenTelemetry is loaded, unless somebody asked
 * for it; no call, no start and no stop waits for a collector, but for a stop that gives it {@link
 * org.natskvcache.telemetry.Telemetry#FLUSH_MAX}; keys and values are never exported; an outage of
 * the collector is one line in the log when it begins and one when it ends.
 *
 * <p>Start reading at {@link org.natskvcache.telemetry.Telemetry}.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.telemetry;
