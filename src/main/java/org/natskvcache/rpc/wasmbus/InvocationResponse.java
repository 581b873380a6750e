package org.natskvcache.rpc.wasmbus;

import org.jspecify.annotations.Nullable;
import org.natskvcache.store.Bytes;

/**
 * The answer to an {@link Invocation}. Its length is always sent: Rust hosts cannot decode a
 * response without it, even one that holds an error.
 *
 * @param invocationId copy of the request's id; empty when that could not be read
 * @param msg the encoded result; empty for an error, for nothing, and for a result that lies in the
 *     object store
 * @param contentLength size of the whole result in bytes, wherever it is
 * @param error what went wrong, never empty; null for success
 */
public record InvocationResponse(
    String invocationId, Bytes msg, long contentLength, @Nullable String error) {
  /**
   * Largest result that travels inside a response: hosts since 0.53 look for a larger one, and for
   * no other, in the object store.
   */
  public static final int INLINE_BYTES_MAX = 900 * 1024;

  private static final int ENVELOPE_BYTES = 64;
  private static final Fields FIELDS =
      Fields.of("msg", "invocation_id", "error", "content_length", "traceContext");

  /** Reads a response as a Rust host does, which insists on the length. */
  public static InvocationResponse decode(byte[] payload) throws MessagePackException {
    var in = new MessagePackReader(payload);
    Bytes msg = Bytes.EMPTY;
    String id = "";
    String error = null;
    long contentLength = -1;
    Struct struct = in.struct(FIELDS);
    for (int field = struct.next(); field != Struct.END; field = struct.next()) {
      switch (field) {
        case 0 -> msg = in.blob();
        case 1 -> id = in.string();
        case 2 -> error = in.takeNil() ? null : in.string();
        case 3 -> contentLength = in.integer(0, Long.MAX_VALUE);
        default -> in.skip();
      }
    }
    if (contentLength < 0) throw new MessagePackException("missing field content_length");
    return new InvocationResponse(id, msg, contentLength, error);
  }

  /** A success whose result travels inside. */
  public static InvocationResponse ok(String invocationId, Bytes result) {
    return new InvocationResponse(invocationId, result, result.size(), null);
  }

  /** A success whose result lies in the object store. */
  public static InvocationResponse stored(String invocationId, long resultBytes) {
    return new InvocationResponse(invocationId, Bytes.EMPTY, resultBytes, null);
  }

  /** A failure; the caller sees the text. */
  public static InvocationResponse error(String invocationId, String text) {
    return new InvocationResponse(invocationId, Bytes.EMPTY, 0, text);
  }

  /** The failure of a call whose result cannot travel. */
  public static InvocationResponse tooLarge(String invocationId, long bytesMax) {
    return error(invocationId, tooLargeText(bytesMax));
  }

  static String tooLargeText(long bytesMax) {
    return "result is larger than " + bytesMax + " bytes; larger results are not supported";
  }

  /** The payload to publish. */
  public byte[] encode() {
    int errorLength = error == null ? 0 : error.length();
    var out =
        new MessagePackWriter(ENVELOPE_BYTES + msg.size() + invocationId.length() + errorLength);
    out.mapHeader(error == null ? 3 : 4);
    out.text("msg").blob(msg.array());
    out.text("invocation_id").text(invocationId);
    if (error != null) {
      out.text("error").text(error);
    }
    return out.text("content_length").integer(contentLength).toByteArray();
  }
}
