package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nats.client.Connection;
import io.nats.client.Message;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.natskvcache.ProviderProcess;
import org.natskvcache.rpc.wasmbus.HealthResponse;
import org.natskvcache.rpc.wrpc.WrpcVectors;
import software.pando.crypto.nacl.CryptoBox;

/** One instance under a host 1.x, which has the keys of the vectors. */
final class WrpcProvider extends Instance {
  private static final ObjectMapper JSON = new ObjectMapper();

  WrpcProvider(Connection host, HostDataLine hostData, ProviderProcess process) {
    super(host, hostData, process);
  }

  String id() {
    return hostData.text("provider_key");
  }

  private String lattice() {
    return hostData.text("lattice_rpc_prefix");
  }

  /** A control subject, such as {@code health}. */
  String control(String what) {
    return "wasmbus.rpc." + lattice() + "." + id() + "." + what;
  }

  /** Where hosts put links: by the curve key, where there is one. */
  String linkPuts() {
    return hostData.text("provider_xkey_private_key").isEmpty()
        ? control("linkdefs.put")
        : "wasmbus.rpc." + lattice() + "." + vectorKey(0, "public") + ".linkdefs.put";
  }

  private static String vectorKey(int index, String member) {
    return WrpcVectors.of("xkey").get("keys").get(index).get(member).textValue();
  }

  /** The calls of a component by some link, linked or not. */
  WrpcComponent component(String id, String linkName) {
    return new WrpcComponent(host, lattice() + "." + id(), id, linkName);
  }

  /** The health answer as it is sent. */
  @Nullable String healthText() {
    Message reply = request(control("health"), new byte[0], HEALTH_MAX);
    return reply == null ? null : new String(reply.getData(), UTF_8);
  }

  @Override
  public @Nullable HealthResponse healthOrNull() {
    String text = healthText();
    try {
      if (text == null) return null;
      JsonNode json = JSON.readTree(text);
      return new HealthResponse(
          json.get("healthy").booleanValue(), json.path("message").asText(""));
    } catch (IOException e) {
      throw new AssertionError("not a health response: " + text, e);
    }
  }

  /** As a host: asks the instance of this host to stop, and waits for the answer. */
  void shutDown(String hostId) {
    shutDown(control("default.shutdown"), "{\"host_id\":\"" + hostId + "\"}");
  }

  /** A link of a component to an instance of this id. */
  static ObjectNode link(String source, String target, String name, Map<String, String> config) {
    return link(source, target, name, List.of("store", "atomics", "batch"), Map.of(), config);
  }

  /** A link by which the instance tells a component of changes. */
  static ObjectNode watch(String source, String target, String name, Map<String, String> config) {
    return link(source, target, name, List.of("watcher"), config, Map.of());
  }

  private static ObjectNode link(
      String source,
      String target,
      String name,
      List<String> interfaces,
      Map<String, String> sourceConfig,
      Map<String, String> targetConfig) {
    ObjectNode link =
        JSON.createObjectNode()
            .put("source_id", source)
            .put("target", target)
            .put("name", name)
            .put("wit_namespace", "wasi")
            .put("wit_package", "keyvalue");
    link.set("interfaces", JSON.valueToTree(interfaces));
    link.set("source_config", JSON.valueToTree(sourceConfig));
    link.set("target_config", JSON.valueToTree(targetConfig));
    return link.putNull("source_secrets").putNull("target_secrets");
  }

  /** The same link with these bytes as the target's secrets. */
  static ObjectNode withSecrets(ObjectNode link, byte[] sealed) {
    ObjectNode copy = link.deepCopy();
    var numbers = copy.putArray("target_secrets");
    for (byte each : sealed) numbers.add(each & 0xff);
    return copy;
  }

  /** {@code {"kind":"String","value":text}}. */
  static JsonNode text(String text) {
    return JSON.createObjectNode().put("kind", "String").put("value", text);
  }

  /** {@code {"kind":"Bytes","value":[...]}}. */
  static JsonNode bytes(String text) {
    ObjectNode secret = JSON.createObjectNode().put("kind", "Bytes");
    var numbers = secret.putArray("value");
    for (byte each : text.getBytes(UTF_8)) numbers.add(each & 0xff);
    return secret;
  }

  /** Sealed by the host of the vectors for the provider of the vectors. */
  static byte[] sealed(Map<String, JsonNode> secrets) {
    byte[] plain = JSON.valueToTree(secrets).toString().getBytes(UTF_8);
    HexFormat hex = HexFormat.of();
    JsonNode keys = WrpcVectors.of("xkey").get("keys");
    byte[] ours = hex.parseHex(keys.get(1).get("raw_private_hex").textValue());
    byte[] theirs = hex.parseHex(keys.get(0).get("raw_public_hex").textValue());
    try (var box =
        CryptoBox.encrypt(CryptoBox.privateKey(ours), CryptoBox.publicKey(theirs), plain)) {
      byte[] nonce = box.getNonce();
      byte[] rest = box.getCiphertextWithTag();
      byte[] sealed = new byte[4 + nonce.length + rest.length];
      System.arraycopy("xkv1".getBytes(UTF_8), 0, sealed, 0, 4);
      System.arraycopy(nonce, 0, sealed, 4, nonce.length);
      System.arraycopy(rest, 0, sealed, 4 + nonce.length, rest.length);
      return sealed;
    } catch (RuntimeException e) {
      throw new IllegalStateException(e);
    }
  }

  void put(ObjectNode link) {
    publish(linkPuts(), link);
  }

  void delete(ObjectNode link) {
    ObjectNode bare = link.deepCopy().putNull("source_secrets").putNull("target_secrets");
    bare.putObject("source_config");
    bare.putObject("target_config");
    publish(control("linkdefs.del"), bare);
  }

  private void publish(String subject, JsonNode json) {
    try {
      host.publish(subject, JSON.writeValueAsBytes(json));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
