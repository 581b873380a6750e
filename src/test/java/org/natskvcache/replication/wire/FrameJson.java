package org.natskvcache.replication.wire;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.Forgotten;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Key;
import org.natskvcache.store.Mutation;
import org.natskvcache.store.Observed;
import org.natskvcache.store.Op;

/**
 * Frames as JSON and back: origins as ULID text, byte strings in hexadecimal, numbers of 64 bits as
 * decimal strings. Two frames are equal exactly when their JSON is, whatever the slots.
 */
public final class FrameJson {
  private static final String BASE32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final Origins origins;

  public FrameJson(Origins origins) {
    this.origins = origins;
  }

  // ------------------------------------------------------------------- frame to JSON

  public ObjectNode toJson(Frame frame) {
    ObjectNode out = JSON.objectNode();
    out.put("type", frame.getClass().getSimpleName());
    out.put("from", frame.from().toString());
    switch (frame) {
      case Frame.Mutations(var from, var mutations) -> {
        ArrayNode list = out.putArray("mutations");
        for (Mutation mutation : mutations) list.add(json(mutation));
      }
      case Frame.Beacon(var from, var sequence, var wallMillis) -> {
        put(out, "sequence", sequence);
        put(out, "wallMillis", wallMillis);
      }
      case Frame.Heartbeat h -> heartbeat(h, out);
      case Frame.Leave(var from, var finalSequence, var wallMillis) -> {
        put(out, "finalSequence", finalSequence);
        put(out, "wallMillis", wallMillis);
      }
      case Frame.OfferRequest(var from, var nonce, var attempt) -> {
        put(out, "nonce", nonce);
        out.put("attempt", attempt);
      }
      case Frame.Offer(var from, var nonce, var wallMillis, var vector, var entries) -> {
        put(out, "nonce", nonce);
        put(out, "wallMillis", wallMillis);
        out.set("vector", json(vector));
        put(out, "entries", entries);
      }
      case Frame.Replayed piece -> {
        put(out, "nonce", piece.nonce());
        out.put("number", piece.number()).put("offset", piece.offset());
        out.put("totalBytes", piece.totalBytes()).put("piece", hex(piece.piece()));
      }
      case Frame.ReplayRequest(var from, var nonce, var vector, var creditBytes) -> {
        put(out, "nonce", nonce);
        out.set("vector", json(vector));
        out.put("creditBytes", creditBytes);
      }
      case Frame.ReplayEnd(var from, var nonce, var outcome, var vector) -> {
        put(out, "nonce", nonce);
        out.put("outcome", outcome.name());
        out.set("vector", json(vector));
      }
      case Frame.SnapshotRequest(
              var from,
              var nonce,
              var cut,
              var section,
              var offset,
              var window) -> {
        put(out, "nonce", nonce);
        put(out, "cut", cut);
        out.put("section", section).put("offset", offset).put("windowBytes", window);
      }
      case Frame.SnapshotChunk chunk -> chunk(chunk, out);
      case Frame.SnapshotRefused(var from, var nonce, var cut, var busy) -> {
        put(out, "nonce", nonce);
        put(out, "cut", cut);
        out.put("busy", busy);
      }
      case Frame.VectorRequest(var from, var nonce) -> put(out, "nonce", nonce);
      case Frame.Vector(var from, var nonce, var vector) -> {
        put(out, "nonce", nonce);
        out.set("vector", json(vector));
      }
      case Frame.DigestRequest(var from, var observer, var question, var bucket, var start) -> {
        out.put("observer", observer);
        put(out, "question", question);
        out.put("bucket", bucket);
        put(out, "start", start);
      }
      case Frame.DigestResponse response -> digestResponse(response, out);
    }
    return out;
  }

  private static void put(ObjectNode out, String name, long value) {
    out.put(name, Long.toString(value));
  }

  private void heartbeat(Frame.Heartbeat h, ObjectNode out) {
    out.put("live", h.live()).put("hello", h.hello());
    if (h.outdated()) out.put("outdated", true);
    put(out, "sequence", h.sequence());
    put(out, "wallMillis", h.wallMillis());
    put(out, "hlc", h.hlc());
    out.set("active", json(h.active()));
    put(out, "restCount", h.restCount());
    put(out, "restHash", h.restHash());
    put(out, "digest", h.digest());
    put(out, "entries", h.entries());
    samples(h.samples(), out.putArray("samples"));
    put(out, "features", h.features());
  }

  private static void samples(List<Frame.Sample> samples, ArrayNode out) {
    for (Frame.Sample sample : samples) {
      ObjectNode one = out.addObject().put("bucket", sample.bucket());
      put(one, "vectorHash", sample.vectorHash());
      put(one, "digest", sample.digest());
    }
  }

  private void digestResponse(Frame.DigestResponse r, ObjectNode out) {
    put(out, "question", r.question());
    out.put("live", r.live()).put("last", r.last());
    put(out, "wallMillis", r.wallMillis());
    out.set("vector", json(r.vector()));
    put(out, "digest", r.digest());
    put(out, "entries", r.entries());
    samples(r.buckets(), out.putArray("buckets"));
    ArrayNode keys = out.putArray("keys");
    for (Frame.KeyDigest key : r.keys()) {
      put(keys.addObject().put("key", hex(key.key())), "digest", key.digest());
    }
  }

  private static void chunk(Frame.SnapshotChunk chunk, ObjectNode out) {
    put(out, "nonce", chunk.nonce());
    put(out, "cut", chunk.cut());
    out.put("section", chunk.section()).put("offset", chunk.offset()).put("last", chunk.last());
    ArrayNode pieces = out.putArray("pieces");
    for (Frame.Piece piece : chunk.pieces()) {
      pieces.addObject().put("ends", piece.ends()).put("bytes", hex(piece.bytes()));
    }
  }

  private static ObjectNode json(VersionVector vector) {
    ObjectNode out = JSON.objectNode();
    vector.toMap().forEach((id, sequence) -> put(out, id.toString(), sequence));
    if (vector.forgotten() != null) out.set("forgotten", json(vector.forgotten()));
    return out;
  }

  private static ObjectNode json(Forgotten forgotten) {
    ObjectNode out = JSON.objectNode().put("until", forgotten.until().toString());
    put(out, "hash", forgotten.hash());
    return out;
  }

  private static Forgotten forgotten(JsonNode in) {
    JsonNode forgotten = in.get("forgotten");
    if (forgotten == null) return null;
    return new Forgotten(origin(forgotten.get("until").asText()), number(forgotten, "hash"));
  }

  private ObjectNode json(Mutation mutation) {
    ObjectNode out = JSON.objectNode();
    put(out, "sequence", Dot.sequence(mutation.dot()));
    put(out, "hlc", mutation.hlc());
    ArrayNode context = out.putArray("context");
    for (int i = 0; i < mutation.contextSlots().length; i++) {
      ArrayNode one = context.addArray().add(name(mutation.contextSlots()[i]));
      one.add(Long.toString(mutation.contextDeltas()[i]));
    }
    Forgotten forgotten = mutation.contextForgotten();
    if (forgotten != null) out.set("forgotten", json(forgotten));
    put(out, "rowHash", mutation.rowHash());
    Op op = mutation.op();
    out.put("op", op.getClass().getSimpleName());
    out.put("key", hex(op.key().stored()));
    op(op, out);
    return out;
  }

  private void op(Op op, ObjectNode out) {
    switch (op) {
      case Op.Put(var key, var value, var expireAtMillis, var seen) -> {
        out.put("value", hex(value));
        put(out, "expireAtMillis", expireAtMillis);
        out.set("seen", json(seen));
      }
      case Op.Delete(var key, var seen, var expired) -> {
        out.set("seen", json(seen));
        out.put("expired", expired);
      }
      case Op.Increment(var key, var delta, var sum, var fresh, var reset) -> {
        put(out, "delta", delta);
        put(out, "sum", sum);
        out.put("fresh", fresh);
        out.set("reset", json(reset));
      }
      case Op.AddMember(var key, var member, var reset) -> {
        out.put("member", hex(member));
        out.set("reset", json(reset));
      }
      case Op.RemoveMember(var key, var member) -> out.put("member", hex(member));
      case Op.Append(var key, var position, var value, var reset) -> {
        put(out, "position", position);
        out.put("value", hex(value));
        out.set("reset", json(reset));
      }
      case Op.RemoveItem(var key, var position, var itemDot) -> {
        put(out, "position", position);
        out.put("itemOrigin", name(Dot.slot(itemDot)));
        put(out, "itemSequence", Dot.sequence(itemDot));
      }
    }
  }

  private JsonNode json(Observed seen) {
    if (seen == null) return JSON.nullNode();
    ArrayNode out = JSON.arrayNode();
    for (int i = 0; i < seen.size(); i++) {
      ArrayNode one = out.addArray().add(name(seen.slots()[i]));
      one.add(Long.toString(seen.lasts()[i])).add(Long.toString(seen.sums()[i]));
    }
    return out;
  }

  private String name(int slot) {
    return origins.id(slot).toString();
  }

  private static String hex(Bytes bytes) {
    return HexFormat.of().formatHex(bytes.array());
  }

  // ------------------------------------------------------------------- JSON to frame

  public Frame toFrame(JsonNode in) {
    OriginId from = origin(in.get("from").asText());
    return switch (in.get("type").asText()) {
      case "Mutations" -> mutations(from, in.get("mutations"));
      case "Beacon" -> new Frame.Beacon(from, number(in, "sequence"), number(in, "wallMillis"));
      case "Heartbeat" -> heartbeat(from, in);
      case "Leave" -> new Frame.Leave(from, number(in, "finalSequence"), number(in, "wallMillis"));
      case "OfferRequest" ->
          new Frame.OfferRequest(from, number(in, "nonce"), in.get("attempt").asInt());
      case "Offer" ->
          new Frame.Offer(
              from,
              number(in, "nonce"),
              number(in, "wallMillis"),
              vector(in.get("vector")),
              number(in, "entries"));
      case "Replayed" ->
          new Frame.Replayed(
              from,
              number(in, "nonce"),
              in.get("number").asInt(),
              in.get("offset").asInt(),
              in.get("totalBytes").asInt(),
              bytes(in, "piece"));
      case "ReplayRequest" ->
          new Frame.ReplayRequest(
              from, number(in, "nonce"), vector(in.get("vector")), in.get("creditBytes").asInt());
      case "ReplayEnd" ->
          new Frame.ReplayEnd(
              from,
              number(in, "nonce"),
              Frame.ReplayEnd.Outcome.valueOf(in.get("outcome").asText()),
              vector(in.get("vector")));
      case "SnapshotRequest" ->
          new Frame.SnapshotRequest(
              from,
              number(in, "nonce"),
              number(in, "cut"),
              in.get("section").asInt(),
              in.get("offset").asInt(),
              in.get("windowBytes").asInt());
      case "SnapshotChunk" -> chunk(from, in);
      case "SnapshotRefused" ->
          new Frame.SnapshotRefused(
              from, number(in, "nonce"), number(in, "cut"), in.get("busy").asBoolean());
      case "VectorRequest" -> new Frame.VectorRequest(from, number(in, "nonce"));
      case "Vector" -> new Frame.Vector(from, number(in, "nonce"), vector(in.get("vector")));
      case "DigestRequest" ->
          new Frame.DigestRequest(
              from,
              in.get("observer").asBoolean(),
              number(in, "question"),
              in.get("bucket").asInt(),
              number(in, "start"));
      case "DigestResponse" -> digestResponse(from, in);
      default -> throw new IllegalArgumentException(in.get("type").asText());
    };
  }

  private static long number(JsonNode in, String name) {
    return Long.parseLong(in.get(name).asText());
  }

  private Frame heartbeat(OriginId from, JsonNode in) {
    return new Frame.Heartbeat(
        from,
        in.get("live").asBoolean(),
        in.get("hello").asBoolean(),
        in.path("outdated").asBoolean(),
        number(in, "sequence"),
        number(in, "wallMillis"),
        number(in, "hlc"),
        vector(in.get("active")),
        number(in, "restCount"),
        number(in, "restHash"),
        number(in, "digest"),
        number(in, "entries"),
        samples(in.get("samples")),
        number(in, "features"));
  }

  private static List<Frame.Sample> samples(JsonNode in) {
    List<Frame.Sample> samples = new ArrayList<>();
    for (JsonNode sample : in) {
      samples.add(
          new Frame.Sample(
              sample.get("bucket").asInt(),
              number(sample, "vectorHash"),
              number(sample, "digest")));
    }
    return samples;
  }

  private Frame digestResponse(OriginId from, JsonNode in) {
    List<Frame.KeyDigest> keys = new ArrayList<>();
    for (JsonNode key : in.get("keys")) {
      keys.add(new Frame.KeyDigest(bytes(key, "key"), number(key, "digest")));
    }
    return new Frame.DigestResponse(
        from,
        number(in, "question"),
        in.get("live").asBoolean(),
        in.get("last").asBoolean(),
        number(in, "wallMillis"),
        vector(in.get("vector")),
        number(in, "digest"),
        number(in, "entries"),
        samples(in.get("buckets")),
        keys);
  }

  private static Frame chunk(OriginId from, JsonNode in) {
    List<Frame.Piece> pieces = new ArrayList<>();
    for (JsonNode piece : in.get("pieces")) {
      pieces.add(new Frame.Piece(piece.get("ends").asBoolean(), bytes(piece, "bytes")));
    }
    return new Frame.SnapshotChunk(
        from,
        number(in, "nonce"),
        number(in, "cut"),
        in.get("section").asInt(),
        in.get("offset").asInt(),
        in.get("last").asBoolean(),
        pieces);
  }

  /** The vector of a JSON object from origin to sequence, and what it has forgotten. */
  public VersionVector vector(JsonNode in) {
    VersionVector vector = new VersionVector(origins);
    for (Map.Entry<String, JsonNode> mark : in.properties()) {
      if (mark.getKey().equals("forgotten")) continue;
      vector.raise(slot(mark.getKey()), Long.parseLong(mark.getValue().asText()));
    }
    vector.forgotten(forgotten(in));
    return vector;
  }

  private Frame mutations(OriginId from, JsonNode in) {
    int author = origins.slot(from);
    List<Mutation> mutations = new ArrayList<>();
    for (JsonNode one : in) {
      JsonNode context = one.get("context");
      int[] slots = new int[context.size()];
      long[] deltas = new long[context.size()];
      for (int i = 0; i < slots.length; i++) {
        slots[i] = slot(context.get(i).get(0).asText());
        deltas[i] = context.get(i).get(1).asLong();
      }
      long dot = Dot.of(author, number(one, "sequence"));
      mutations.add(
          new Mutation(
              dot,
              number(one, "hlc"),
              slots,
              deltas,
              forgotten(one),
              number(one, "rowHash"),
              op(one)));
    }
    return new Frame.Mutations(from, mutations);
  }

  private Op op(JsonNode in) {
    Key key = new Key(bytes(in, "key"));
    return switch (in.get("op").asText()) {
      case "Put" ->
          new Op.Put(
              key, bytes(in, "value"), number(in, "expireAtMillis"), observed(in.get("seen")));
      case "Delete" -> new Op.Delete(key, observed(in.get("seen")), in.get("expired").asBoolean());
      case "Increment" ->
          new Op.Increment(
              key, number(in, "delta"), number(in, "sum"), in.get("fresh").asBoolean(), reset(in));
      case "AddMember" -> new Op.AddMember(key, bytes(in, "member"), reset(in));
      case "RemoveMember" -> new Op.RemoveMember(key, bytes(in, "member"));
      case "Append" -> new Op.Append(key, number(in, "position"), bytes(in, "value"), reset(in));
      case "RemoveItem" -> {
        int slot = slot(in.get("itemOrigin").asText());
        long dot = Dot.of(slot, number(in, "itemSequence"));
        yield new Op.RemoveItem(key, number(in, "position"), dot);
      }
      default -> throw new IllegalArgumentException(in.get("op").asText());
    };
  }

  private Observed reset(JsonNode in) {
    return in.get("reset").isNull() ? null : observed(in.get("reset"));
  }

  private Observed observed(JsonNode in) {
    Observed seen = new Observed(new int[in.size()], new long[in.size()], new long[in.size()]);
    for (int i = 0; i < in.size(); i++) {
      seen.slots()[i] = slot(in.get(i).get(0).asText());
      seen.lasts()[i] = Long.parseLong(in.get(i).get(1).asText());
      seen.sums()[i] = Long.parseLong(in.get(i).get(2).asText());
    }
    return seen;
  }

  private int slot(String ulid) {
    return origins.slot(origin(ulid));
  }

  private static Bytes bytes(JsonNode in, String name) {
    return new Bytes(HexFormat.of().parseHex(in.get(name).asText()));
  }

  /** The origin that prints as this text. */
  public static OriginId origin(String ulid) {
    long high = 0;
    long low = 0;
    for (char c : ulid.toCharArray()) {
      high = high << 5 | low >>> 59;
      low = low << 5 | BASE32.indexOf(c);
    }
    return new OriginId(high, low);
  }
}
