package org.natskvcache.rpc.wasmbus;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The field names of one struct, in declared order, which is also the order of its positional form.
 */
final class Fields {
  private final byte[][] names;

  private Fields(byte[][] names) {
    this.names = names;
  }

  static Fields of(String... names) {
    return new Fields(
        Arrays.stream(names).map(n -> n.getBytes(StandardCharsets.UTF_8)).toArray(byte[][]::new));
  }

  int count() {
    return names.length;
  }

  /** The position of the name held in the given part of {@code bytes}, or -1. */
  int position(byte[] bytes, int from, int length) {
    for (int i = 0; i < names.length; i++) {
      byte[] name = names[i];
      if (name.length == length && Arrays.equals(name, 0, length, bytes, from, from + length)) {
        return i;
      }
    }
    return -1;
  }
}
