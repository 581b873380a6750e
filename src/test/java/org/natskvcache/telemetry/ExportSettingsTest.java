package org.natskvcache.telemetry;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.provider.HostData;
import org.natskvcache.provider.OtelConfig;

class ExportSettingsTest {
  private static final String TRACES = "otel.exporter.otlp.traces.endpoint";
  private static final String METRICS = "otel.exporter.otlp.metrics.endpoint";

  /** As a 1.x host would hand it over, quotes written as apostrophes. */
  private static OtelConfig host(String otel) throws Exception {
    String json = "{\"config\":{},\"otel_config\":" + otel.replace('\'', '"') + "}";
    byte[] line = Base64.getEncoder().encode(json.getBytes(StandardCharsets.UTF_8));
    HostData data = HostData.read(new ByteArrayInputStream(line));
    return ((HostData.Contract.Wrpc) data.contract()).otel();
  }

  private static ExportSettings settings(String otel, Map<String, String> environment)
      throws Exception {
    return ExportSettings.of(host(otel), environment);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "{} | false | false",
        "{'enable_observability':false} | false | false",
        "{'enable_observability':true} | true | true",
        "{'enable_observability':true,'enable_traces':false} | false | true",
        "{'enable_observability':false,'enable_traces':true} | true | false",
        "{'enable_metrics':true} | false | true",
        "{'enable_metrics':null,'enable_traces':null} | false | false",
      })
  void hostSwitchesEachSignal(String otel, boolean traces, boolean metrics) throws Exception {
    ExportSettings settings = settings(otel, Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env"));
    assertEquals(traces, settings.traces());
    assertEquals(metrics, settings.metrics());
    assertEquals(List.of(), settings.problems());
  }

  @Test
  void withoutAHostAnEndpointInTheEnvironmentSwitchesOn() {
    assertFalse(ExportSettings.of(null, Map.of("OTEL_SERVICE_NAME", "x")).on());
    var both = ExportSettings.of(null, Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/"));
    assertTrue(both.traces() && both.metrics());
    assertEquals("http://c:4318/v1/traces", both.properties().get(TRACES));
    assertEquals("http://c:4318/v1/metrics", both.properties().get(METRICS));
    var one = ExportSettings.of(null, Map.of("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://c/m"));
    assertFalse(one.traces());
    assertEquals("http://c/m", one.properties().get(METRICS));
    assertEquals("none", one.properties().get("otel.traces.exporter"));
    var some =
        ExportSettings.of(
            null,
            Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c", "OTEL_TRACES_EXPORTER", "none"));
    assertFalse(some.traces());
    assertTrue(some.metrics());
  }

  @Test
  void disabledMeansOffWhoeverAsks() throws Exception {
    Map<String, String> environment =
        Map.of("OTEL_SDK_DISABLED", "TRUE", "OTEL_EXPORTER_OTLP_ENDPOINT", "http://c");
    assertFalse(settings("{'enable_observability':true}", environment).on());
    assertFalse(ExportSettings.of(null, environment).on());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '"',
      value = {
        "'protocol':'Http' | http://env:1/base/v1/traces",
        "'observability_endpoint':'http://h:4318' | http://h:4318/v1/traces",
        "'observability_endpoint':'http://h:4318/' | http://h:4318/v1/traces",
        "'observability_endpoint':'http://h:4318/in' | http://h:4318/in",
        "'observability_endpoint':'http://h','traces_endpoint':'https://t/x?k=v' | https://t/x",
        "'observability_endpoint':'h:4317' | http://env:1/base/v1/traces",
        "'traces_endpoint':'ftp://t' | http://env:1/base/v1/traces",
        "'observability_endpoint':'http://u:pw@h:1' | http://h:1/v1/traces",
        "'protocol':'Grpc','observability_endpoint':'http://h:4317' | http://h:4318/v1/traces",
        "'protocol':'grpc','observability_endpoint':'http://h:999' | http://h:999/v1/traces",
        "'protocol':'grpc','traces_endpoint':'https://h:4317' | https://h:4318/v1/traces",
      })
  void hostsEndpointWinsAndIsCompleted(String otel, String endpoint) throws Exception {
    ExportSettings settings =
        settings(
            "{'enable_traces':true," + otel + "}",
            Map.of("OTEL_EXPORTER_OTLP_ENDPOINT", "http://env:1/base"));
    assertEquals(endpoint, settings.properties().get(TRACES));
    assertEquals("http/protobuf", settings.properties().get("otel.exporter.otlp.traces.protocol"));
  }

  @Test
  void withoutAnyEndpointItIsTheLocalCollector() throws Exception {
    for (String protocol : List.of("Http", "Grpc")) {
      ExportSettings settings =
          settings("{'enable_traces':true,'protocol':'" + protocol + "'}", Map.of());
      assertEquals("http://localhost:4318/v1/traces", settings.properties().get(TRACES));
    }
  }

  @Test
  void protocolThatIsNotSpokenIsTold() throws Exception {
    List<String> grpc =
        List.of("protocol gRPC is not supported; traces go over HTTP to http://h:4318/v1/traces");
    assertEquals(
        grpc,
        settings(
                "{'enable_traces':true,'protocol':'Grpc','traces_endpoint':'http://h:4317'}",
                Map.of("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"))
            .problems());
    assertEquals(
        grpc,
        ExportSettings.of(
                null,
                Map.of(
                    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://h:4317",
                    "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"))
            .problems());
    assertEquals(
        List.of("traces are sent as http/protobuf, the only protocol there is"),
        ExportSettings.of(
                null,
                Map.of(
                    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://h",
                    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"))
            .problems());
  }

  @Test
  void hostsSamplerAndQueueWinOverTheEnvironments() throws Exception {
    ExportSettings settings =
        settings(
            "{'enable_traces':true,'traces_sampler':'traceidratio','traces_sampler_arg':'0.25','max_batch_queue_size':100}",
            Map.of("OTEL_TRACES_SAMPLER", "always_off", "OTEL_BSP_MAX_QUEUE_SIZE", "7"));
    assertEquals("traceidratio", settings.properties().get("otel.traces.sampler"));
    assertEquals("0.25", settings.properties().get("otel.traces.sampler.arg"));
    assertEquals("100", settings.properties().get("otel.bsp.max.queue.size"));
    assertEquals("100", settings.properties().get("otel.bsp.max.export.batch.size"));
    ExportSettings environments =
        settings("{'enable_traces':true}", Map.of("OTEL_TRACES_SAMPLER", "always_off"));
    assertEquals("always_off", environments.properties().get("otel.traces.sampler"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "'traceidratio','traces_sampler_arg':'2'",
        "'parentbased_traceidratio','traces_sampler_arg':'x'",
        "'s3cret'"
      })
  void samplerThatMakesNoSenseSamplesAll(String sampler) throws Exception {
    ExportSettings settings =
        settings("{'enable_traces':true,'traces_sampler':" + sampler + "}", Map.of());
    assertEquals(1, settings.problems().size());
    assertFalse(settings.problems().toString().contains("s3cret"));
    boolean ratio = sampler.contains("arg");
    assertEquals(ratio, "1".equals(settings.properties().get("otel.traces.sampler.arg")));
    assertEquals(
        !ratio, "parentbased_always_on".equals(settings.properties().get("otel.traces.sampler")));
  }

  @Test
  void serviceNameIsOursUnlessTheEnvironmentNamesOne() throws Exception {
    String on = "{'enable_traces':true}";
    String property = "otel.service.name";
    assertEquals("nats-kvcache", settings(on, Map.of()).properties().get(property));
    assertEquals("x", settings(on, Map.of("OTEL_SERVICE_NAME", "x")).properties().get(property));
    assertFalse(
        settings(on, Map.of("OTEL_RESOURCE_ATTRIBUTES", "a=b,service.name=x"))
            .properties()
            .containsKey(property));
  }

  @Test
  void invalidPartsAreToldAndTheRestCounts() throws Exception {
    ExportSettings settings =
        settings(
            "{'enable_observability':'yes','enable_traces':true,'enable_logs':true,'protocol':'Smoke',"
                + "'observability_endpoint':'http://u:s3cret@h','metrics_endpoint':5,'additional_ca_paths':['/ca.pem',7],"
                + "'max_batch_queue_size':-1,'unknown':{}}",
            Map.of());
    assertTrue(settings.traces());
    assertFalse(settings.metrics());
    assertEquals(List.of("/ca.pem"), settings.caFiles());
    assertEquals(
        List.of(
            "enable_observability is neither true nor false",
            "enable_logs is not supported: logs go to standard error",
            "protocol is neither Http nor Grpc",
            "metrics_endpoint is no text",
            "additional_ca_paths is no list of file names",
            "max_batch_queue_size is no number above 0",
            "observability_endpoint of otel_config holds credentials or a query, which are not sent; OTEL_EXPORTER_OTLP_HEADERS can carry them"),
        settings.problems());
  }

  @Test
  void whatMayBeSecretIsNotTold() {
    ExportSettings settings =
        ExportSettings.of(
            null,
            Map.of(
                "OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:s3cret@h",
                "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://h/m?token=s3cret",
                "OTEL_EXPORTER_OTLP_HEADERS", "authorization=s3cret"));
    assertEquals("http://h/m", settings.told(true, "metrics"));
    assertEquals("http://h/v1/traces", settings.told(true, "traces"));
    assertEquals("off", settings.told(false, "traces"));
    assertEquals(2, settings.problems().size());
    assertFalse((settings + " " + settings.problems()).contains("s3cret"));
    assertEquals("authorization=s3cret", settings.properties().get("otel.exporter.otlp.headers"));
  }

  @Test
  void hostDataWithoutOtelConfigSaysNothing() throws Exception {
    for (String absent : List.of("null", "7", "[]")) assertEquals(null, host(absent));
  }
}
