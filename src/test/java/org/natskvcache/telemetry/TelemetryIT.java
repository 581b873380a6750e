package org.natskvcache.telemetry;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;

import io.nats.client.Connection;
import io.nats.client.Message;
import io.nats.client.Nats;
import io.nats.client.impl.Headers;
import io.opentelemetry.proto.metrics.v1.Metric;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.natskvcache.NatsForTests;
import org.natskvcache.ProviderProcess;
import org.natskvcache.TlsForTests;
import org.natskvcache.metrics.Counter;
import org.natskvcache.wrpc.ValueWriter;
import org.natskvcache.wrpc.WrpcCaller;
import org.natskvcache.wrpc.WrpcLimits;
import org.natskvcache.wrpc.WrpcServer;

/** What a collector receives from a real process under a host of ours. */
class TelemetryIT {
  private static final String PREFIX = "default.kv-cache";
  private static final String CONTROL = "wasmbus.rpc.default.kv-cache";
  private static final String STORE = "wrpc:keyvalue/store@0.2.0-draft";
  private static final String WATCHER = "wrpc:keyvalue/watcher@0.2.0-draft";
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String PARENT = "b7ad6b7169203331";
  private static final String KEY = "k-4711-not-for-export";
  private static final String VALUE = "v-4711-not-for-export";

  /** Sends soon what would be sent in a minute. */
  private static final Map<String, String> SOON =
      Map.of("OTEL_BSP_SCHEDULE_DELAY", "20", "OTEL_METRIC_EXPORT_INTERVAL", "50");

  /** A host's patience is 300 ms; a loaded machine under test gets more. */
  private static final Duration REPLY_MAX = Duration.ofSeconds(2);

  private static NatsForTests nats;

  @TempDir Path folder;

  private final List<AutoCloseable> open = new ArrayList<>();
  private Connection host;
  private WrpcCaller caller;
  private Collector collector;

  @BeforeAll
  static void startServer() {
    nats = NatsForTests.start();
  }

  @AfterAll
  static void stopServer() {
    nats.close();
  }

  @BeforeEach
  void start() throws Exception {
    host = opened(Nats.connect(nats.url()));
    caller = opened(new WrpcCaller(host, WrpcLimits.DEFAULTS, (event, subject, cause) -> {}));
    collector = opened(Collector.start());
  }

  private <T extends AutoCloseable> T opened(T closeable) {
    open.add(closeable);
    return closeable;
  }

  @AfterEach
  void stop() throws Exception {
    for (AutoCloseable each : open.reversed()) each.close();
  }

  /** A provider with a calling component {@code counter} and a watching one {@code watcher}. */
  private ProviderProcess provider(String otel, Map<String, String> environment) throws Exception {
    String json =
        """
        {"host_id":"NHOST","lattice_rpc_prefix":"default","provider_key":"kv-cache",\
        "lattice_rpc_url":"%s","env_values":{},"config":{},"secrets":{},"link_definitions":[\
        {"source_id":"counter","target":"kv-cache","name":"default","wit_namespace":"wasi",\
        "wit_package":"keyvalue","interfaces":["store"]},\
        {"source_id":"kv-cache","target":"watcher","name":"default","wit_namespace":"wasi",\
        "wit_package":"keyvalue","interfaces":["watcher"],\
        "source_config":{"watch":"SET@%s"}}],"otel_config":%s}\
        """
            .formatted(nats.url(), KEY, otel);
    String line = Base64.getEncoder().encodeToString(json.getBytes(UTF_8)) + "\r\n";
    ProviderProcess process = opened(ProviderProcess.start(environment, line));
    until("good health", this::isHealthy);
    return process;
  }

  private boolean isHealthy() {
    Message health = health();
    return health != null && new String(health.getData(), UTF_8).contains("\"healthy\":true");
  }

  private Message health() {
    try {
      return host.request(CONTROL + ".health", null, Duration.ofMillis(100));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private String on() {
    return "{\"enable_observability\":true,\"observability_endpoint\":\"%s\",\"protocol\":\"Http\"}"
        .formatted(collector.url());
  }

  private byte[] call(String function, Headers headers, String... params) throws Exception {
    ValueWriter writer = new ValueWriter(64).string("default");
    for (String param : params) writer.string(param);
    headers.add("source-id", "counter").add("link-name", "default");
    var outcome =
        caller
            .call(WrpcServer.subject(PREFIX, STORE, function), headers, writer.toByteArray())
            .get(10, TimeUnit.SECONDS);
    return assertInstanceOf(WrpcCaller.Outcome.Result.class, outcome).bytes();
  }

  private void set() throws Exception {
    assertEquals(1, call("set", new Headers(), KEY, VALUE).length);
  }

  private void assertStops(ProviderProcess process) throws Exception {
    Message reply =
        host.request(
            CONTROL + ".default.shutdown", "{\"host_id\":\"NHOST\"}".getBytes(UTF_8), REPLY_MAX);
    assertNotNull(reply, () -> "no answer to the shutdown; " + process.log());
    assertEquals(0, process.awaitExit());
  }

  private static long count(ProviderProcess process, String text) {
    return process.log().stream().filter(line -> line.contains(text)).count();
  }

  @Test
  void spansFollowTheCallerAndTheWatcherFollowsThem() throws Exception {
    BlockingQueue<String> told = new LinkedBlockingQueue<>();
    var component =
        opened(
            new WrpcServer(
                host, "default.watcher", WrpcLimits.DEFAULTS, (event, subject, cause) -> {}));
    component.serve(
        WATCHER,
        "on-set",
        in -> in.string() + in.string() + new String(in.bytes(), UTF_8),
        (call, params) -> {
          told.add(String.valueOf(call.header("traceparent")));
          call.result(new byte[0]);
        });
    host.flush(Duration.ofSeconds(5));
    provider(on(), SOON);
    call("set", new Headers().add("TraceParent", "00-" + TRACE + "-" + PARENT + "-01"), KEY, VALUE);
    Span server = collector.awaitSpan(STORE + "/set");
    Span client = collector.awaitSpan(WATCHER + "/on-set");
    assertEquals(TRACE, Collector.hex(server.getTraceId()));
    assertEquals(PARENT, Collector.hex(server.getParentSpanId()));
    assertEquals(Span.SpanKind.SPAN_KIND_SERVER, server.getKind());
    assertEquals(
        Map.of(
            "rpc.system", "wrpc",
            "rpc.service", STORE,
            "rpc.method", "set",
            "wasmcloud.source.id", "counter",
            "wasmcloud.link.name", "default",
            "kvcache.outcome", "ok"),
        Collector.texts(server.getAttributesList()));
    assertEquals(TRACE, Collector.hex(client.getTraceId()));
    assertEquals(server.getSpanId(), client.getParentSpanId());
    assertEquals(Span.SpanKind.SPAN_KIND_CLIENT, client.getKind());
    assertEquals(
        "00-" + TRACE + "-" + Collector.hex(client.getSpanId()) + "-01",
        told.poll(5, TimeUnit.SECONDS));
    Map<String, String> resource = Collector.texts(collector.resource().getAttributesList());
    assertEquals("nats-kvcache", resource.get("service.name"));
    assertEquals("default", resource.get("wasmcloud.lattice"));
    assertEquals("kv-cache", resource.get("wasmcloud.provider.id"));
    assertEquals("NHOST", resource.get("wasmcloud.host.id"));
  }

  @Test
  void callWithoutATraceBeginsOneAndAnErrorShows() throws Exception {
    provider(on(), SOON);
    call("set", new Headers().add("traceparent", "nonsense"), "other", "text");
    call("get", new Headers(), "other");
    Span set = collector.awaitSpan(STORE + "/set");
    assertTrue(set.getParentSpanId().isEmpty());
    Span get = collector.awaitSpan(STORE + "/get");
    assertFalse(set.getTraceId().equals(get.getTraceId()));
    var headers = new Headers().add("source-id", "stranger");
    caller
        .call(
            WrpcServer.subject(PREFIX, STORE, "exists"),
            headers,
            new ValueWriter(8).string("").string("k").toByteArray())
        .get(10, TimeUnit.SECONDS);
    Span refused = collector.awaitSpan(STORE + "/exists");
    assertEquals(Status.StatusCode.STATUS_CODE_ERROR, refused.getStatus().getCode());
    Map<String, String> attributes = Collector.texts(refused.getAttributesList());
    assertEquals("access_denied", attributes.get("error.type"));
    assertEquals("stranger", attributes.get("wasmcloud.source.id"));
  }

  @Test
  void countersAndGaugesArriveAndNeitherKeysNorValuesDo() throws Exception {
    provider(on(), SOON);
    set();
    host.publish(CONTROL.replace("kv-cache", "kv-cache.linkdefs.del"), "no JSON".getBytes(UTF_8));
    collector.awaitSpan(STORE + "/set");
    until("the counter", () -> collector.value("kvcache.malformed_links") == 1);
    until("the entry", () -> collector.value("kvcache.entries") == 1);
    Map<String, Metric> metrics = collector.metrics();
    for (Counter counter : Counter.values()) {
      Metric metric = metrics.get("kvcache." + counter.name().toLowerCase(Locale.ROOT));
      assertNotNull(metric, counter::name);
      assertTrue(metric.getSum().getIsMonotonic());
      assertEquals("{" + counter.unit() + "}", metric.getUnit());
      assertEquals(counter.meaning(), metric.getDescription());
    }
    assertEquals(1, collector.value("kvcache.connected"));
    assertEquals(0, collector.value("kvcache.alarm"));
    assertTrue(collector.value("jvm.memory.used") > 0);
    assertEquals(List.of("/v1/metrics", "/v1/traces"), collector.paths());
    assertTrue(collector.bodies().stream().anyMatch(body -> body.contains("counter")));
    assertTrue(collector.bodies().stream().noneMatch(body -> body.contains("not-for-export")));
  }

  /**
   * Two spans are sent when they are there, the third only by the stop. It has 80 ms for that,
   * which a busy machine may miss, but not each time.
   */
  @Test
  void whatIsThereIsSentAtTheEnd() {
    Map<String, String> environment =
        Map.of(
            "OTEL_BSP_SCHEDULE_DELAY", "3600000",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "2");
    until(
        "a stop that sent what was there",
        () -> {
          try {
            int before = collector.spans().size();
            ProviderProcess process =
                provider(
                    "{\"enable_traces\":true,\"observability_endpoint\":\""
                        + collector.url()
                        + "\"}",
                    environment);
            for (int i = 0; i < 2; i++) call("get", new Headers(), "k");
            until("two spans", () -> collector.spans().size() == before + 2);
            call("exists", new Headers(), "k");
            assertStops(process);
          } catch (Exception e) {
            throw new IllegalStateException(e);
          }
          return collector.spans().stream().anyMatch(s -> s.getName().endsWith("/exists"));
        });
  }

  @Test
  void aCollectorThatIsAwayIsToldOnceAndHoldsNothingUp() throws Exception {
    int port = collector.port();
    collector.close();
    // no retries: they would only make the test slower
    var environment = new HashMap<>(SOON);
    environment.put("OTEL_JAVA_EXPORTER_OTLP_RETRY_DISABLED", "true");
    ProviderProcess process = provider(on(), environment);
    process.awaitLog("event=telemetry_not_sent signal=metrics");
    for (int i = 0; i < 50; i++) set();
    process.awaitLog("event=telemetry_not_sent signal=traces");
    for (int i = 0; i < 50; i++) set();
    try (Collector back = Collector.startAt(port)) {
      process.awaitLog("event=telemetry_sent_again signal=metrics");
      set();
      process.awaitLog("event=telemetry_sent_again signal=traces");
      back.awaitSpan(STORE + "/set");
    }
    assertEquals(1, count(process, "telemetry_not_sent signal=metrics"));
    assertEquals(1, count(process, "telemetry_not_sent signal=traces"));
    assertEquals(0, count(process, "io.opentelemetry"));
    assertStops(process);
  }

  @Test
  void aCollectorThatNeverAnswersDoesNotDelayTheEnd() throws Exception {
    collector.hang();
    ProviderProcess process = provider(on(), SOON);
    set();
    until("an export under way", () -> collector.paths().size() == 2);
    set();
    assertStops(process);
  }

  @Test
  void offLoadsNoClassOfTheLibrary() throws Exception {
    Path classes = folder.resolve("classes");
    ProviderProcess process =
        provider(
            "{\"enable_observability\":false}",
            Map.of(
                "OTEL_EXPORTER_OTLP_ENDPOINT",
                collector.url(),
                "PROVIDER_JAVA_OPTS",
                "-Xlog:class+load:file=" + classes));
    set();
    assertStops(process);
    List<String> loaded = Files.readAllLines(classes);
    assertTrue(loaded.stream().anyMatch(line -> line.contains("telemetry.Tracing")));
    assertEquals(
        List.of(),
        loaded.stream()
            .filter(line -> line.contains("opentelemetry") || line.contains("telemetry.Otlp"))
            .toList());
    assertEquals(List.of(), collector.paths());
  }

  @Test
  void serveIsSwitchedOnByTheEnvironment() throws Exception {
    var environment = new HashMap<>(SOON);
    environment.put("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url() + "/base");
    environment.put("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", collector.url() + "/own?token=secret");
    environment.put("OTEL_SERVICE_NAME", "my-cache");
    ProviderProcess process =
        opened(
            ProviderProcess.start(
                environment,
                "",
                "serve",
                "--nats-url",
                nats.url(),
                "--provider-id",
                "kv-cache",
                "--component",
                "counter"));
    until("good health", this::isHealthy);
    set();
    until(
        () -> "both, not only " + collector.paths(),
        () -> collector.paths().equals(List.of("/base/v1/traces", "/own")));
    assertTrue(collector.bodies().stream().anyMatch(body -> body.contains("my-cache")));
    assertEquals(0, count(process, "secret"));
    process.terminate();
    assertEquals(0, process.awaitExit());
  }

  @Test
  void aCollectorOfAnAdditionalAuthorityIsTrustedAndGrpcBecomesHttp() throws Exception {
    try (Collector secured = Collector.startTls(tls())) {
      ProviderProcess process =
          provider(
              """
              {"enable_traces":true,"observability_endpoint":"https://localhost:%d",\
              "protocol":"Grpc","additional_ca_paths":["%s","no-such-file"],"traces_sampler":7}\
              """
                  .formatted(secured.port(), TlsForTests.file("ca.pem")),
              SOON);
      set();
      secured.awaitSpan(STORE + "/set");
      assertEquals(List.of("/v1/traces"), secured.paths());
      assertEquals(1, count(process, "protocol gRPC is not supported"));
      assertEquals(1, count(process, "traces_sampler is no text"));
      assertEquals(1, count(process, "a file of additional_ca_paths"));
    }
  }

  private static SSLContext tls() throws Exception {
    Certificate[] chain;
    try (InputStream in = Files.newInputStream(TlsForTests.file("server.pem"))) {
      chain =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(in)
              .toArray(Certificate[]::new);
    }
    String pem =
        Files.readString(TlsForTests.file("server-key.pem")).replaceAll("-----[^-]+-----", "");
    var key =
        KeyFactory.getInstance(chain[0].getPublicKey().getAlgorithm())
            .generatePrivate(new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(pem)));
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setKeyEntry("server", key, new char[0], chain);
    var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(store, new char[0]);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    return context;
  }
}
