package org.natskvcache.provider;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.natskvcache.node.ClockLimits;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.rpc.Credentials;
import org.natskvcache.rpc.MutationReplies;
import org.natskvcache.store.Capacity;

/**
 * A link's values, checked.
 *
 * @param cache what it would decide if it is the first of its link name
 * @param keys its own
 */
public record LinkSettings(CacheSettings cache, LinkKeys keys) {
  private static final int HEARTBEAT_SECONDS_MAX = 86_400;
  private static final int ENTRY_BYTES_LIMIT = 999_999_999;
  private static final int CLOCK_SKEW_MILLIS_LIMIT = 999_999_999;

  /** Plain bytes, or a smaller number with its unit: nothing that overflows. */
  private static final Pattern SIZE =
      Pattern.compile("([0-9]{1,15})|([0-9]{1,9})([kmg])(i?b)?", Pattern.CASE_INSENSITIVE);

  /** The smallest limit of memory, bytes: a value or two. */
  private static final long MEMORY_BYTES_LEAST = 1 << 20;

  /** What a link's values came to. */
  public sealed interface Parsed {
    /** All of them make sense. */
    record Valid(LinkSettings settings) implements Parsed {}

    /** The first that does not. */
    record Invalid(InvalidSetting problem) implements Parsed {}
  }

  /**
   * Checks the values that count for one link. All that can be wrong with them is found here: what
   * is valid can be opened.
   */
  public static Parsed parse(LinkValues values, String linkName) {
    return parse(values, linkName, Reader::replicationKeys);
  }

  /**
   * Checks the values of someone who only looks at a cache. {@code INSPECTION_KEY} counts, or else
   * the inspection keys that belong to {@code REPLICATION_KEY}.
   */
  public static Parsed parseToInspect(LinkValues values, String linkName) {
    return parse(values, linkName, Reader::inspectionKeys);
  }

  private static Parsed parse(
      LinkValues values, String linkName, Function<Reader, FrameKeys> frameKeys) {
    var in = new Reader(values);
    Credentials login = in.login();
    CacheSettings none = CacheSettings.standalone(linkName);
    var cache =
        new CacheSettings(
            in.servers(),
            login.jwt(),
            login.seed(),
            in.file(SettingKey.NATS_CREDS_FILE),
            in.subject(SettingKey.STATE_REPL_SUBJECT, none.stateSubject()),
            in.subject(SettingKey.REPLAY_REQ_SUBJECT, none.replaySubject()),
            in.integer(
                SettingKey.REPLAY_HEARTBEAT_SECS, HEARTBEAT_SECONDS_MAX, none.heartbeatSeconds()),
            in.file(SettingKey.NATS_CA_FILE),
            in.file(SettingKey.NATS_CERT_FILE),
            in.file(SettingKey.NATS_KEY_FILE),
            in.integer(SettingKey.VALUE_BYTES_MAX, ENTRY_BYTES_LIMIT, none.entryBytesMax()),
            in.memory(none.memoryBytesMax()),
            in.entries(none.entriesMax()),
            in.eviction(none.eviction()),
            new ClockLimits(
                in.integer(
                    SettingKey.CLOCK_SKEW_WARN_MILLIS,
                    CLOCK_SKEW_MILLIS_LIMIT,
                    (int) none.clocks().warnMillis()),
                in.integer(
                    SettingKey.CLOCK_SKEW_MAX_MILLIS,
                    CLOCK_SKEW_MILLIS_LIMIT,
                    (int) none.clocks().maxMillis())),
            in.flag(SettingKey.NATS_IGNORE_DISCOVERED, none.ignoreDiscovered()),
            frameKeys.apply(in));
    var keys = new LinkKeys(in.mutationReplies(), in.watch());
    in.checkTogether(cache);
    return in.problem == null
        ? new Parsed.Valid(new LinkSettings(cache, keys))
        : new Parsed.Invalid(in.problem);
  }

  /** Reads value after value, and keeps the first problem. */
  private static final class Reader {
    private final LinkValues values;
    private @Nullable InvalidSetting problem;

    Reader(LinkValues values) {
      this.values = values;
    }

    String text(SettingKey key) {
      return values.value(key).orElse("");
    }

    List<ServerUrl> servers() {
      String text = text(SettingKey.NATS_URL);
      if (text.isEmpty()) {
        return List.of();
      }
      return switch (ServerUrl.parseList(text)) {
        case ServerUrl.Parsed.Valid(var servers) -> servers;
        case ServerUrl.Parsed.Invalid(var reason) -> refuse(SettingKey.NATS_URL, reason, List.of());
      };
    }

    /** Of {@code NATS_CREDS}, or else of {@code CLIENT_JWT} and {@code CLIENT_SEED}. */
    Credentials login() {
      Optional<String> content = values.value(SettingKey.NATS_CREDS);
      var both = new Credentials(jwt(), seed());
      if (content.isEmpty()) return both;
      return Credentials.parse(content.get())
          .orElseGet(() -> refuse(SettingKey.NATS_CREDS, "holds no seed of a user (SU...)", both));
    }

    private String jwt() {
      String text = text(SettingKey.CLIENT_JWT);
      boolean fine = text.isEmpty() || Credentials.JWT.matcher(text).matches();
      return fine ? text : refuse(SettingKey.CLIENT_JWT, "is not a JWT", "");
    }

    private String seed() {
      String text = text(SettingKey.CLIENT_SEED);
      boolean fine = text.isEmpty() || Credentials.isUserSeed(text);
      return fine ? text : refuse(SettingKey.CLIENT_SEED, "is not the seed of a user (SU...)", "");
    }

    String subject(SettingKey key, String otherwise) {
      String text = values.value(key).orElse(otherwise);
      String wrong = Subjects.problem(text);
      return wrong.isEmpty() ? text : refuse(key, wrong, otherwise);
    }

    String file(SettingKey key) {
      String text = text(key);
      String wrong = FileName.problem(text);
      return wrong.isEmpty() ? text : refuse(key, wrong, "");
    }

    int integer(SettingKey key, int max, int otherwise) {
      String text = text(key);
      if (text.isEmpty()) {
        return otherwise;
      }
      int number =
          text.matches("[0-9]{1,9}") ? Integer.parseInt(text) : 0; // nine digits cannot overflow
      return number >= 1 && number <= max
          ? number
          : refuse(key, "is not a whole number from 1 to " + max, otherwise);
    }

    boolean flag(SettingKey key, boolean otherwise) {
      return switch (text(key).toLowerCase(Locale.ROOT)) {
        case "" -> otherwise;
        case "true" -> true;
        case "false" -> false;
        default -> refuse(key, "is neither true nor false", otherwise);
      };
    }

    long memory(long otherwise) {
      String text = text(SettingKey.MAX_MEMORY);
      if (text.isEmpty()) {
        return otherwise;
      }
      Matcher size = SIZE.matcher(text);
      long bytes = -1;
      if (size.matches()) {
        bytes =
            size.group(1) != null
                ? Long.parseLong(size.group(1))
                : Long.parseLong(size.group(2)) << unitBits(size.group(3));
      }
      if (bytes == 0) {
        return Capacity.NONE;
      }
      return bytes >= MEMORY_BYTES_LEAST
          ? bytes
          : refuse(
              SettingKey.MAX_MEMORY,
              "is neither 0 nor at least 1m: bytes, or with k, m, g for multiples of 1024",
              otherwise);
    }

    private static int unitBits(String unit) {
      return 10 * (1 + "kmg".indexOf(unit.toLowerCase(Locale.ROOT)));
    }

    long entries(long otherwise) {
      String text = text(SettingKey.MAX_ENTRIES);
      if (text.isEmpty()) {
        return otherwise;
      }
      if (!text.matches("[0-9]{1,12}")) {
        return refuse(
            SettingKey.MAX_ENTRIES, "is not a whole number of up to 12 digits", otherwise);
      }
      long entries = Long.parseLong(text);
      return entries == 0 ? Capacity.NONE : entries;
    }

    Capacity.Eviction eviction(Capacity.Eviction otherwise) {
      return switch (text(SettingKey.EVICTION).toLowerCase(Locale.ROOT)) {
        case "" -> otherwise;
        case "none" -> Capacity.Eviction.NONE;
        case "lru" -> Capacity.Eviction.LRU;
        default -> refuse(SettingKey.EVICTION, "is neither none nor lru", otherwise);
      };
    }

    FrameKeys replicationKeys() {
      return frameKeys(SettingKey.REPLICATION_KEY, FrameKeys::replication);
    }

    FrameKeys inspectionKeys() {
      return text(SettingKey.INSPECTION_KEY).isEmpty()
          ? replicationKeys().toInspect()
          : frameKeys(SettingKey.INSPECTION_KEY, FrameKeys::inspection);
    }

    private FrameKeys frameKeys(SettingKey key, Function<String, FrameKeys> parse) {
      String text = text(key);
      String wrong = FrameKeys.problem(text);
      return wrong.isEmpty() ? parse.apply(text) : refuse(key, wrong, FrameKeys.NONE);
    }

    MutationReplies mutationReplies() {
      String text = text(SettingKey.MUTATION_REPLIES);
      if (text.isEmpty()) {
        return MutationReplies.ACTUAL;
      }
      return MutationReplies.parse(text)
          .orElseGet(() ->
              refuse(
                  SettingKey.MUTATION_REPLIES,
                  "is neither actual nor default",
                  MutationReplies.ACTUAL));
    }

    WatchList watch() {
      String text = text(SettingKey.WATCH);
      if (text.isEmpty()) {
        return WatchList.NONE;
      }
      return WatchList.parse(text)
          .orElseGet(() -> refuse(SettingKey.WATCH, WatchList.EXPECTED, WatchList.NONE));
    }

    /** Values that are fine alone but not together. */
    void checkTogether(CacheSettings cache) {
      if (!cache.jwt().isEmpty() && cache.seed().isEmpty()) {
        refuse(SettingKey.CLIENT_JWT, "needs CLIENT_SEED beside it", "");
      }
      for (SettingKey key : List.of(SettingKey.NATS_CREDS, SettingKey.NATS_CREDS_FILE)) {
        List<SettingKey> others =
            Stream.of(SettingKey.CLIENT_SEED, SettingKey.CLIENT_JWT, SettingKey.NATS_CREDS_FILE)
                .filter(other -> other != key && values.value(other).isPresent())
                .toList();
        if (values.value(key).isPresent() && !others.isEmpty()) {
          refuse(key, "does not go together with " + others.getFirst(), "");
        }
      }
      if (cache.certFile().isEmpty() != cache.keyFile().isEmpty()) {
        SettingKey given =
            cache.certFile().isEmpty() ? SettingKey.NATS_KEY_FILE : SettingKey.NATS_CERT_FILE;
        refuse(given, "needs a certificate and its key, both", "");
      }
      if (Subjects.replayTouchesState(cache.replaySubject(), cache.stateSubject())) {
        refuse(
            SettingKey.REPLAY_REQ_SUBJECT,
            "is the same as STATE_REPL_SUBJECT, or overlaps the subjects below it",
            "");
      }
    }

    private <T> T refuse(SettingKey key, String reason, T otherwise) {
      if (problem == null) {
        problem = new InvalidSetting(key, values.place(key).orElse(Place.LINK), reason);
      }
      return otherwise;
    }
  }
}
