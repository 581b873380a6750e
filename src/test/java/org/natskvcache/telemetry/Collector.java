package org.natskvcache.telemetry;

import com.google.protobuf.InvalidProtocolBufferException;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.opentelemetry.proto.collector.metrics.v1.ExportMetricsServiceRequest;
import io.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
import io.opentelemetry.proto.common.v1.KeyValue;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.metrics.v1.NumberDataPoint;
import io.opentelemetry.proto.resource.v1.Resource;
import io.opentelemetry.proto.trace.v1.Span;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import javax.net.ssl.SSLContext;
import org.natskvcache.Waiting;

/** As much of an OTLP collector as tests need: takes what is posted, and keeps it. */
public final class Collector implements AutoCloseable {
  private record Posted(String path, byte[] body) {}

  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final List<Posted> posted = new CopyOnWriteArrayList<>();
  private volatile CountDownLatch answering = new CountDownLatch(0);

  private Collector(HttpServer server) {
    this.server = server;
    server.createContext("/", this::take);
    server.setExecutor(threads);
    server.start();
  }

  public static Collector start() throws IOException {
    return startAt(0);
  }

  static Collector startAt(int port) throws IOException {
    return new Collector(HttpServer.create(at(port), 0));
  }

  static Collector startTls(SSLContext context) throws IOException {
    HttpsServer server = HttpsServer.create(at(0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    return new Collector(server);
  }

  private static InetSocketAddress at(int port) {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
  }

  int port() {
    return server.getAddress().getPort();
  }

  /** {@code http://127.0.0.1:PORT}. */
  public String url() {
    return "http://127.0.0.1:" + port();
  }

  /** From now on takes what is posted, but gives no answer until it is closed. */
  void hang() {
    answering = new CountDownLatch(1);
  }

  private void take(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    posted.add(new Posted(exchange.getRequestURI().toString(), body));
    try {
      answering.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    exchange.getResponseHeaders().add("Content-Type", "application/x-protobuf");
    exchange.sendResponseHeaders(200, -1);
    exchange.close();
  }

  List<String> paths() {
    return posted.stream().map(Posted::path).distinct().sorted().toList();
  }

  /** Every body as it came, a character a byte. */
  public List<String> bodies() {
    return posted.stream()
        .map(each -> new String(each.body, java.nio.charset.StandardCharsets.ISO_8859_1))
        .toList();
  }

  List<Span> spans() {
    return traces().stream()
        .flatMap(request -> request.getResourceSpansList().stream())
        .flatMap(resource -> resource.getScopeSpansList().stream())
        .flatMap(scope -> scope.getSpansList().stream())
        .toList();
  }

  /** Waits for a span of this name and returns the first one. */
  Span awaitSpan(String name) {
    Waiting.until(
        () -> name + " among " + spans().stream().map(Span::getName).toList(),
        () -> spans().stream().anyMatch(span -> span.getName().equals(name)));
    return spans().stream().filter(span -> span.getName().equals(name)).findFirst().orElseThrow();
  }

  Resource resource() {
    return traces().getFirst().getResourceSpans(0).getResource();
  }

  private List<ExportTraceServiceRequest> traces() {
    return decoded(
        "/v1/traces",
        body -> {
          try {
            return ExportTraceServiceRequest.parseFrom(body);
          } catch (InvalidProtocolBufferException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  private <T> List<T> decoded(String path, Function<byte[], T> decoder) {
    return posted.stream()
        .filter(each -> each.path.equals(path))
        .map(each -> decoder.apply(each.body))
        .toList();
  }

  /** The latest of each metric, by name. */
  Map<String, Metric> metrics() {
    Map<String, Metric> latest = new TreeMap<>();
    decoded(
            "/v1/metrics",
            body -> {
              try {
                return ExportMetricsServiceRequest.parseFrom(body);
              } catch (InvalidProtocolBufferException e) {
                throw new UncheckedIOException(e);
              }
            })
        .forEach(request ->
            request
                .getResourceMetricsList()
                .forEach(resource ->
                    resource
                        .getScopeMetricsList()
                        .forEach(scope ->
                            scope
                                .getMetricsList()
                                .forEach(metric -> latest.put(metric.getName(), metric)))));
    return latest;
  }

  /** The latest value of a metric, its first point; -1 before it came. */
  long value(String name) {
    Metric metric = metrics().get(name);
    if (metric == null) return -1;
    NumberDataPoint point =
        metric.hasSum() ? metric.getSum().getDataPoints(0) : metric.getGauge().getDataPoints(0);
    return point.getAsInt();
  }

  /** Texts of attributes, by name. */
  static Map<String, String> texts(List<KeyValue> attributes) {
    Map<String, String> texts = new TreeMap<>();
    attributes.forEach(each -> texts.put(each.getKey(), each.getValue().getStringValue()));
    return texts;
  }

  static String hex(com.google.protobuf.ByteString id) {
    return HexFormat.of().formatHex(id.toByteArray());
  }

  @Override
  public void close() {
    answering.countDown();
    server.stop(0);
    threads.close();
  }
}
