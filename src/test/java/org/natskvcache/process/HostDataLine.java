package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;
import org.natskvcache.NatsForTests;
import org.natskvcache.rpc.wasmbus.SigningCaller;
import org.natskvcache.rpc.wasmbus.Vectors;
import org.natskvcache.rpc.wrpc.WrpcVectors;

/**
 * What a host writes on a provider's standard input: the golden vector of a host family, with the
 * address of a test's server in it. Immutable.
 */
public final class HostDataLine {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final ObjectNode object;
  private final String end;

  private HostDataLine(ObjectNode object, String end) {
    this.object = object;
    this.end = end;
  }

  /** The vector {@code hostdata.FAMILY}, such as {@code rust-0.82}, on the test's server. */
  static HostDataLine ofFamily(String family, NatsForTests nats) {
    JsonNode vector = Vectors.vector("hostdata." + family);
    String end = new String(HexFormat.of().parseHex(vector.get("eol_hex").textValue()), US_ASCII);
    return of(vector.get("json").textValue(), end, nats);
  }

  /** The line that a host 1.9 writes, on the test's server. */
  static HostDataLine ofOne(NatsForTests nats) {
    String line = WrpcVectors.of("host_data").get("stdin_line").textValue();
    String json = new String(Base64.getDecoder().decode(line.strip()), UTF_8);
    return of(json, line.substring(line.strip().length()), nats);
  }

  private static HostDataLine of(String json, String end, NatsForTests nats) {
    try {
      String ofTest = json.replace(":4222", ":" + nats.port());
      return new HostDataLine((ObjectNode) JSON.readTree(ofTest), end);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A member that is no text: lists, maps and the like become JSON. */
  HostDataLine with(String name, Object value) {
    var copy = object.deepCopy();
    copy.set(name, JSON.valueToTree(value));
    return new HostDataLine(copy, end);
  }

  HostDataLine with(String name, String text) {
    var copy = object.deepCopy();
    copy.put(name, text);
    return new HostDataLine(copy, end);
  }

  HostDataLine without(String name) {
    var copy = object.deepCopy();
    copy.remove(name);
    return new HostDataLine(copy, end);
  }

  /** The same with this link and no other. */
  public HostDataLine withLink(String actor, Map<String, String> values) {
    var copy = object.deepCopy();
    ObjectNode link = copy.putArray("link_definitions").addObject();
    link.put("actor_id", actor).put("provider_id", text("provider_key"));
    link.put("link_name", text("link_name")).put("contract_id", SigningCaller.CONTRACT);
    new TreeMap<>(values).forEach(link.putObject("values")::put);
    return new HostDataLine(copy, end);
  }

  HostDataLine withoutLinks() {
    var copy = object.deepCopy();
    copy.putArray("link_definitions");
    return new HostDataLine(copy, end);
  }

  boolean hasLinks() {
    return !object.path("link_definitions").isEmpty();
  }

  String text(String name) {
    return object.path(name).asText("");
  }

  /** Whether one of the flag's three names asks for JSON lines in the log. */
  boolean structuredLogging() {
    return object.path("structured_logging").asBoolean()
        || object.path("enable_structured_logging").asBoolean()
        || object.path("structured_logging_enabled").asBoolean();
  }

  /** The subject of its invocations, {@code P}. */
  String subject() {
    return "wasmbus.rpc."
        + text("lattice_rpc_prefix")
        + "."
        + text("provider_key")
        + "."
        + text("link_name");
  }

  /** Base64 and the host family's line end. */
  String line() {
    return Base64.getEncoder().encodeToString(object.toString().getBytes(UTF_8)) + end;
  }
}
