package org.natskvcache.rpc.wasmbus;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.jspecify.annotations.Nullable;
import org.natskvcache.store.Bytes;

/**
 * A call as it arrives. Source: wasmCloud/weld, wasmbus-rpc 0.15.0.
 *
 * @param origin the calling actor
 * @param target the provider that is called
 * @param operation as on the wire, {@code KeyValue.Get}; it is signed in this form
 * @param msg the encoded argument; empty when the body was left in an object store
 * @param id opaque; the response repeats it
 * @param encodedClaims the JWT that covers all this
 * @param hostId key of the calling host, or of its cluster
 * @param contentLength size of the whole body in bytes, or {@link #NO_CONTENT_LENGTH}
 */
public record Invocation(
    Entity origin,
    Entity target,
    String operation,
    Bytes msg,
    String id,
    String encodedClaims,
    String hostId,
    long contentLength) {
  /** Hosts before 0.53 send no length. */
  public static final long NO_CONTENT_LENGTH = -1;

  private static final int ENVELOPE_BYTES = 512;

  private static final Fields FIELDS =
      Fields.of(
          "origin",
          "target",
          "operation",
          "msg",
          "id",
          "encoded_claims",
          "host_id",
          "content_length",
          "traceContext");

  /** Reads an invocation; fields that are missing read as empty, except origin and target. */
  public static Invocation decode(byte[] payload) throws MessagePackException {
    var in = new MessagePackReader(payload);
    var draft = new Draft();
    Struct struct = in.struct(FIELDS);
    for (int field = struct.next(); field != Struct.END; field = struct.next()) {
      draft.read(field, in);
    }
    return draft.finish();
  }

  /** The payload to publish. */
  public byte[] encode() {
    boolean sized = contentLength != NO_CONTENT_LENGTH;
    var out = new MessagePackWriter(ENVELOPE_BYTES + encodedClaims.length() + msg.size());
    out.mapHeader(sized ? 8 : 7);
    origin.write(out.text("origin"));
    target.write(out.text("target"));
    out.text("operation").text(operation).text("msg").blob(msg.array()).text("id").text(id);
    out.text("encoded_claims").text(encodedClaims).text("host_id").text(hostId);
    if (sized) out.text("content_length").integer(contentLength);
    return out.toByteArray();
  }

  /** Whether the body is not in {@code msg} but in the object store. */
  public boolean bodyElsewhere() {
    return contentLength > msg.size();
  }

  /** The same invocation with its body inside. */
  public Invocation withBody(Bytes body) {
    return new Invocation(origin, target, operation, body, id, encodedClaims, hostId, body.size());
  }

  /** Whether the caller fetches a large result from the object store: hosts do since 0.53. */
  public boolean callerFetches() {
    return contentLength != NO_CONTENT_LENGTH;
  }

  /**
   * Whether the caller may look for objects under their raw names: hosts before 0.60 do, which name
   * their cluster instead of themselves, as do those up to 0.63.
   */
  public boolean callerMayUseRawNames() {
    return !hostId.startsWith("N");
  }

  /**
   * Upper-case hex of the SHA-256 that the claims must hold: origin URL, target URL, operation once
   * more, body.
   */
  public String hash() {
    MessageDigest digest = sha256();
    digest.update(origin.url().getBytes(StandardCharsets.UTF_8));
    digest.update(target.url(operation).getBytes(StandardCharsets.UTF_8));
    digest.update(operation.getBytes(StandardCharsets.UTF_8));
    digest.update(msg.array());
    return HexFormat.of().withUpperCase().formatHex(digest.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /** The fields read so far. */
  private static final class Draft {
    private @Nullable Entity origin;
    private @Nullable Entity target;
    private String operation = "";
    private Bytes msg = Bytes.EMPTY;
    private String id = "";
    private String encodedClaims = "";
    private String hostId = "";
    private long contentLength = NO_CONTENT_LENGTH;

    void read(int field, MessagePackReader in) throws MessagePackException {
      switch (field) {
        case 0 -> origin = Entity.read(in);
        case 1 -> target = Entity.read(in);
        case 2 -> operation = in.string();
        case 3 -> msg = in.blob();
        case 4 -> id = in.string();
        case 5 -> encodedClaims = in.string();
        case 6 -> hostId = in.string();
        case 7 -> contentLength = in.takeNil() ? NO_CONTENT_LENGTH : in.integer(0, Long.MAX_VALUE);
        default -> in.skip();
      }
    }

    Invocation finish() throws MessagePackException {
      if (origin == null || target == null) {
        throw new MessagePackException("missing field " + (origin == null ? "origin" : "target"));
      }
      return new Invocation(
          origin, target, operation, msg, id, encodedClaims, hostId, contentLength);
    }
  }
}
