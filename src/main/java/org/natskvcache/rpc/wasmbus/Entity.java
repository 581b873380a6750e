package org.natskvcache.rpc.wasmbus;

import java.util.Locale;

/**
 * One end of a call: an actor, or a provider instance. Source: wasmCloud/weld, {@code
 * WasmCloudEntity}.
 *
 * @param publicKey {@code M...} for an actor, {@code V...} for a provider
 * @param linkName name of the provider instance; empty for an actor
 * @param contractId {@code wasmcloud:keyvalue}; empty for an actor
 */
public record Entity(String publicKey, String linkName, String contractId) {
  private static final Fields FIELDS = Fields.of("public_key", "link_name", "contract_id");

  /**
   * The URL that claims are made of. Contract and link name are lower-cased, their colons and
   * spaces replaced; the key keeps its case.
   */
  public String url() {
    if (publicKey.startsWith("M") || publicKey.startsWith("m")) {
      return "wasmbus://" + publicKey;
    }
    String contract = contractId.replace(':', '/').replace(' ', '_').toLowerCase(Locale.ROOT);
    String link = linkName.replace(' ', '_').toLowerCase(Locale.ROOT);
    return "wasmbus://" + contract + "/" + link + "/" + publicKey;
  }

  /** The URL with an operation behind it, as it is signed for a target. */
  public String url(String operation) {
    return url() + "/" + operation;
  }

  void write(MessagePackWriter out) {
    out.mapHeader(3).text("public_key").text(publicKey);
    out.text("link_name").text(linkName).text("contract_id").text(contractId);
  }

  static Entity read(MessagePackReader in) throws MessagePackException {
    String publicKey = "";
    String linkName = "";
    String contractId = null;
    Struct struct = in.struct(FIELDS);
    for (int field = struct.next(); field != Struct.END; field = struct.next()) {
      switch (field) {
        case 0 -> publicKey = in.string();
        case 1 -> linkName = in.string();
        default -> contractId = in.string();
      }
    }
    if (contractId == null) {
      throw new MessagePackException("missing field contract_id");
    }
    return new Entity(publicKey, linkName, contractId);
  }
}
