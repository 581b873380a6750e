package org.natskvcache.rpc.wrpc;

import java.util.Map;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.Xkey;
import org.natskvcache.store.Bytes;

/**
 * Opens the secrets of links, which the host seals for this process.
 *
 * @param ours our curve key
 * @param host the host's
 */
public record LinkSecrets(Xkey ours, Nkey host) {
  /**
   * The keys as host data names them.
   *
   * @throws IllegalArgumentException if one of them is not a curve key
   */
  public static LinkSecrets of(String hostXkey, String providerXkeySeed) {
    return new LinkSecrets(
        Xkey.ofSeed(providerXkeySeed)
            .orElseThrow(() -> new IllegalArgumentException("not a seed SX...")),
        Nkey.parse(hostXkey)
            .filter(key -> key.role() == Nkey.Role.CURVE)
            .orElseThrow(() -> new IllegalArgumentException("not a public key X...")));
  }

  /** What a link's sealed secrets say, by name; nothing for empty bytes. */
  public Map<String, String> open(Bytes sealed) throws MalformedMessageException {
    if (sealed.size() == 0) return Map.of();
    Bytes plain =
        ours.open(host, sealed)
            .orElseThrow(() -> new MalformedMessageException("its secrets do not open"));
    return ControlCodec.secrets(plain);
  }
}
