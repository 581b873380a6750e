package org.natskvcache.cli.shell;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.natskvcache.node.PosingReplica;
import org.natskvcache.store.Limits;

/** Standalone caches, one for each link. */
final class FakeSession implements ShellSession {
  final Map<String, PosingReplica> caches = new LinkedHashMap<>();

  /** Small ones, so that a test reaches them: values of 1,000 bytes, pages of 2 keys. */
  private static final Limits LIMITS = small();

  private static Limits small() {
    Limits d = Limits.DEFAULTS;
    return new Limits(
        d.keyBytesMax(),
        1_001,
        d.ringBytesMax(),
        d.ringMutationsMax(),
        d.heldBackBytesMax(),
        d.heldBackMutationsMax(),
        d.heldCallsMax(),
        d.frameBytes(),
        d.replayBytes(),
        d.chunkBytes(),
        d.cutsMax(),
        d.digestBucketBits(),
        2,
        1_024);
  }

  FakeSession(String... links) {
    for (String link : links) caches.put(link, new PosingReplica(LIMITS));
  }

  @Override
  public List<String> links() {
    return List.copyOf(caches.keySet());
  }

  @Override
  public PosingReplica cache(String link) {
    return caches.get(link);
  }
}
