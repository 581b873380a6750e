package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.nats.client.Connection;
import io.nats.client.impl.Headers;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.natskvcache.rpc.wrpc.KeyValueFunction;
import org.natskvcache.wrpc.ValueException;
import org.natskvcache.wrpc.ValueReader;
import org.natskvcache.wrpc.ValueWriter;
import org.natskvcache.wrpc.WrpcLimits;
import org.natskvcache.wrpc.WrpcPeer;
import org.natskvcache.wrpc.WrpcServer;

/** A component's calls by one link, as a host 1.x makes them. For one thread. */
final class WrpcComponent {
  /** Room for a server with small messages: reply subject and headers count there. */
  private static final int FIRST_PART_MAX = 3_800;

  /** A page of keys. */
  record Page(List<String> keys, Optional<Long> cursor) {}

  private final String prefix;
  private final Headers headers;
  private final WrpcPeer peer;

  WrpcComponent(Connection host, String prefix, String id, String linkName) {
    this.prefix = prefix;
    headers = new Headers().add("source-id", id).add("link-name", linkName);
    peer = new WrpcPeer(host);
  }

  String subject(KeyValueFunction function) {
    return WrpcServer.subject(prefix, function.instance(), function.function());
  }

  /** A call in parts of the usual size; the result, empty when the call was aborted. */
  byte[] call(KeyValueFunction function, byte[] params) {
    return call(function, params, FIRST_PART_MAX, FIRST_PART_MAX);
  }

  /** A call whose params come in these pieces. */
  byte[] call(KeyValueFunction function, byte[] params, int first, int piece) {
    return peer.call(subject(function), headers, WrpcPeer.cut(params, first, piece));
  }

  /** Invokes, and returns where the rest of the params is to go. */
  String begin(KeyValueFunction function, byte[] first) {
    return peer.begin(subject(function), headers, first);
  }

  /** Invokes; where the rest of the params is to go, nothing when the call is refused. */
  Optional<String> ask(KeyValueFunction function, byte[] first) {
    return peer.ask(subject(function), headers, first);
  }

  /** Sends some of the params of a call that was begun. */
  void more(String params, byte[] part) {
    peer.more(params, part);
  }

  /** Ends the params of a call that was begun. */
  void end(String params) {
    peer.end(params);
  }

  /** Invokes, and names any subject for the answer. */
  void begin(KeyValueFunction function, String replyTo, byte[] first) {
    peer.publish(subject(function), replyTo, headers, first);
  }

  /** The result of a call that was begun. */
  byte[] results() {
    return peer.results();
  }

  /** Nothing comes that was not asked for. */
  void assertSilent() {
    peer.assertSilent();
  }

  private ValueReader ok(KeyValueFunction function, ValueWriter params) throws ValueException {
    byte[] result = call(function, params.toByteArray());
    var in = new ValueReader(result, WrpcLimits.DEFAULTS);
    assertEquals(0, in.variant(2), () -> function + ": " + new String(result, UTF_8));
    return in;
  }

  private static ValueWriter params(String... texts) {
    var params = new ValueWriter(64);
    for (String text : texts) params.string(text);
    return params;
  }

  private static AssertionError broken(ValueException e) {
    return new AssertionError("not a result", e);
  }

  Optional<String> get(String bucket, String key) {
    try {
      ValueReader in = ok(KeyValueFunction.GET, params(bucket, key));
      return in.option() ? Optional.of(in.string()) : Optional.empty();
    } catch (ValueException e) {
      throw broken(e);
    }
  }

  void set(String bucket, String key, String value) {
    try {
      ok(KeyValueFunction.SET, params(bucket, key, value));
    } catch (ValueException e) {
      throw broken(e);
    }
  }

  void delete(String bucket, String key) {
    try {
      ok(KeyValueFunction.DELETE, params(bucket, key));
    } catch (ValueException e) {
      throw broken(e);
    }
  }

  long increment(String bucket, String key, long delta) {
    try {
      return ok(KeyValueFunction.INCREMENT, params(bucket, key).u64(delta)).u64();
    } catch (ValueException e) {
      throw broken(e);
    }
  }

  void setMany(String bucket, List<String> keys, String value) {
    ValueWriter params = params(bucket).list(keys.size());
    for (String key : keys) params.string(key).string(value);
    try {
      ok(KeyValueFunction.SET_MANY, params);
    } catch (ValueException e) {
      throw broken(e);
    }
  }

  Page listKeys(String bucket, Optional<Long> cursor) {
    ValueWriter params = params(bucket).option(cursor.isPresent());
    cursor.ifPresent(params::u64);
    try {
      ValueReader in = ok(KeyValueFunction.LIST_KEYS, params);
      List<String> keys = new ArrayList<>();
      for (int i = in.list(); i > 0; i--) keys.add(in.string());
      return new Page(keys, in.option() ? Optional.of(in.u64()) : Optional.empty());
    } catch (ValueException e) {
      throw broken(e);
    }
  }

  /** Whether its link is there: an unlinked component is denied. */
  boolean isLinked() {
    Optional<String> rest = ask(KeyValueFunction.GET, params("", "k").toByteArray());
    if (rest.isEmpty()) return false;
    peer.end(rest.get());
    assertEquals(0, results()[0]);
    return true;
  }
}
