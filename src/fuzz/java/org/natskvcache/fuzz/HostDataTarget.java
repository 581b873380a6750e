package org.natskvcache.fuzz;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.Callable;
import org.natskvcache.provider.HostData;
import org.natskvcache.provider.HostDataException;
import org.natskvcache.rpc.wasmbus.Vectors;
import org.natskvcache.rpc.wrpc.WrpcVectors;

/** Host data. The input is the line itself, and the JSON that a line holds in base64. */
public final class HostDataTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 256;

  @Override
  public void run(byte[] input) throws Exception {
    read(input);
    byte[] base64 = Base64.getEncoder().encode(input);
    HostData data = read(base64);
    if (data == null) return;
    Check.same(data, HostData.read(new ByteArrayInputStream(base64)), "host data");
    Check.that(!data.toString().isEmpty(), "host data prints");
    SettingsTarget.settings(data.config(), "default");
    SettingsTarget.settings(data.secrets(), "default");
    if (data.contract() instanceof HostData.Contract.Wasmbus wasmbus) {
      for (var link : wasmbus.links()) {
        SettingsTarget.settings(link.values(), wasmbus.linkName());
      }
    }
  }

  private static HostData read(byte[] line) throws Exception {
    try {
      Callable<HostData> reading = () -> HostData.read(new ByteArrayInputStream(line));
      HostData data = Bounds.allocating(line.length, BYTES_PER_BYTE, reading);
      return data.checkedForStart();
    } catch (HostDataException refused) {
      return null;
    }
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    for (var vector : Vectors.startingWith("hostdata."))
      seeds.add(utf8(vector.get("json").asText()));
    seeds.add(utf8(WrpcVectors.of("host_data").get("json").asText()));
    return seeds;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
