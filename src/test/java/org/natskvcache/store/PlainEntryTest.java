package org.natskvcache.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.natskvcache.crdt.Dot;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.crdt.Origins;
import org.natskvcache.crdt.Register;

class PlainEntryTest {
  private final Origins origins = new Origins();
  private final long dot = Dot.of(origins.slot(new OriginId(1, 1)), Dot.SEQUENCE_MAX);
  private final SingleAuthor cache = new SingleAuthor();
  private final Key key = Key.of("k");

  private FacetEntry open(int keyBytes, int valueBytes, long expireAtMillis) {
    Key key = new Key(bytes(keyBytes));
    FacetEntry entry = new FacetEntry(key, KeyTable.hash(key));
    byte[] value = bytes(valueBytes).array();
    entry.register = new Register(dot, -1, expireAtMillis, value, null);
    entry.used(0xfedc);
    return entry;
  }

  private static Bytes bytes(int size) {
    byte[] bytes = new byte[size];
    for (int i = 0; i < size; i++) bytes[i] = (byte) (i * 7 - 3);
    return new Bytes(bytes);
  }

  private Entry held() {
    Entry entry = cache.keyspace.find(key);
    assertNotNull(entry);
    return entry;
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "1, 0", "0, 1", "16, 64", "13, 9", "32768, 3", "65535, 5"})
  void bothShapesTellTheSame(int keyBytes, int valueBytes) {
    FacetEntry open = open(keyBytes, valueBytes, 0);
    Entry plain = assertInstanceOf(PlainEntry.class, open.kept());
    assertSame(plain, plain.kept());
    for (Entry same : new Entry[] {plain, plain.opened(), plain.frozen()}) {
      assertEquals(open.key(), same.key());
      assertTrue(same.isOf(open.key(), open.hash()));
      assertFalse(same.isOf(new Key(bytes(keyBytes + 1)), open.hash()));
      assertEquals(open.hash(), same.hash());
      assertEquals(open.used(), same.used());
      assertEquals(bytes(valueBytes), same.scalar(origins));
      assertEquals(open.type(), same.type());
      assertEquals(dot, same.onlyDot());
      assertEquals(Entry.NEVER, same.expireAtMillis());
      assertEquals(Entry.NEVER, same.toBeIndexedAtMillis());
      assertEquals(open.digest(origins), same.digest(origins));
      assertEquals(open.recomputedDigest(origins), same.recomputedDigest(origins));
      assertEquals(open.footprint(), same.footprint());
      assertEquals(open.openedFootprint(), same.openedFootprint());
      Register version = same.register();
      assertNotNull(version);
      assertEquals(-1, version.hlc);
      assertNull(version.next);
    }
  }

  @Test
  void whatExpiresOrHasTooLongAKeyStaysOpen() {
    FacetEntry expiring = open(16, 64, 1);
    assertSame(expiring, expiring.kept());
    FacetEntry longKey = open(65_536, 64, 0);
    assertSame(longKey, longKey.kept());
    assertEquals(longKey.openedFootprint(), longKey.footprint());
  }

  @Test
  void overwritingStringKeepsTheEntryAndLeavesWhatWasReadOrFrozen() {
    cache.set("k", "before");
    Entry entry = held();
    Entry frozen = entry.frozen();
    Bytes read = entry.scalar(cache.origins);
    cache.set("k", "after");
    assertSame(entry, held());
    assertEquals(SingleAuthor.value("after"), cache.get("k"));
    assertEquals(Bytes.utf8("before"), read);
    assertEquals(Bytes.utf8("before"), frozen.scalar(cache.origins));
  }

  @Test
  void stringIsPlainAgainOnceNothingElseIsHeld() {
    cache.set("k", "12");
    assertInstanceOf(PlainEntry.class, held());
    cache.increment("k", 30);
    assertInstanceOf(FacetEntry.class, held());
    assertEquals(SingleAuthor.value("42"), cache.get("k"));
    cache.set("k", "7", 1_000);
    assertInstanceOf(FacetEntry.class, held());
    cache.set("k", "8");
    assertInstanceOf(PlainEntry.class, held());
    assertEquals(Entry.NEVER, cache.keyspace.nextExpiryMillis());
    assertEquals(cache.keyspace.recomputedFootprint(), cache.keyspace.footprint());
    cache.assertDigestIsThatOfTheContent();
    cache.delete("k");
    assertNull(cache.keyspace.find(key));
    assertEquals(0, cache.keyspace.footprint());
  }
}
