package org.natskvcache.sim;

import org.jspecify.annotations.Nullable;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;

/**
 * Something a schedule did, to be read after a failure.
 *
 * @param host by number, from 0
 * @param about what it was done with; null for nothing
 */
record Action(long tick, int host, String what, @Nullable Object about) {
  @Override
  public String toString() {
    String with =
        switch (about) {
          case null -> "";
          case Command command -> " " + text(command);
          default -> " " + about;
        };
    return "tick=" + tick + " host=" + host + " " + what + with;
  }

  /** The keys and values of a simulation are nobody's secret. */
  private static String text(Command command) {
    return switch (command) {
      case Command.Set(var key, var value, var ttl) -> "SET " + text(key, value) + " PX " + ttl;
      case Command.Delete(var key) -> "DEL " + text(key);
      case Command.Increment increment -> "INCRBY " + text(increment.key()) + " " + increment.by();
      case Command.SetAdd(var key, var member) -> "SADD " + text(key, member);
      case Command.SetRemove(var key, var member) -> "SREM " + text(key, member);
      case Command.SetClear(var key) -> "SCLEAR " + text(key);
      case Command.ListAdd(var key, var value) -> "RPUSH " + text(key, value);
      case Command.ListRemove(var key, var value) -> "LREM " + text(key, value);
      case Command.ListClear(var key) -> "LCLEAR " + text(key);
      default -> command.toString();
    };
  }

  private static String text(Key key, Bytes value) {
    return text(key) + " " + value.utf8();
  }

  private static String text(Key key) {
    return key.stored().utf8();
  }
}
