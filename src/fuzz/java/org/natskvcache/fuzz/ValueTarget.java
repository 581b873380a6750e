package org.natskvcache.fuzz;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.natskvcache.rpc.wrpc.WrpcVectors;
import org.natskvcache.wrpc.ValueException;
import org.natskvcache.wrpc.ValueReader;
import org.natskvcache.wrpc.ValueWriter;
import org.natskvcache.wrpc.WrpcLimits;

/**
 * Values of the component model: the first byte is how many are read, at most seven; the low bits
 * of as many bytes behind it are their types. What is read is written and read again.
 */
public final class ValueTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 32;
  private static final int COUNT_MAX = 7;
  private static final List<String> TYPES =
      List.of("bool", "u8", "u32", "u64", "s64", "string", "list<u8>", "list", "variant", "option");

  /** What was read, and where it ended. */
  private record Read(List<Object> values, int position) {}

  @Override
  public void run(byte[] input) throws Exception {
    int count = Math.min(Input.choice(input, COUNT_MAX + 1), Math.max(0, input.length - 1));
    int[] types = new int[count];
    for (int i = 0; i < count; i++) types[i] = (input[1 + i] & 0xff) % TYPES.size();
    byte[] bytes = new byte[Math.max(0, input.length - 1 - count)];
    System.arraycopy(input, input.length - bytes.length, bytes, 0, bytes.length);
    Read read;
    try {
      read = Bounds.allocating(bytes.length, BYTES_PER_BYTE, () -> read(types, bytes));
    } catch (ValueException.Incomplete early) {
      Check.that(early.missing() > 0, "something is missing");
      return;
    } catch (ValueException.Malformed refused) {
      return;
    }
    byte[] written = write(types, read.values);
    Check.that(written.length <= read.position, "shortest form");
    byte[] whole = Arrays.copyOf(written, written.length + bytes.length); // for lists' elements
    Read again = read(types, whole);
    Check.same(read.values.toArray(), again.values.toArray(), "values");
    Check.same(written.length, again.position, "length");
  }

  private static Read read(int[] types, byte[] bytes) throws ValueException {
    ValueReader in = new ValueReader(bytes, WrpcLimits.DEFAULTS);
    List<Object> values = new ArrayList<>();
    for (int type : types) {
      values.add(
          switch (type) {
            case 0 -> in.bool();
            case 1 -> in.u8();
            case 2 -> in.u32();
            case 3 -> in.u64();
            case 4 -> in.s64();
            case 5 -> in.string();
            case 6 -> in.bytes();
            case 7 -> in.list();
            case 8 -> in.variant(3);
            default -> in.option();
          });
    }
    return new Read(values, in.position());
  }

  private static byte[] write(int[] types, List<Object> values) {
    ValueWriter out = new ValueWriter(16);
    for (int i = 0; i < types.length; i++) {
      Object value = values.get(i);
      switch (types[i]) {
        case 0 -> out.bool((Boolean) value);
        case 1 -> out.u8((Integer) value);
        case 2 -> out.u32((Long) value);
        case 3 -> out.u64((Long) value);
        case 4 -> out.s64((Long) value);
        case 5 -> out.string((String) value);
        case 6 -> out.bytes((byte[]) value);
        case 7 -> out.list((Integer) value);
        case 8 -> out.variant((Integer) value);
        default -> out.option((Boolean) value);
      }
    }
    return out.toByteArray();
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    for (String section : List.of("primitive_vectors", "malformed")) {
      for (var vector : WrpcVectors.of(section)) {
        int type = TYPES.indexOf(vector.get("type").textValue());
        byte[] bytes = WrpcVectors.bytes(vector);
        if (type < 0 || bytes.length > 1_000) continue;
        seeds.add(Input.of(1, Input.of(type, bytes)));
      }
    }
    return seeds;
  }
}
