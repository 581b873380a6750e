package org.natskvcache.cli.shell;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Caches of plain maps, one for each link. */
final class FakeSession implements ShellSession {
  final Map<String, FakeReplica> caches = new LinkedHashMap<>();

  FakeSession(String... links) {
    for (String link : links) caches.put(link, new FakeReplica());
  }

  @Override
  public List<String> links() {
    return List.copyOf(caches.keySet());
  }

  @Override
  public FakeReplica cache(String link) {
    return caches.get(link);
  }
}
