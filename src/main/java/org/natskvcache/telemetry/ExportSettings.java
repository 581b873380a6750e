package org.natskvcache.telemetry;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.natskvcache.provider.OtelConfig;

/**
 * What is exported, where to, and how, from what the host and the environment say. The host wins
 * where both say something, but for {@code OTEL_SDK_DISABLED=true}, which always means off. Without
 * a word of the host an endpoint in the environment switches on.
 *
 * @param traces whether traces are exported
 * @param metrics whether metrics are exported
 * @param properties for the OpenTelemetry SDK, {@code otel.*}, made for it to accept them; may hold
 *     secrets
 * @param caFiles PEM files with certificates to trust besides the system's
 * @param problems what made no sense or is not done, a sentence each; hold no secrets
 */
public record ExportSettings(
    boolean traces,
    boolean metrics,
    SortedMap<String, String> properties,
    List<String> caFiles,
    List<String> problems) {
  private static final String SERVICE_NAME = "nats-kvcache";
  private static final String OTLP = "otel.exporter.otlp.";
  private static final String HTTP = "http/protobuf";
  private static final int GRPC_PORT = 4317;
  private static final int HTTP_PORT = 4318;
  private static final Set<String> RATIO_SAMPLERS =
      Set.of("traceidratio", "parentbased_traceidratio");
  private static final Set<String> SAMPLERS =
      Set.of("always_on", "always_off", "parentbased_always_on", "parentbased_always_off");

  public ExportSettings {
    properties = Collections.unmodifiableSortedMap(new TreeMap<>(properties));
    caFiles = List.copyOf(caFiles);
    problems = List.copyOf(problems);
  }

  /** Whether anything is exported. */
  public boolean on() {
    return traces || metrics;
  }

  /**
   * Settles what counts.
   *
   * @param host what a 1.x host says; null without one
   * @param environment of the process; {@code OTEL_*} counts
   */
  public static ExportSettings of(@Nullable OtelConfig host, Map<String, String> environment) {
    return new Reader(host, environment).settings();
  }

  /** Where a signal goes; "off" for nowhere. Holds no secrets. */
  String told(boolean on, String signal) {
    return on ? properties.getOrDefault(OTLP + signal + ".endpoint", "") : "off";
  }

  /** Leaves out the properties, whose headers may hold a token. */
  @Override
  public String toString() {
    return "traces=" + traces + " metrics=" + metrics + " problems=" + problems;
  }

  private static final class Reader {
    private final @Nullable OtelConfig host;
    private final SortedMap<String, String> found = new TreeMap<>();
    private final Set<String> problems = new LinkedHashSet<>();

    Reader(@Nullable OtelConfig host, Map<String, String> environment) {
      this.host = host;
      environment.forEach((name, value) -> {
        if (name.startsWith("OTEL_") && !value.isBlank()) {
          found.put(name.toLowerCase(Locale.ROOT).replace('_', '.'), value.strip());
        }
      });
      if (host != null) problems.addAll(host.problems());
    }

    ExportSettings settings() {
      boolean disabled = found("otel.sdk.disabled").equalsIgnoreCase("true");
      boolean traces = !disabled && wanted("traces", host != null && host.traces());
      boolean metrics = !disabled && wanted("metrics", host != null && host.metrics());
      if (!traces && !metrics) {
        return new ExportSettings(false, false, new TreeMap<>(), List.of(), List.copyOf(problems));
      }
      String attributes = found("otel.resource.attributes");
      if (!attributes.matches("(.*,)?\\s*service\\.name\\s*=.*")) {
        found.putIfAbsent("otel.service.name", SERVICE_NAME);
      }
      found.put("otel.propagators", "tracecontext");
      found.put("otel.logs.exporter", "none");
      exporter("traces", traces, host == null ? "" : host.tracesEndpoint());
      exporter("metrics", metrics, host == null ? "" : host.metricsEndpoint());
      if (traces) sampling();
      return new ExportSettings(
          traces, metrics, found, host == null ? List.of() : host.caFiles(), List.copyOf(problems));
    }

    private String found(String name) {
      return found.getOrDefault(name, "");
    }

    private boolean wanted(String signal, boolean byHost) {
      if (host != null) return byHost;
      return !found("otel." + signal + ".exporter").equals("none")
          && (found.containsKey(OTLP + "endpoint")
              || found.containsKey(OTLP + signal + ".endpoint"));
    }

    private void exporter(String signal, boolean on, String byHost) {
      found.put("otel." + signal + ".exporter", on ? "otlp" : "none");
      String protocol = found.getOrDefault(OTLP + signal + ".protocol", found(OTLP + "protocol"));
      found.put(OTLP + signal + ".protocol", HTTP);
      if (!on) return;
      boolean grpc = host == null ? protocol.equals("grpc") : host.grpc();
      String endpoint = endpoint(signal, grpc, byHost);
      found.put(OTLP + signal + ".endpoint", endpoint);
      if (grpc) {
        problems.add(
            "protocol gRPC is not supported; %s go over HTTP to %s".formatted(signal, endpoint));
      } else if (host == null && !protocol.isEmpty() && !protocol.equals(HTTP)) {
        problems.add("%s are sent as %s, the only protocol there is".formatted(signal, HTTP));
      }
    }

    /** The first endpoint that is said and makes sense, complete. */
    private String endpoint(String signal, boolean grpc, String byHost) {
      String path = "/v1/" + signal;
      URI url = url(signal + "_endpoint of otel_config", byHost);
      if (url == null && host != null) {
        url = url("observability_endpoint of otel_config", host.endpoint());
        if (url != null && isBare(url)) url = at(url, url.getPort(), path);
      }
      if (url == null)
        url = url(signal + " endpoint in the environment", found(OTLP + signal + ".endpoint"));
      if (url == null) {
        url = url("OTEL_EXPORTER_OTLP_ENDPOINT", found(OTLP + "endpoint"));
        if (url != null) url = at(url, url.getPort(), url.getPath().replaceFirst("/$", "") + path);
      }
      if (url == null) return "http://localhost:" + HTTP_PORT + path;
      if (grpc) url = at(url, url.getPort() == GRPC_PORT ? HTTP_PORT : url.getPort(), path);
      return url.toString();
    }

    private static boolean isBare(URI url) {
      return url.getPath().isEmpty() || url.getPath().equals("/");
    }

    private static URI at(URI url, int port, String path) {
      try {
        return new URI(url.getScheme(), null, url.getHost(), port, path, null, null);
      } catch (URISyntaxException e) {
        throw new IllegalStateException("parts of a URL make none", e);
      }
    }

    /** Null, and perhaps a problem, when it is no endpoint. */
    private @Nullable URI url(String said, String text) {
      if (text.isEmpty()) return null;
      try {
        URI url = new URI(text);
        String scheme = String.valueOf(url.getScheme()).toLowerCase(Locale.ROOT);
        if (url.getHost() != null && (scheme.equals("http") || scheme.equals("https"))) {
          if (url.getUserInfo() != null || url.getQuery() != null || url.getFragment() != null) {
            problems.add(
                said
                    + " holds credentials or a query, which are not sent; OTEL_EXPORTER_OTLP_HEADERS can carry them");
          }
          return at(url, url.getPort(), url.getPath());
        }
      } catch (URISyntaxException e) {
        // its message repeats the text, which may hold a password
      }
      problems.add(said + " is no URL http://... or https://...");
      return null;
    }

    private void sampling() {
      if (host != null && !host.sampler().isEmpty())
        found.put("otel.traces.sampler", host.sampler());
      if (host != null && !host.samplerArgument().isEmpty()) {
        found.put("otel.traces.sampler.arg", host.samplerArgument());
      }
      String sampler = found.getOrDefault("otel.traces.sampler", "parentbased_always_on");
      boolean ratio = RATIO_SAMPLERS.contains(sampler);
      if (!ratio && !SAMPLERS.contains(sampler)) {
        problems.add("the sampler of traces is unknown; parentbased_always_on is used");
        found.put("otel.traces.sampler", "parentbased_always_on");
      }
      if (ratio && !isRatio(found.getOrDefault("otel.traces.sampler.arg", "1"))) {
        problems.add("the sampler's argument is no number from 0 to 1; 1 is used");
        found.put("otel.traces.sampler.arg", "1");
      }
      if (host != null && host.queuedSpansMax() > 0) {
        found.put("otel.bsp.max.queue.size", "" + host.queuedSpansMax());
        found.put("otel.bsp.max.export.batch.size", "" + Math.min(512, host.queuedSpansMax()));
      }
    }

    private static boolean isRatio(String text) {
      try {
        double ratio = Double.parseDouble(text);
        return ratio >= 0 && ratio <= 1;
      } catch (NumberFormatException e) {
        return false;
      }
    }
  }
}
