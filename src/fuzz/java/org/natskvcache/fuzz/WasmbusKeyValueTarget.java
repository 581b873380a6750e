package org.natskvcache.fuzz;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.Node;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.Time;
import org.natskvcache.rpc.MutationReplies;
import org.natskvcache.rpc.wasmbus.KeyValueCodec;
import org.natskvcache.rpc.wasmbus.MessagePackReader;
import org.natskvcache.rpc.wasmbus.Operation;
import org.natskvcache.rpc.wasmbus.Vectors;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Reply;

/**
 * Arguments of {@code wasmcloud:keyvalue}; the first byte is the operation. What is read is carried
 * out, and its reply encoded.
 */
public final class WasmbusKeyValueTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 128;
  private static final Time NOW = new Time(1_750_000_000_000L, 0);

  @Override
  public void run(byte[] input) throws Exception {
    Operation[] all = Operation.values();
    Operation operation = all[Input.choice(input, all.length)];
    byte[] msg = Input.rest(input);
    KeyValueCodec.Request request =
        Bounds.allocating(
            msg.length,
            BYTES_PER_BYTE,
            () -> KeyValueCodec.decode(operation.wireName(), new Bytes(msg)));
    if (!(request instanceof KeyValueCodec.Request.Call(var decoded, var command))) return;
    Check.same(operation, decoded, "operation");
    Node node = node();
    Reply reply = node.call(command, NOW);
    for (MutationReplies replies : MutationReplies.values()) {
      KeyValueCodec.Answer answer = KeyValueCodec.encode(operation, reply, replies);
      if (answer instanceof KeyValueCodec.Answer.Result(var bytes) && bytes.size() > 0) {
        MessagePackReader in = new MessagePackReader(bytes.array());
        in.skip();
        Check.that(in.atEnd(), "one value is answered");
      }
    }
    node.call(command, NOW);
    Check.same(node.keyspace().recomputedDigest(), node.keyspace().digest(), "digest");
  }

  /** An empty cache that replicates nothing. */
  static Node node() {
    return new Node(
        NodeSettings.standalone(Limits.DEFAULTS), new OriginId(1, 1), new SplittableRandom(1), NOW);
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    for (Operation operation : Operation.values()) {
      Vectors.startingWith(operation.wireName().replace("KeyValue.", "kv.") + ".request")
          .forEach(vector -> seeds.add(Input.of(operation.ordinal(), Vectors.bytes(vector))));
      Vectors.entries("tolerance")
          .filter(vector -> !vector.get("type").textValue().matches("Invocation|LinkDefinition"))
          .forEach(vector -> seeds.add(Input.of(operation.ordinal(), Vectors.bytes(vector))));
    }
    return seeds;
  }
}
