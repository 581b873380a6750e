package org.natskvcache.replication.wire;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What signs the frames of a cache, and what is accepted: the settings {@code REPLICATION_KEY} and
 * {@code INSPECTION_KEY}, parsed. At most two entries, separated by a comma; the first one signs,
 * all are accepted. An entry is a {@link ReplicationKey} or the word {@code none}, which stands for
 * frames with a checksum only. {@link FrameSealer} does the work.
 *
 * <p>Immutable. Prints ids, never a secret.
 */
public final class FrameKeys {
  /** What a signature allows. */
  public enum Use {
    /** To change something, and to answer. */
    WRITE,
    /** To ask what is held, and to answer that. */
    INSPECT
  }

  /** No key: frames have a checksum only. */
  public static final FrameKeys NONE = new FrameKeys(List.of(Entry.NONE));

  private static final int ENTRIES_MAX = 2;
  private static final String WORD_FOR_NONE = "none";

  /**
   * One entry of the setting.
   *
   * @param write null of {@code none} and of an inspection key
   * @param inspect null of {@code none}
   */
  record Entry(@Nullable FrameKey write, @Nullable FrameKey inspect) {
    static final Entry NONE = new Entry(null, null);

    Entry toInspect() {
      return new Entry(null, inspect);
    }

    @Override
    public String toString() {
      if (inspect == null) return WORD_FOR_NONE;
      return write == null ? "inspect:" + inspect : "write:" + write + " inspect:" + inspect;
    }
  }

  private final List<Entry> entries;

  private FrameKeys(List<Entry> entries) {
    this.entries = List.copyOf(entries);
  }

  /**
   * The keys of an instance.
   *
   * @param setting of {@code REPLICATION_KEY}; blank for none
   * @throws IllegalArgumentException when it makes no sense; the message names the setting and says
   *     what to do, without the value
   */
  public static FrameKeys replication(String setting) {
    return parsed("REPLICATION_KEY", setting, key -> new Entry(key.write(), key.inspect()));
  }

  /**
   * The keys of someone who only looks.
   *
   * @param setting of {@code INSPECTION_KEY}; blank for none
   * @throws IllegalArgumentException when it makes no sense; the message names the setting and says
   *     what to do, without the value
   */
  public static FrameKeys inspection(String setting) {
    return parsed("INSPECTION_KEY", setting, key -> new Entry(null, key.asFrameKey()));
  }

  private static FrameKeys parsed(
      String name, String setting, Function<ReplicationKey, Entry> entry) {
    String wrong = problem(setting);
    if (!wrong.isEmpty()) throw new IllegalArgumentException(name + " " + wrong);
    List<Entry> entries = new ArrayList<>();
    for (String text : texts(setting)) {
      entries.add(isNone(text) ? Entry.NONE : entry.apply(ReplicationKey.parse(text)));
    }
    return new FrameKeys(entries);
  }

  /**
   * What is wrong with a setting, to be read after its name; empty when nothing is. Holds no part
   * of the value.
   */
  public static String problem(String setting) {
    List<String> texts = texts(setting);
    if (texts.size() > ENTRIES_MAX) {
      return "has more than two entries: give one key, or two while they change";
    }
    var seen = new HashSet<String>();
    for (String text : texts) {
      if (!isNone(text) && !ReplicationKey.isKey(text)) {
        return "has an entry that is neither none nor a key of 43 characters: nats-kvcache key makes them";
      }
      if (!seen.add(isNone(text) ? WORD_FOR_NONE : ReplicationKey.parse(text).text())) {
        return "has the same entry twice: give it once";
      }
    }
    return "";
  }

  private static List<String> texts(String setting) {
    if (setting.isBlank()) return List.of(WORD_FOR_NONE);
    List<String> texts = new ArrayList<>();
    // one more than is allowed is enough to refuse it
    for (String text : setting.split(",", ENTRIES_MAX + 1)) texts.add(text.strip());
    return texts;
  }

  private static boolean isNone(String text) {
    return text.equalsIgnoreCase(WORD_FOR_NONE);
  }

  /** These keys, less what is needed to change something. */
  public FrameKeys toInspect() {
    return new FrameKeys(entries.stream().map(Entry::toInspect).toList());
  }

  /** The {@code INSPECTION_KEY} that belongs to these keys: a secret, never to be logged. */
  public String inspectionSetting() {
    return entries.stream()
        .map(entry -> entry.inspect() == null ? WORD_FOR_NONE : entry.inspect().text())
        .collect(Collectors.joining(","));
  }

  /** Whether there is no key at all. */
  public boolean isNone() {
    return entries.stream().allMatch(entry -> entry.inspect() == null);
  }

  /** In the order of the setting, at least one. */
  List<Entry> entries() {
    return entries;
  }

  /** What signs and checks with these keys; a new one for each thread or lock. */
  public FrameSealer sealer() {
    return new FrameSealer(this);
  }

  /** The ids of the keys, in the order of the setting: what an operator may compare and log. */
  public List<String> ids() {
    return entries.stream().map(Entry::toString).toList();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof FrameKeys that && entries.equals(that.entries);
  }

  @Override
  public int hashCode() {
    return entries.hashCode();
  }

  @Override
  public String toString() {
    return String.join(",", ids());
  }
}
