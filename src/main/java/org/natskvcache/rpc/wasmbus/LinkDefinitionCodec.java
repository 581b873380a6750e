package org.natskvcache.rpc.wasmbus;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.natskvcache.rpc.LinkDefinition;

/**
 * Reads the link definitions a host publishes. More tolerant than the reference in one point:
 * values that are nil or missing are no values.
 */
public final class LinkDefinitionCodec {
  private static final Fields FIELDS =
      Fields.of("actor_id", "provider_id", "link_name", "contract_id", "values");

  private static final ObjectMapper JSON = new ObjectMapper();

  private LinkDefinitionCodec() {}

  public static LinkDefinition decode(byte[] payload) throws MessagePackException {
    var in = new MessagePackReader(payload);
    String actorId = "";
    String providerId = "";
    String linkName = "";
    String contractId = "";
    Map<String, String> values = Map.of();
    Struct struct = in.struct(FIELDS);
    for (int field = struct.next(); field != Struct.END; field = struct.next()) {
      switch (field) {
        case 0 -> actorId = in.string();
        case 1 -> providerId = in.string();
        case 2 -> linkName = in.string();
        case 3 -> contractId = in.string();
        default -> values = values(in);
      }
    }
    return new LinkDefinition(actorId, providerId, linkName, contractId, values);
  }

  /**
   * Reads the JSON that hosts answer to a request for all links: {@code {"links":[{"actor_id":"M…",
   * "provider_id":"V…","link_name":"default","contract_id":"…","values":{"K":"V"}}]}}. Empty when
   * it is something else. Source: wasmCloud 0.82, {@code crates/control-interface/src/types.rs}.
   */
  public static Optional<List<LinkDefinition>> list(byte[] json) {
    JsonNode links;
    try {
      links = JSON.readTree(json).path("links");
    } catch (IOException e) {
      return Optional.empty();
    }
    if (!links.isArray()) return Optional.empty();
    var all = new ArrayList<LinkDefinition>();
    for (JsonNode link : links) {
      var values = new TreeMap<String, String>();
      link.path("values")
          .properties()
          .forEach(entry -> values.put(entry.getKey(), entry.getValue().asText("")));
      all.add(
          new LinkDefinition(
              link.path("actor_id").asText(""),
              link.path("provider_id").asText(""),
              link.path("link_name").asText(""),
              link.path("contract_id").asText(""),
              values));
    }
    return Optional.of(List.copyOf(all));
  }

  /** The actor of a link that is whole and makes no sense; empty when it is not whole either. */
  public static String actor(byte[] payload) {
    String actorId = "";
    try {
      var in = new MessagePackReader(payload);
      Struct struct = in.struct(FIELDS);
      for (int field = struct.next(); field != Struct.END; field = struct.next()) {
        if (field == 0) actorId = in.string();
        else in.skip();
      }
      return actorId;
    } catch (MessagePackException e) {
      return "";
    }
  }

  private static Map<String, String> values(MessagePackReader in) throws MessagePackException {
    var values = new TreeMap<String, String>();
    if (!in.takeNil()) {
      for (int left = in.mapHeader(); left > 0; left--) {
        values.put(in.string(), in.string());
      }
    }
    return values;
  }
}
