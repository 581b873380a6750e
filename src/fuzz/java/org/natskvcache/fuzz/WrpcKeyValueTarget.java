package org.natskvcache.fuzz;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.natskvcache.node.Node;
import org.natskvcache.node.Time;
import org.natskvcache.rpc.wrpc.KeyValueFunction;
import org.natskvcache.rpc.wrpc.KeyValueRequest;
import org.natskvcache.rpc.wrpc.KeyValueResult;
import org.natskvcache.rpc.wrpc.WrpcVectors;
import org.natskvcache.store.Bytes;
import org.natskvcache.wrpc.ValueException;
import org.natskvcache.wrpc.ValueReader;
import org.natskvcache.wrpc.ValueWriter;
import org.natskvcache.wrpc.WrpcLimits;

/**
 * Params of {@code wrpc:keyvalue}; the first byte is the function. Every beginning of what is read
 * is only incomplete; what is read is carried out and its result encoded.
 */
public final class WrpcKeyValueTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 128;
  private static final int CUTS = 16;
  private static final Time NOW = new Time(1_750_000_000_000L, 0);

  @Override
  public void run(byte[] input) throws Exception {
    KeyValueFunction[] all = KeyValueFunction.values();
    KeyValueFunction function = all[Input.choice(input, all.length)];
    byte[] params = Input.rest(input);
    ValueReader in = new ValueReader(params, WrpcLimits.DEFAULTS);
    KeyValueRequest request;
    try {
      request =
          Bounds.allocating(
              params.length,
              BYTES_PER_BYTE,
              () -> function.decode(new ValueReader(params, WrpcLimits.DEFAULTS)));
      function.decode(in);
    } catch (ValueException refused) {
      return;
    }
    for (int i = 0; i < CUTS; i++) cut(function, params, in.position() * i / CUTS, in.position());
    byte[] written = encoded(request);
    Check.same(request, function.decode(new ValueReader(written, WrpcLimits.DEFAULTS)), "request");
    if (request.refusal() != null) {
      KeyValueResult.encode(request, request.refusal());
      return;
    }
    Node node = WasmbusKeyValueTarget.node();
    for (int i = 0; i < 2; i++) {
      KeyValueResult.encode(request, node.call(request.command("link"), NOW));
    }
    Check.same(node.keyspace().recomputedDigest(), node.keyspace().digest(), "digest");
  }

  private static void cut(KeyValueFunction function, byte[] params, int length, int whole) {
    try {
      function.decode(new ValueReader(Arrays.copyOf(params, length), WrpcLimits.DEFAULTS));
      Check.that(false, "a beginning is whole");
    } catch (ValueException e) {
      Check.that(
          e instanceof ValueException.Incomplete early
              && early.missing() > 0
              && early.missing() <= whole - length,
          "a beginning only lacks bytes");
    }
  }

  private static byte[] encoded(KeyValueRequest request) {
    ValueWriter out = new ValueWriter(64).bytes(request.bucket().array());
    List<Bytes> keys = request.keys();
    switch (request.function()) {
      case GET, DELETE, EXISTS -> out.bytes(keys.getFirst().array());
      case SET -> out.bytes(keys.getFirst().array()).bytes(request.values().getFirst().array());
      case INCREMENT -> out.bytes(keys.getFirst().array()).u64(request.number());
      case LIST_KEYS -> out.option(true).u64(request.number());
      case GET_MANY, DELETE_MANY, SET_MANY -> {
        out.list(keys.size());
        for (int i = 0; i < keys.size(); i++) {
          out.bytes(keys.get(i).array());
          if (!request.values().isEmpty()) out.bytes(request.values().get(i).array());
        }
      }
    }
    return out.toByteArray();
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    for (var vector : WrpcVectors.of("call_vectors")) {
      if (!vector.get("direction").textValue().equals("params")) continue;
      for (KeyValueFunction function : KeyValueFunction.values()) {
        byte[] bytes = WrpcVectors.bytes(vector);
        if (!function.function().equals(vector.get("function").textValue()) || bytes.length > 2_000)
          continue;
        seeds.add(Input.of(function.ordinal(), bytes));
      }
    }
    return seeds;
  }
}
