package org.natskvcache.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.wasmbus.Vectors;
import org.natskvcache.store.Bytes;

/**
 * Keys and seeds as text. By the first byte the input is the text, or the raw bytes of a key or of
 * a seed, which must read as what they were written from.
 */
public final class NkeyTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 16;
  private static final int KEY_BYTES = 32;

  @Override
  public void run(byte[] input) throws Exception {
    byte[] rest = Input.rest(input);
    Nkey.Role role = Nkey.Role.values()[Input.choice(rest, Nkey.Role.values().length)];
    Bytes key = new Bytes(Arrays.copyOf(Input.rest(rest), KEY_BYTES));
    switch (Input.choice(input, 3)) {
      case 0 -> parse(new String(rest, StandardCharsets.UTF_8));
      case 1 -> {
        Nkey nkey = new Nkey(role, key);
        Check.same(nkey, parse(nkey.text()), "key");
        Check.same(role.letter(), nkey.text().charAt(0), "letter of a key");
      }
      default -> {
        Nkey.Seed seed = new Nkey.Seed(role, key);
        Check.same(seed, parse(seed.text()), "seed");
        Check.same(role.letter(), seed.text().charAt(1), "letter of a seed");
      }
    }
  }

  /** What the text stands for; it is the only text that does. Null for nothing. */
  private static Object parse(String text) throws Exception {
    var key = Bounds.allocating(text.length(), BYTES_PER_BYTE, () -> Nkey.parse(text));
    var seed = Bounds.allocating(text.length(), BYTES_PER_BYTE, () -> Nkey.parseSeed(text));
    if (key.isPresent()) Check.same(text, key.get().text(), "text of a key");
    if (seed.isPresent()) Check.same(text, seed.get().text(), "text of a seed");
    return key.isPresent() ? key.get() : seed.orElse(null);
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    for (String name : List.of("cluster_public", "cluster_seed", "host_seed", "actor_public")) {
      seeds.add(Input.of(0, Vectors.key(name).getBytes(StandardCharsets.US_ASCII)));
    }
    seeds.add(Input.of(1, new byte[] {1, 2, 3}));
    seeds.add(Input.of(2, new byte[] {7, 8, 9}));
    return seeds;
  }
}
