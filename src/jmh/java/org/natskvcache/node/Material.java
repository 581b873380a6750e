package org.natskvcache.node;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.util.SplittableRandom;
import org.natskvcache.crdt.Hash64;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;

/** Keys, values and nodes to measure with. */
final class Material {
  static final Time NOW = new Time(1_750_000_000_000L, 1);
  static final Key ONE = Key.of("the one collection");

  /** What the executable starts the JVM with, and a heap that holds the largest case. */
  static final String SERIAL = "-XX:+UseSerialGC";

  static final String COMPACT = "-XX:+UseCompactObjectHeaders";
  static final String HEAP = "-Xms3g";
  static final String HEAP_MAX = "-Xmx3g";

  private static final VarHandle LONGS =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);

  private Material() {}

  /** A key of 16 bytes, made anew as a door does from a message. */
  static Key key(long number) {
    return new Key(bytes(16, number));
  }

  static Bytes bytes(int size, long number) {
    byte[] bytes = new byte[size];
    LONGS.set(bytes, 0, Hash64.mix(number) | 1); // a first byte of 0 would make a namespace
    LONGS.set(bytes, size - 8, number);
    return new Bytes(bytes);
  }

  static Command set(long number) {
    return new Command.Set(key(number), bytes(64, number), 0);
  }

  static Node standalone() {
    return node(NodeSettings.standalone(Limits.DEFAULTS), 1);
  }

  static Node replicated(int number) {
    return node(NodeSettings.replicated(Limits.DEFAULTS, 1_000), number);
  }

  private static Node node(NodeSettings settings, int number) {
    OriginId id = OriginId.of(NOW.wallMillis(), 0, number);
    return new Node(settings, id, new SplittableRandom(number), NOW);
  }

  /** Uniform numbers below a bound, cheaply. */
  static final class Dice {
    private long state;

    long below(int bound) {
      return (Hash64.mix(++state) >>> 32) * bound >>> 32;
    }
  }
}
