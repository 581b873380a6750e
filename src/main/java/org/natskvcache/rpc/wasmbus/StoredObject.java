package org.natskvcache.rpc.wasmbus;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the object store of a lattice says of one body that is too large for a message.
 *
 * <pre>
 *   stream OBJ_BUCKET, bucket = lattice
 *   $O.BUCKET.C.NUID    the body's chunks, in order, {@link #CHUNK_BYTES} each, the last one shorter
 *   $O.BUCKET.M.NAME'   then this, as JSON; it replaces what was there ("Nats-Rollup: sub")
 * </pre>
 *
 * <p>{@code NAME'} is the name in base64url with padding; hosts before 0.60 write the raw name with
 * {@code _} for dots and spaces. A request's body has its invocation's id for a name, a result's
 * the id followed by {@code -r}. Sources: nats-io/nats.rs 0.18 to 0.24 and async-nats 0.22 to 0.33,
 * object_store; wasmCloud/weld, chunkify.rs.
 *
 * @param nuid what the chunks are stored under, one token
 * @param size of the body, bytes
 * @param digest {@code SHA-256=} and the body's hash in base64url with padding; clients before 0.21
 *     leave it empty
 */
public record StoredObject(
    String name,
    String bucket,
    String nuid,
    long size,
    long chunks,
    String digest,
    boolean deleted) {
  /**
   * Largest body we take or leave, bytes: the values of one request or answer together. Twice the
   * largest payload that NATS advises, so never what bounds a single value.
   */
  public static final int BODY_BYTES_MAX = 16 << 20;

  /** Size of a chunk, bytes. */
  public static final int CHUNK_BYTES = 128 << 10;

  /** Longest name, bytes; hosts' names have 38 at most. */
  static final int NAME_BYTES_MAX = 256;

  private static final Pattern TOKEN = Pattern.compile("[A-Za-z0-9_-]{1,256}");

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Describes a body that is to be stored. */
  public static StoredObject of(String bucket, String name, String nuid, byte[] body) {
    long chunks = (body.length + CHUNK_BYTES - 1L) / CHUNK_BYTES;
    return new StoredObject(name, bucket, nuid, body.length, chunks, digest(body), false);
  }

  /** The name of a result's object. */
  public static String resultName(String invocationId) {
    return invocationId + "-r";
  }

  /** The stream that is the bucket. */
  public static String stream(String bucket) {
    return "OBJ_" + bucket;
  }

  /** The subjects of the bucket's stream. */
  public static List<String> subjects(String bucket) {
    return List.of("$O." + bucket + ".C.>", "$O." + bucket + ".M.>");
  }

  /**
   * Where an object of this name may be described, the usual place first. None for a name no host
   * would choose.
   */
  public static List<String> metaSubjects(String bucket, String name) {
    byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
    if (bytes.length == 0 || bytes.length > NAME_BYTES_MAX) {
      return List.of();
    }
    String prefix = "$O." + bucket + ".M.";
    String usual = prefix + Base64.getUrlEncoder().encodeToString(bytes);
    String raw = name.replace('.', '_').replace(' ', '_');
    return TOKEN.matcher(raw).matches() ? List.of(usual, prefix + raw) : List.of(usual);
  }

  /** Where the chunks are. */
  public String chunkSubject() {
    return "$O." + bucket + ".C." + nuid;
  }

  /** What takes this one's place when the object is deleted. */
  public StoredObject deletion() {
    return new StoredObject(name, bucket, nuid, 0, 0, "", true);
  }

  /** Whether this is the body described; without a digest only its size tells. */
  public boolean describes(byte[] body) {
    return body.length == size && (digest.isEmpty() || digest.equals(digest(body)));
  }

  private static String digest(byte[] body) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(body);
      return "SHA-256=" + Base64.getUrlEncoder().encodeToString(hash);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  /**
   * The JSON to publish. It has the members of all client generations: hosts up to 0.63 demand
   * {@code modified}, those from 0.78 {@code mtime}; both ignore what they do not know.
   *
   * @param nowSeconds since 1970
   */
  public byte[] encode(long nowSeconds) {
    String now = Instant.ofEpochSecond(nowSeconds).toString();
    var out = JSON.createObjectNode();
    out.put("name", name).putNull("description").putNull("link");
    out.putObject("options").put("max_chunk_size", CHUNK_BYTES);
    out.put("bucket", bucket).put("nuid", nuid).put("size", size).put("chunks", chunks);
    out.put("modified", now).put("mtime", now).put("digest", digest).put("deleted", deleted);
    return out.toString().getBytes(StandardCharsets.UTF_8);
  }

  /** Reads what a client wrote about an object of ours; empty when it makes no sense. */
  public static Optional<StoredObject> decode(String bucket, byte[] json) {
    try {
      JsonNode in = JSON.readTree(json);
      if (in == null) {
        return Optional.empty();
      }
      String nuid = in.path("nuid").asText("");
      JsonNode size = in.path("size");
      if (!TOKEN.matcher(nuid).matches() || !size.canConvertToLong() || size.longValue() < 0) {
        return Optional.empty(); // a nuid with a wildcard would have us read and purge others
      }
      return Optional.of(
          new StoredObject(
              in.path("name").asText(""),
              bucket,
              nuid,
              size.longValue(),
              in.path("chunks").asLong(),
              in.path("digest").asText(""),
              in.path("deleted").asBoolean()));
    } catch (IOException malformed) {
      return Optional.empty(); // the answer, not a fault
    }
  }
}
