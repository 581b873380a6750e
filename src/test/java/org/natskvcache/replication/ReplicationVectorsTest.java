package org.natskvcache.replication;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.crdt.Hash64;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.replication.wire.Frame;
import org.natskvcache.replication.wire.FrameCodec;
import org.natskvcache.replication.wire.FrameJson;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Reply;

/**
 * The frozen bytes of {@code replication-vectors.json}, which other implementations are tested with
 * too. A change of layout or hash must fail here; it needs a new version of the protocol, not new
 * vectors.
 */
class ReplicationVectorsTest {
  private static final JsonNode VECTORS = read();

  private static JsonNode read() {
    try (InputStream in =
        ReplicationVectorsTest.class.getResourceAsStream("/replication-vectors.json")) {
      return new ObjectMapper().readTree(in);
    } catch (java.io.IOException broken) {
      throw new java.io.UncheckedIOException(broken);
    }
  }

  private static Stream<JsonNode> all(String section) {
    assertFalse(VECTORS.get(section).isEmpty());
    return StreamSupport.stream(VECTORS.get(section).spliterator(), false);
  }

  private static byte[] bytes(JsonNode hex) {
    return HexFormat.of().parseHex(hex.asText());
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }

  private static String hex(long word) {
    return "%016x".formatted(word);
  }

  static Stream<JsonNode> hashes() {
    return all("hashes");
  }

  @ParameterizedTest
  @MethodSource("hashes")
  void hashOfBytes(JsonNode vector) {
    assertEquals(vector.get("hash").asText(), hex(Hash64.of(bytes(vector.get("bytes")))));
  }

  @Test
  void documentShowsTheSameHashes() throws Exception {
    String document = Files.readString(Path.of("docs/replication-protocol.md"));
    List<JsonNode> shown = hashes().limit(6).toList();
    for (JsonNode vector : shown) {
      assertTrue(document.contains("`" + vector.get("hash").asText() + "`"));
    }
  }

  static Stream<JsonNode> origins() {
    return all("origins");
  }

  @ParameterizedTest
  @MethodSource("origins")
  void originAsTextAndBytesAndHash(JsonNode vector) {
    OriginId id = FrameJson.origin(vector.get("ulid").asText());
    assertEquals(vector.get("ulid").asText(), id.toString());
    assertEquals(vector.get("bytes").asText(), hex(id.high()) + hex(id.low()));
    Origins origins = new Origins();
    assertEquals(vector.get("hash").asText(), hex(origins.hash(origins.slot(id))));
  }

  static Stream<JsonNode> vectors() {
    return all("vectors");
  }

  @ParameterizedTest
  @MethodSource("vectors")
  void hashOfAVector(JsonNode vector) {
    FrameJson json = new FrameJson(new Origins());
    assertEquals(vector.get("hash").asText(), hex(json.vector(vector.get("marks")).hash()));
  }

  static Stream<JsonNode> keys() {
    return all("keys");
  }

  @ParameterizedTest
  @MethodSource("keys")
  void keyInItsStoredFormAndItsBucket(JsonNode vector) {
    Key key = Key.of(new Bytes(bytes(vector.get("raw"))));
    assertEquals(vector.get("stored").asText(), hex(key.stored().array()));
    assertEquals(vector.get("raw").asText(), hex(key.raw().array()));
    long hash = Hash64.of(key.stored().array());
    assertEquals(vector.get("hash").asText(), hex(hash));
    assertEquals(vector.get("bucketOf1024").asLong(), hash >>> 54);
    PlainReplica replica = new PlainReplica(new OriginId(1, 1));
    assertEquals(hash >>> (64 - PlainReplica.BUCKET_BITS), replica.keyspace.bucket(key));
  }

  static Stream<JsonNode> numbers() {
    return all("numbers");
  }

  @ParameterizedTest
  @MethodSource("numbers")
  void stringThatIsANumberOrNot(JsonNode vector) {
    PlainReplica replica = new PlainReplica(new OriginId(1, 1));
    Key key = Key.of("k");
    replica.run(new Command.Set(key, Bytes.utf8(vector.get("text").asText()), 0));
    Reply reply = replica.keyspace.decide(new Command.Increment(key, 0), 1, 1, replica.me).reply();
    assertEquals(vector.get("number").asBoolean(), reply instanceof Reply.Amount);
  }

  static Stream<JsonNode> frames() {
    return all("frames");
  }

  @ParameterizedTest
  @MethodSource("frames")
  void frameIsWrittenAndRead(JsonNode vector) throws Exception {
    Origins writer = new Origins();
    Frame frame = new FrameJson(writer).toFrame(vector.get("frame"));
    assertEquals(vector.get("hex").asText(), hex(Frames.encode(new FrameCodec(writer), frame)));
    Origins reader = new Origins();
    Frame read = Frames.decode(new FrameCodec(reader), bytes(vector.get("hex")));
    assertEquals(vector.get("frame"), new FrameJson(reader).toJson(read));
  }

  @Test
  void everyKindOfFrameAndOperationHasAVector() {
    TreeSet<String> expected = new TreeSet<>();
    for (Class<?> kind : Frame.class.getPermittedSubclasses()) {
      expected.add(kind.getSimpleName());
    }
    for (Class<?> kind : org.natskvcache.store.Op.class.getPermittedSubclasses()) {
      expected.add(kind.getSimpleName());
    }
    TreeSet<String> found = new TreeSet<>();
    frames()
        .map(vector -> vector.get("frame"))
        .forEach(frame -> {
          found.add(frame.get("type").asText());
          if (!frame.has("mutations")) return;
          for (JsonNode mutation : frame.get("mutations")) {
            found.add(mutation.get("op").asText());
          }
        });
    assertEquals(expected, found);
  }

  static Stream<JsonNode> refused() {
    return all("refused");
  }

  @ParameterizedTest
  @MethodSource("refused")
  void frameIsRefused(JsonNode vector) {
    MalformedFrameException refused =
        assertThrows(
            MalformedFrameException.class,
            () -> Frames.decode(new FrameCodec(new Origins()), bytes(vector.get("hex"))));
    assertEquals(vector.get("kind").asText(), refused.kind().name());
  }

  static Stream<JsonNode> histories() {
    return all("histories");
  }

  /** The frames applied one after the other; after each the digest of everything held. */
  @ParameterizedTest
  @MethodSource("histories")
  void digestAfterEachFrameAndSnapshotAtTheEnd(JsonNode vector) throws Exception {
    PlainReplica replica = new PlainReplica(new OriginId(-1, -1));
    for (JsonNode step : vector.get("steps")) {
      replica.receive(bytes(step.get("frame")));
      assertEquals(step.get("digest").asText(), hex(replica.keyspace.digest()));
      assertEquals(step.get("vectorHash").asText(), hex(replica.delivery.applied().hash()));
    }
    assertEquals(replica.keyspace.recomputedDigest(), replica.keyspace.digest());
    if (!vector.has("snapshot")) return;
    List<byte[]> frozen = new ArrayList<>();
    for (JsonNode section : vector.get("snapshot")) frozen.add(bytes(section));
    List<String> written = replica.state().stream().map(ReplicationVectorsTest::hex).toList();
    assertEquals(frozen.stream().map(ReplicationVectorsTest::hex).toList(), written);
    PlainReplica joiner = new PlainReplica(new OriginId(-2, -2));
    joiner.install(frozen);
    assertEquals(replica.summary(), joiner.summary());
  }
}
