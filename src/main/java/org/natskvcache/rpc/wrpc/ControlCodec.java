package org.natskvcache.rpc.wrpc;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.natskvcache.rpc.Utf8;
import org.natskvcache.store.Bytes;

/**
 * The JSON of a host's control messages and of what it tells at start. Members we do not know are
 * ignored. Source: wasmCloud 1.9, {@code crates/core/src/{rpc,host,secrets}.rs}, {@code
 * crates/control-interface/src/types/{ctl,link}.rs}.
 */
public final class ControlCodec {
  /** What to answer to a shutdown once everything that must survive is done. */
  public static final String SHUTDOWN_REPLY = "shutting down";

  /** Members of a listed link that mean the same as in a published one. */
  private static final List<String> LISTED =
      List.of("source_id", "target", "name", "wit_namespace", "wit_package", "interfaces");

  private static final ObjectMapper JSON = new ObjectMapper();

  private ControlCodec() {}

  /** Reads a link as published. */
  public static InterfaceLink link(byte[] payload) throws MalformedMessageException {
    return link(object(payload));
  }

  /** Reads which link it is and nothing more, so that one with broken settings can be named. */
  public static InterfaceLink linkNamed(byte[] payload) throws MalformedMessageException {
    ObjectNode link = object(payload);
    link.remove(List.of("source_config", "target_config", "source_secrets", "target_secrets"));
    return link(link);
  }

  /** Reads a link as it stands in host data. */
  public static InterfaceLink link(JsonNode link) throws MalformedMessageException {
    List<String> interfaces = new ArrayList<>();
    for (JsonNode name : link.path("interfaces")) interfaces.add(name.asText(""));
    String name = link.path("name").asText("");
    return new InterfaceLink(
        required(link, "source_id"),
        required(link, "target"),
        name.isEmpty() ? "default" : name,
        required(link, "wit_namespace"),
        required(link, "wit_package"),
        interfaces,
        texts(link.path("source_config"), "source_config"),
        texts(link.path("target_config"), "target_config"),
        numbers(link.path("source_secrets"), "source_secrets"),
        numbers(link.path("target_secrets"), "target_secrets"));
  }

  /**
   * The data of a control interface's answer {@code {"success":true,"message":"","response":…}}.
   */
  private static JsonNode response(byte[] answer) throws MalformedMessageException {
    JsonNode node = object(answer);
    if (node.path("success").asBoolean()) return node.path("response");
    throw new MalformedMessageException("not the answer to a request that succeeded");
  }

  /**
   * Reads the answer to a control interface's {@code link.get}: all links of the lattice. One that
   * makes no sense is left out, so that it hides no other.
   */
  public static List<ListedLink> links(byte[] answer) throws MalformedMessageException {
    JsonNode response = response(answer);
    if (!response.isArray()) throw new MalformedMessageException("not a list of links");
    List<ListedLink> links = new ArrayList<>();
    for (JsonNode link : response) {
      ObjectNode bare = JSON.createObjectNode();
      for (String member : LISTED) bare.set(member, link.path(member));
      try {
        links.add(
            new ListedLink(
                link(bare), list(link.path("source_config")), list(link.path("target_config"))));
      } catch (MalformedMessageException e) {
        // another provider's, or a host's fault
      }
    }
    return List.copyOf(links);
  }

  private static List<String> list(JsonNode node) {
    List<String> texts = new ArrayList<>();
    for (JsonNode text : node) texts.add(text.asText(""));
    return texts;
  }

  /**
   * Reads the answer to a control interface's {@code config.get.NAME}; empty when the host has no
   * such configuration.
   */
  public static Optional<SortedMap<String, String>> namedConfig(byte[] answer)
      throws MalformedMessageException {
    JsonNode response = response(answer);
    return response.isObject() ? Optional.of(texts(response, "a configuration")) : Optional.empty();
  }

  /** Reads a provider's complete configuration. */
  public static SortedMap<String, String> config(byte[] payload) throws MalformedMessageException {
    return texts(object(payload), "the configuration");
  }

  /** Reads secrets that a sealed message held. */
  public static SortedMap<String, String> secrets(Bytes plain) throws MalformedMessageException {
    return secrets(object(plain.array()));
  }

  /**
   * Reads secrets: names to {@code {"kind":"String","value":"text"}} or {@code
   * {"kind":"Bytes","value":[1,2,255]}}. All our settings are text, so bytes must be UTF-8.
   */
  public static SortedMap<String, String> secrets(JsonNode node) throws MalformedMessageException {
    var secrets = new TreeMap<String, String>();
    for (var entry : membersOf(node, "secrets")) {
      JsonNode value = entry.getValue().path("value");
      switch (entry.getValue().path("kind").asText("")) {
        case "String" -> secrets.put(entry.getKey(), value.asText(""));
        case "Bytes" -> {
          byte[] bytes = numbers(value, "bytes of a secret").array();
          // bytes that are no text can only be meant for another reader
          if (Utf8.isValid(bytes)) {
            secrets.put(entry.getKey(), new String(bytes, StandardCharsets.UTF_8));
          }
        }
        default -> throw new MalformedMessageException("a secret is neither String nor Bytes");
      }
    }
    return Collections.unmodifiableSortedMap(secrets);
  }

  /** Whether a shutdown request names this host; all instances on all hosts get each request. */
  public static boolean isShutdownOf(String hostId, byte[] payload) {
    try {
      return !hostId.isEmpty() && hostId.equals(object(payload).path("host_id").asText(""));
    } catch (MalformedMessageException e) {
      return false; // whoever it means, it does not say that it is us
    }
  }

  /**
   * The answer to a health request.
   *
   * @param message for a person; empty is not sent
   */
  public static byte[] health(boolean healthy, String message) {
    ObjectNode node = JSON.createObjectNode().put("healthy", healthy);
    if (!message.isEmpty()) node.put("message", message);
    return node.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** A flat object of texts; nulls are left out, other values become their JSON text. */
  public static SortedMap<String, String> texts(JsonNode node, String name)
      throws MalformedMessageException {
    var texts = new TreeMap<String, String>();
    for (var entry : membersOf(node, name)) {
      JsonNode value = entry.getValue();
      if (!value.isNull()) {
        texts.put(entry.getKey(), value.isValueNode() ? value.asText() : value.toString());
      }
    }
    return Collections.unmodifiableSortedMap(texts);
  }

  private static Iterable<Map.Entry<String, JsonNode>> membersOf(JsonNode node, String name)
      throws MalformedMessageException {
    if (!node.isObject() && !node.isMissingNode() && !node.isNull()) {
      throw new MalformedMessageException(name + " is not an object");
    }
    return node.properties();
  }

  private static String required(JsonNode object, String member) throws MalformedMessageException {
    String text = object.path(member).asText("");
    if (text.isEmpty()) throw new MalformedMessageException(member + " is missing");
    return text;
  }

  /** Bytes as hosts write them: an array of numbers. */
  private static Bytes numbers(JsonNode node, String name) throws MalformedMessageException {
    if (node.isMissingNode() || node.isNull()) return Bytes.EMPTY;
    if (!node.isArray()) throw new MalformedMessageException(name + " is not a list of bytes");
    var bytes = new ByteArrayOutputStream(node.size());
    for (JsonNode number : node) {
      if (!number.isInt() || number.intValue() < 0 || number.intValue() > 255) {
        throw new MalformedMessageException(name + " holds something else than bytes");
      }
      bytes.write(number.intValue());
    }
    return new Bytes(bytes.toByteArray());
  }

  private static ObjectNode object(byte[] payload) throws MalformedMessageException {
    try {
      JsonNode node = JSON.readTree(payload);
      if (node instanceof ObjectNode object) return object;
    } catch (IOException e) {
      // its message could repeat a credential; the sentence below says enough
    }
    throw new MalformedMessageException("not a JSON object");
  }
}
