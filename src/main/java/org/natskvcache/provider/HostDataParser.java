package org.natskvcache.provider;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import org.natskvcache.rpc.LinkDefinition;
import org.natskvcache.rpc.wrpc.ControlCodec;
import org.natskvcache.rpc.wrpc.MalformedMessageException;

/** Reads the line of host data. Every failure is one sentence that repeats nothing of the line. */
final class HostDataParser {
  private static final String DEFAULT_LATTICE_URL = "nats://127.0.0.1:4222";

  /** The logging flag's names: since 0.61, 0.55 to 0.60, 0.54. */
  private static final List<String> STRUCTURED_LOGGING =
      List.of("structured_logging", "enable_structured_logging", "structured_logging_enabled");

  private static final ObjectMapper JSON = new ObjectMapper();

  private HostDataParser() {}

  static HostData parse(byte[] line) throws HostDataException {
    JsonNode root = object(line);
    boolean wrpc = isOfHostsSinceOne(root);
    var malformed = new ArrayList<String>();
    try {
      return new HostData(
          text(root, "host_id"),
          text(root, "lattice_rpc_prefix"),
          text(root, "provider_key"),
          text(root, "instance_id"),
          servers(text(root, "lattice_rpc_url")),
          text(root, "lattice_rpc_user_jwt"),
          text(root, "lattice_rpc_user_seed"),
          wrpc
              ? ControlCodec.texts(root.path("config"), "config")
              : config(root.path("config_json")),
          ControlCodec.secrets(root.path("secrets")),
          STRUCTURED_LOGGING.stream()
              .anyMatch(name -> root.path(name).asText("").equalsIgnoreCase("true")),
          text(root, "log_level"),
          wrpc ? wrpc(root, malformed) : wasmbus(root, malformed),
          List.copyOf(malformed));
    } catch (MalformedMessageException e) {
      throw new HostDataException("host data: " + e.getMessage());
    }
  }

  private static HostData.Contract wasmbus(JsonNode root, List<String> malformed)
      throws HostDataException {
    return new HostData.Contract.Wasmbus(
        text(root, "link_name"),
        issuers(root.path("cluster_issuers")),
        links(root, HostDataParser::link, malformed),
        text(root, "js_domain"),
        root.hasNonNull("structured_logging") || root.hasNonNull("otel_config"));
  }

  private static HostData.Contract wrpc(JsonNode root, List<String> malformed)
      throws HostDataException {
    return new HostData.Contract.Wrpc(
        text(root, "host_xkey_public_key"),
        text(root, "provider_xkey_private_key"),
        links(root, ControlCodec::link, malformed),
        root.path("otel_config").isObject()
            ? OtelConfigParser.parse(root.path("otel_config"))
            : null);
  }

  private static JsonNode object(byte[] line) throws HostDataException {
    String text = new String(line, StandardCharsets.ISO_8859_1).strip();
    if (text.isEmpty()) {
      throw new HostDataException(
          "no host data on standard input: a wasmCloud host sends one line there");
    }
    byte[] json;
    try {
      json = Base64.getDecoder().decode(text);
    } catch (IllegalArgumentException e) {
      throw new HostDataException("host data is not base64");
    }
    try {
      JsonNode root = JSON.readTree(json);
      if (root != null && root.isObject()) {
        return root;
      }
    } catch (IOException e) {
      // its message could repeat a seed; the sentence below says enough
    }
    throw new HostDataException("host data is not a JSON object");
  }

  private static boolean isOfHostsSinceOne(JsonNode root) {
    boolean links = false;
    for (JsonNode link : root.path("link_definitions")) {
      links |= link.has("source_id");
    }
    return links || root.has("config") || root.has("host_xkey_public_key");
  }

  private static String text(JsonNode object, String member) {
    return object.path(member).asText("").strip();
  }

  private static List<ServerUrl> servers(String url) throws HostDataException {
    return switch (ServerUrl.parseList(url.isEmpty() ? DEFAULT_LATTICE_URL : url)) {
      case ServerUrl.Parsed.Valid(var servers) -> servers;
      case ServerUrl.Parsed.Invalid(var reason) ->
          throw new HostDataException("lattice_rpc_url " + reason);
    };
  }

  private static Set<String> issuers(JsonNode list) throws HostDataException {
    var issuers = new LinkedHashSet<String>();
    for (JsonNode issuer : elements(list, "cluster_issuers")) {
      issuers.add(issuer.asText("").strip());
    }
    return Collections.unmodifiableSet(issuers);
  }

  /** Reads one link. */
  private interface LinkReader<T> {
    T read(JsonNode link) throws MalformedMessageException;
  }

  /** One link that cannot be read must not keep the others from being served. */
  private static <T> List<T> links(JsonNode root, LinkReader<T> reader, List<String> malformed)
      throws HostDataException {
    var links = new ArrayList<T>();
    int number = 0;
    for (JsonNode link : elements(root.path("link_definitions"), "link_definitions")) {
      number++;
      try {
        links.add(reader.read(link));
      } catch (MalformedMessageException e) {
        malformed.add("link " + number + " of the host data cannot be read: " + e.getMessage());
      }
    }
    return List.copyOf(links);
  }

  private static LinkDefinition link(JsonNode link) throws MalformedMessageException {
    return new LinkDefinition(
        text(link, "actor_id"),
        text(link, "provider_id"),
        text(link, "link_name"),
        text(link, "contract_id"),
        ControlCodec.texts(link.path("values"), "values of a link"));
  }

  private static JsonNode elements(JsonNode list, String name) throws HostDataException {
    if (list.isArray() || list.isMissingNode() || list.isNull()) {
      return list;
    }
    throw new HostDataException("host data: " + name + " is not a list");
  }

  /**
   * Operators write the configuration as an object; hosts hand it on as a text that holds it, or as
   * an empty one.
   */
  private static SortedMap<String, String> config(JsonNode node)
      throws HostDataException, MalformedMessageException {
    if (!node.isTextual()) {
      return ControlCodec.texts(node, "config_json");
    }
    try {
      return node.textValue().isBlank()
          ? ControlCodec.texts(JSON.nullNode(), "config_json")
          : ControlCodec.texts(JSON.readTree(node.textValue()), "config_json");
    } catch (IOException e) {
      throw new HostDataException(
          "config_json is not JSON"); // the parser's message could repeat a secret
    }
  }
}
