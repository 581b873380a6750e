package org.natskvcache.rpc.wasmbus;

import java.util.Map;
import java.util.TreeMap;
import org.natskvcache.rpc.LinkDefinition;

/**
 * Reads the link definitions a host publishes. More tolerant than the reference in one point:
 * values that are nil or missing are no values.
 */
public final class LinkDefinitionCodec {
  private static final Fields FIELDS =
      Fields.of("actor_id", "provider_id", "link_name", "contract_id", "values");

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
