package org.natskvcache.provider;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.natskvcache.store.Bytes;

/**
 * Which keys a watching component wants to hear of. Prints without them.
 *
 * <pre>
 *   SET@key,DEL@key          both events of one key, as the Redis provider reads it; keys as they are
 *   ["key", "SET@key", "user:*", "DEL@odd\\*"]
 *                            JSON: without an event, both; a trailing * is any rest, \\* a star
 * </pre>
 */
public final class WatchList {
  /** Watches nothing. */
  public static final WatchList NONE = new WatchList(new Events(), new Events());

  /** Most keys and prefixes of one list. */
  static final int ENTRIES_MAX = 1_000;

  static final String EXPECTED =
      "is neither SET@key,DEL@key nor a JSON array of at most " + ENTRIES_MAX + " such texts";

  /** Length of {@code SET@} and of {@code DEL@}. */
  private static final int EVENT_LENGTH = 4;

  private static final ObjectMapper JSON = new ObjectMapper();

  /** The keys of one event. */
  private record Events(Set<Bytes> keys, List<Bytes> prefixes) {
    Events() {
      this(new HashSet<>(), new ArrayList<>());
    }

    boolean has(Bytes key) {
      if (keys.contains(key)) return true;
      for (Bytes prefix : prefixes) if (key.startsWith(prefix)) return true;
      return false;
    }
  }

  private final Events sets;
  private final Events deletes;

  private WatchList(Events sets, Events deletes) {
    this.sets = sets;
    this.deletes = deletes;
  }

  /** Reads a list; empty when it is none. */
  public static Optional<WatchList> parse(String text) {
    var list = new WatchList(new Events(), new Events());
    boolean fine = text.startsWith("[") ? list.addJson(text) : list.addPlain(text);
    int size = list.sets.keys.size() + list.sets.prefixes.size();
    size += list.deletes.keys.size() + list.deletes.prefixes.size();
    return fine && size <= ENTRIES_MAX ? Optional.of(list) : Optional.empty();
  }

  private boolean addPlain(String text) {
    for (String entry : text.split(",", -1)) {
      String name = entry.strip();
      Events events = events(name);
      if (events == null) return false;
      events.keys.add(Bytes.utf8(name.substring(EVENT_LENGTH)));
    }
    return true;
  }

  private @Nullable Events events(String entry) {
    String upper = entry.toUpperCase(Locale.ROOT);
    if (upper.startsWith("SET@")) return sets;
    return upper.startsWith("DEL@") ? deletes : null;
  }

  private boolean addJson(String text) {
    JsonNode array;
    try {
      array = JSON.readTree(text);
    } catch (IOException e) {
      return false; // the caller says what is wanted
    }
    for (JsonNode entry : array) {
      if (!entry.isTextual()) return false;
      Events events = events(entry.textValue());
      if (events != null) {
        add(events, entry.textValue().substring(EVENT_LENGTH));
      } else {
        add(sets, entry.textValue());
        add(deletes, entry.textValue());
      }
    }
    return true;
  }

  private static void add(Events events, String pattern) {
    if (pattern.endsWith("\\*")) {
      events.keys.add(Bytes.utf8(pattern.substring(0, pattern.length() - 2) + "*"));
    } else if (pattern.endsWith("*")) {
      events.prefixes.add(Bytes.utf8(pattern.substring(0, pattern.length() - 1)));
    } else {
      events.keys.add(Bytes.utf8(pattern));
    }
  }

  /** Whether it is told that this key was written. */
  public boolean hearsSet(Bytes key) {
    return sets.has(key);
  }

  /** Whether it is told that this key is gone. */
  public boolean hearsDelete(Bytes key) {
    return deletes.has(key);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof WatchList that
        && sets.equals(that.sets)
        && deletes.equals(that.deletes);
  }

  @Override
  public int hashCode() {
    return 31 * sets.hashCode() + deletes.hashCode();
  }

  @Override
  public String toString() {
    return "watching "
        + sets.keys.size()
        + "+"
        + sets.prefixes.size()
        + " sets, "
        + deletes.keys.size()
        + "+"
        + deletes.prefixes.size()
        + " deletes";
  }
}
