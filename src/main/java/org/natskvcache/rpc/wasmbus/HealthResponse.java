package org.natskvcache.rpc.wasmbus;

/**
 * The answer to a host's health request, whatever that holds.
 *
 * @param healthy what the host reports
 * @param message for a person; empty is not sent
 */
public record HealthResponse(boolean healthy, String message) {
  private static final Fields FIELDS = Fields.of("healthy", "message");

  /** The payload to publish. */
  public byte[] encode() {
    var out = new MessagePackWriter(32 + message.length());
    out.mapHeader(message.isEmpty() ? 1 : 2).text("healthy").flag(healthy);
    if (!message.isEmpty()) {
      out.text("message").text(message);
    }
    return out.toByteArray();
  }

  /** Reads a response, as a host does. */
  public static HealthResponse decode(byte[] payload) throws MessagePackException {
    var in = new MessagePackReader(payload);
    boolean healthy = false;
    String message = "";
    Struct struct = in.struct(FIELDS);
    for (int field = struct.next(); field != Struct.END; field = struct.next()) {
      switch (field) {
        case 0 -> healthy = in.flag();
        default -> message = in.takeNil() ? "" : in.string();
      }
    }
    return new HealthResponse(healthy, message);
  }
}
