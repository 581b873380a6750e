package org.natskvcache.provider;

import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.natskvcache.node.ClockLimits;
import org.natskvcache.rpc.MutationReplies;
import org.natskvcache.rpc.Nkey;

/**
 * A link's values, checked.
 *
 * @param cache what it would decide if it is the first of its link name
 * @param keys its own
 */
public record LinkSettings(CacheSettings cache, LinkKeys keys) {
  private static final Pattern JWT =
      Pattern.compile("[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+");
  private static final int HEARTBEAT_SECONDS_MAX = 86_400;
  private static final int ENTRY_BYTES_LIMIT = 999_999_999;
  private static final int CLOCK_SKEW_MILLIS_LIMIT = 999_999_999;

  /** What a link's values came to. */
  public sealed interface Parsed {
    /** All of them make sense. */
    record Valid(LinkSettings settings) implements Parsed {}

    /** The first that does not. */
    record Invalid(InvalidSetting problem) implements Parsed {}
  }

  /** Checks the values that count for one link. */
  public static Parsed parse(LinkValues values, String linkName) {
    var in = new Reader(values);
    CacheSettings none = CacheSettings.standalone(linkName);
    var cache =
        new CacheSettings(
            in.servers(),
            in.jwt(),
            in.seed(),
            in.subject(SettingKey.STATE_REPL_SUBJECT, none.stateSubject()),
            in.subject(SettingKey.REPLAY_REQ_SUBJECT, none.replaySubject()),
            in.integer(
                SettingKey.REPLAY_HEARTBEAT_SECS, HEARTBEAT_SECONDS_MAX, none.heartbeatSeconds()),
            in.file(SettingKey.NATS_CA_FILE),
            in.file(SettingKey.NATS_CERT_FILE),
            in.file(SettingKey.NATS_KEY_FILE),
            in.integer(SettingKey.VALUE_BYTES_MAX, ENTRY_BYTES_LIMIT, none.entryBytesMax()),
            new ClockLimits(
                in.integer(
                    SettingKey.CLOCK_SKEW_WARN_MILLIS,
                    CLOCK_SKEW_MILLIS_LIMIT,
                    (int) none.clocks().warnMillis()),
                in.integer(
                    SettingKey.CLOCK_SKEW_MAX_MILLIS,
                    CLOCK_SKEW_MILLIS_LIMIT,
                    (int) none.clocks().maxMillis())));
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
      var servers = ServerUrl.parseList(text);
      return servers.orElseGet(() -> refuse(SettingKey.NATS_URL, ServerUrl.EXPECTED, List.of()));
    }

    String jwt() {
      String text = text(SettingKey.CLIENT_JWT);
      boolean fine = text.isEmpty() || JWT.matcher(text).matches();
      return fine ? text : refuse(SettingKey.CLIENT_JWT, "is not a JWT", "");
    }

    String seed() {
      String text = text(SettingKey.CLIENT_SEED);
      boolean fine =
          text.isEmpty()
              || Nkey.parseSeed(text).filter(s -> s.role() == Nkey.Role.USER).isPresent();
      return fine ? text : refuse(SettingKey.CLIENT_SEED, "is not the seed of a user (SU...)", "");
    }

    String subject(SettingKey key, String otherwise) {
      String text = values.value(key).orElse(otherwise);
      String wrong = Subjects.problem(text);
      return wrong.isEmpty() ? text : refuse(key, wrong, otherwise);
    }

    /** A name that can be logged: whoever pastes the file's content here must not see it there. */
    String file(SettingKey key) {
      String text = text(key);
      boolean name =
          text.chars().noneMatch(Character::isISOControl) && !text.contains("-----BEGIN");
      return name ? text : refuse(key, "is not the name of a file", "");
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
        problem = new InvalidSetting(key, reason);
      }
      return otherwise;
    }
  }
}
