package org.natskvcache.nats;

import io.nats.client.impl.NatsServerPool;
import io.nats.client.impl.ServerPoolEntry;
import io.nats.client.support.NatsUri;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The order in which servers are tried: all that are configured, one that a server told of, all
 * that are configured, the next one that a server told of, and so on. So servers that nobody can
 * reach do not keep us from those that the operator named.
 */
final class ConfiguredFirst extends NatsServerPool {
  private int configuredTried;

  @Override
  public @Nullable NatsUri peekNextServer() {
    listLock.lock();
    try {
      int next = next();
      return next < 0 ? null : entryList.get(next).nuri;
    } finally {
      listLock.unlock();
    }
  }

  @Override
  public @Nullable NatsUri nextServer() {
    listLock.lock();
    try {
      int next = next();
      if (next < 0) return null;
      ServerPoolEntry entry = entryList.remove(next);
      entryList.add(entry);
      configuredTried = entry.isGossiped ? 0 : configuredTried + 1;
      return entry.nuri;
    } finally {
      listLock.unlock();
    }
  }

  @Override
  public void connectSucceeded(NatsUri server) {
    listLock.lock();
    try {
      super.connectSucceeded(server);
      configuredTried = 0;
    } finally {
      listLock.unlock();
    }
  }

  /** Index of the next one to try; -1 when there is none. */
  private int next() {
    long configured = entryList.stream().filter(entry -> !entry.isGossiped).count();
    int wanted = first(entryList, configuredTried >= configured);
    return wanted < 0 ? first(entryList, configuredTried < configured) : wanted;
  }

  private static int first(List<ServerPoolEntry> entries, boolean gossiped) {
    for (int i = 0; i < entries.size(); i++) {
      if (entries.get(i).isGossiped == gossiped) return i;
    }
    return -1;
  }
}
