package org.natskvcache.fuzz;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.natskvcache.rpc.wasmbus.Invocation;
import org.natskvcache.rpc.wasmbus.InvocationChecks;
import org.natskvcache.rpc.wasmbus.InvocationResponse;
import org.natskvcache.rpc.wasmbus.KeyValueCodec;
import org.natskvcache.rpc.wasmbus.MessagePackException;
import org.natskvcache.rpc.wasmbus.SigningCaller;
import org.natskvcache.rpc.wasmbus.Vectors;

/** Whole invocations: decoded, written again, checked, and their operation decoded. */
public final class InvocationTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 64;
  private static final long NOW_SECONDS = 1_700_000_000;

  private final InvocationChecks checks =
      new InvocationChecks(Set.of(Vectors.key("cluster_public")), Vectors.key("provider_public"));

  @Override
  public void run(byte[] input) throws Exception {
    Invocation call;
    try {
      call = Bounds.allocating(input.length, BYTES_PER_BYTE, () -> Invocation.decode(input));
    } catch (MessagePackException refused) {
      return;
    }
    Check.same(call, Invocation.decode(SigningCaller.encode(call)), "invocation");
    checks.refusal(call, NOW_SECONDS, true);
    KeyValueCodec.decode(call.operation(), call.msg());
    var response = InvocationResponse.ok(call.id(), call.msg());
    Check.same(call.id(), SigningCaller.Response.decode(response.encode()).invocationId(), "id");
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    Vectors.startingWith("invocation.").forEach(vector -> seeds.add(Vectors.bytes(vector)));
    Vectors.entries("tolerance")
        .filter(vector -> vector.get("type").textValue().equals("Invocation"))
        .forEach(vector -> seeds.add(Vectors.bytes(vector)));
    return seeds;
  }
}
