package org.natskvcache.fuzz;

import java.util.ArrayList;
import java.util.List;
import org.natskvcache.rpc.LinkDefinition;
import org.natskvcache.rpc.wasmbus.HealthResponse;
import org.natskvcache.rpc.wasmbus.LinkDefinitionCodec;
import org.natskvcache.rpc.wasmbus.MessagePackException;
import org.natskvcache.rpc.wasmbus.MessagePackWriter;
import org.natskvcache.rpc.wasmbus.ShutdownRequest;
import org.natskvcache.rpc.wasmbus.Vectors;

/** What hosts 0.x say beside calls: links, shutdowns, and health as they would read ours. */
public final class WasmbusLinkTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 128;

  @Override
  public void run(byte[] input) throws Exception {
    byte[] payload = Input.rest(input);
    try {
      switch (Input.choice(input, 3)) {
        case 0 -> {
          LinkDefinition link =
              Bounds.allocating(
                  payload.length, BYTES_PER_BYTE, () -> LinkDefinitionCodec.decode(payload));
          Check.same(link, LinkDefinitionCodec.decode(encoded(link)), "link");
          SettingsTarget.settings(link.values(), link.linkName());
        }
        case 1 ->
            Bounds.allocating(
                payload.length, BYTES_PER_BYTE, () -> ShutdownRequest.isFor("N", false, payload));
        default -> {
          HealthResponse health = HealthResponse.decode(payload);
          Check.same(health, HealthResponse.decode(health.encode()), "health");
        }
      }
    } catch (MessagePackException refused) {
      // counted and logged by the door
    }
  }

  private static byte[] encoded(LinkDefinition link) {
    var out = new MessagePackWriter(256).arrayHeader(5);
    out.text(link.actorId()).text(link.providerId()).text(link.linkName()).text(link.contractId());
    out.mapHeader(link.values().size());
    link.values().forEach((key, value) -> out.text(key).text(value));
    return out.toByteArray();
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    Vectors.startingWith("linkdef.").forEach(v -> seeds.add(Input.of(0, Vectors.bytes(v))));
    Vectors.entries("tolerance")
        .filter(vector -> vector.get("type").textValue().equals("LinkDefinition"))
        .forEach(v -> seeds.add(Input.of(0, Vectors.bytes(v))));
    Vectors.startingWith("shutdown.request").forEach(v -> seeds.add(Input.of(1, Vectors.bytes(v))));
    Vectors.startingWith("health.response").forEach(v -> seeds.add(Input.of(2, Vectors.bytes(v))));
    return seeds;
  }
}
