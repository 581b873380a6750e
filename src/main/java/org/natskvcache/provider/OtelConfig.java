package org.natskvcache.provider;

import java.util.List;

/**
 * What a 1.x host's {@code otel_config} asks for. A part that makes no sense reads as absent and
 * leaves a sentence in {@code problems}. Source: wasmCloud 1.9, {@code crates/core/src/otel.rs}.
 *
 * @param traces whether traces are wanted
 * @param metrics whether metrics are wanted
 * @param grpc whether they are wanted over gRPC, not over HTTP
 * @param endpoint URL for all signals; the signal's path is added when it has none; empty for none
 * @param tracesEndpoint URL for traces, complete; empty for none
 * @param metricsEndpoint URL for metrics, complete; empty for none
 * @param caFiles PEM files with certificates to trust besides the system's
 * @param sampler as OTEL_TRACES_SAMPLER; empty for none
 * @param samplerArgument as OTEL_TRACES_SAMPLER_ARG; empty for none
 * @param queuedSpansMax spans that may wait to be sent; 0 for none said
 * @param problems what made no sense, a sentence each, none of which repeats a value
 */
public record OtelConfig(
    boolean traces,
    boolean metrics,
    boolean grpc,
    String endpoint,
    String tracesEndpoint,
    String metricsEndpoint,
    List<String> caFiles,
    String sampler,
    String samplerArgument,
    int queuedSpansMax,
    List<String> problems) {
  public OtelConfig {
    caFiles = List.copyOf(caFiles);
    problems = List.copyOf(problems);
  }

  /** Leaves out the URLs, which may hold a password. */
  @Override
  public String toString() {
    return "traces=" + traces + " metrics=" + metrics + " grpc=" + grpc + " problems=" + problems;
  }
}
