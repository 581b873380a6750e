package org.natskvcache.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.natskvcache.rpc.wrpc.ControlCodec;
import org.natskvcache.rpc.wrpc.InterfaceLink;
import org.natskvcache.rpc.wrpc.MalformedMessageException;
import org.natskvcache.rpc.wrpc.WrpcVectors;
import org.natskvcache.store.Bytes;

/** Control messages of hosts 1.x; the first byte is which: a link, a configuration, a shutdown. */
public final class WrpcControlTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 256;

  @Override
  public void run(byte[] input) throws Exception {
    byte[] payload = Input.rest(input);
    try {
      switch (Input.choice(input, 4)) {
        case 0 -> {
          InterfaceLink link = bounded(payload, () -> ControlCodec.link(payload));
          Check.that(!link.name().isEmpty() && !link.toString().isEmpty(), "a link has a name");
          SettingsTarget.settings(link.targetConfig(), link.name());
        }
        case 1 -> settings(bounded(payload, () -> ControlCodec.config(payload)));
        case 2 -> settings(bounded(payload, () -> ControlCodec.secrets(new Bytes(payload))));
        default -> bounded(payload, () -> ControlCodec.isShutdownOf("host", payload));
      }
    } catch (MalformedMessageException refused) {
      // counted and logged by the door
    }
  }

  private static <T> T bounded(byte[] payload, java.util.concurrent.Callable<T> decoding)
      throws Exception {
    return Bounds.allocating(payload.length, BYTES_PER_BYTE, decoding);
  }

  private static void settings(Map<String, String> config) {
    SettingsTarget.settings(config, "default");
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    var messages = WrpcVectors.of("control_messages");
    for (String id : List.of("linkdefs_put", "linkdefs_del")) seeds.add(seed(0, messages.get(id)));
    seeds.add(seed(1, messages.get("config_update")));
    for (var message : WrpcVectors.of("xkey").get("messages")) {
      seeds.add(seed(2, message.get("plaintext_utf8")));
    }
    seeds.add(seed(3, messages.get("shutdown_request")));
    return seeds;
  }

  private static byte[] seed(int choice, com.fasterxml.jackson.databind.JsonNode text) {
    return Input.of(choice, text.asText().getBytes(StandardCharsets.UTF_8));
  }
}
