package org.natskvcache.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.VersionVector;

/**
 * One keyspace with one author: decides each command and applies what it comes to, as a node alone
 * does.
 */
final class SingleAuthor {
  /** Small tables and pages, so that few keys are many. */
  static final Limits SMALL =
      new Limits(
          1 << 10, 1 << 12, 1 << 20, 100, 1 << 20, 100, 100, 1_000, 1_000, 100, 2, 2, 100, 1_024);

  final Origins origins = new Origins();
  final Keyspace keyspace;
  final VersionVector applied = new VersionVector(origins);
  final int me;
  long nowMillis = 1_000_000;
  private long hlc;

  SingleAuthor(Limits limits) {
    keyspace = new Keyspace(origins, limits, Defect.NONE);
    me = origins.slot(new OriginId(1, 1));
  }

  SingleAuthor() {
    this(SMALL);
  }

  Decision decide(Command command) {
    hlc = Math.max(hlc + 1, nowMillis << 16);
    return keyspace.decide(command, nowMillis, hlc, me);
  }

  Reply run(Command command) {
    Decision decision = decide(command);
    if (decision.op() != null) apply(decision.op());
    return decision.reply();
  }

  void apply(Op op) {
    long sequence = applied.get(me) + 1;
    applied.raise(me, sequence);
    Mutation mutation =
        new Mutation(Dot.of(me, sequence), hlc, new int[0], new long[0], null, 0, op);
    assertNull(keyspace.apply(mutation, applied, me));
  }

  void assertDigestIsThatOfTheContent() {
    assertEquals(keyspace.recomputedDigest(), keyspace.digest());
    long buckets = 0;
    for (int bucket = 0; bucket < 4; bucket++) buckets += keyspace.bucketDigest(bucket);
    assertEquals(keyspace.digest(), buckets);
  }

  /** Applies an operation, and holds the account against what was foretold and what is held. */
  void applyAccounted(Op op) {
    long before = keyspace.footprint();
    long growth = keyspace.growth(op, me);
    apply(op);
    long after = keyspace.footprint();
    if (Keyspace.growthMax(op) > 0) assertEquals(before + growth, after, "after " + op);
    assertTrue(after <= before + Keyspace.growthMax(op), "after " + op);
    assertEquals(keyspace.recomputedFootprint(), after);
  }

  /** All keys of a scan in pages of {@code limit}. */
  List<String> scan(String prefix, int limit) {
    List<String> keys = new ArrayList<>();
    long cursor = 0;
    while (true) {
      Reply.Page page = (Reply.Page) run(new Command.Keys(Bytes.utf8(prefix), cursor, limit));
      page.keys().forEach(key -> keys.add(key.utf8()));
      assertTrue(keys.size() < 100_000, "the scan does not end");
      if (page.last()) return keys;
      cursor = page.next();
    }
  }

  // ------------------------------------------------- commands by their plain arguments

  Reply get(String key) {
    return run(new Command.Get(Key.of(key)));
  }

  Reply set(String key, String value, long ttlMillis) {
    return run(new Command.Set(Key.of(key), Bytes.utf8(value), ttlMillis));
  }

  Reply set(String key, String value) {
    return set(key, value, 0);
  }

  Reply delete(String key) {
    return run(new Command.Delete(Key.of(key)));
  }

  Reply increment(String key, long by) {
    return run(new Command.Increment(Key.of(key), by));
  }

  Reply push(String key, String value) {
    return run(new Command.ListAdd(Key.of(key), Bytes.utf8(value)));
  }

  Reply range(String key, long start, long stop) {
    return run(new Command.ListRange(Key.of(key), start, stop));
  }

  Reply add(String key, String member) {
    return run(new Command.SetAdd(Key.of(key), Bytes.utf8(member)));
  }

  static Reply value(String text) {
    return new Reply.Value(Bytes.utf8(text));
  }

  static Reply amount(long value) {
    return new Reply.Amount(value);
  }

  static Reply flag(boolean yes) {
    return new Reply.Flag(yes);
  }

  static Reply values(String... values) {
    return new Reply.Values(java.util.Arrays.stream(values).map(Bytes::utf8).toList());
  }

  static List<Key> keys(String... keys) {
    return java.util.Arrays.stream(keys).map(Key::of).toList();
  }
}
