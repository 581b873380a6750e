package org.natskvcache.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Random commands against the plainest model: a map of strings, lists and sorted sets. */
class KeyspacePropertyTest {
  /** What a user believes a cache to be. A counter is a string of digits. */
  private static final class Model {
    private final Map<String, Object> content = new TreeMap<>();
    private final Map<String, Long> expireAt = new HashMap<>();
    private long nowMillis;

    private static final class Refused extends Exception {
      private static final long serialVersionUID = 1;
      private final transient Reply.Reason reason;

      Refused(Reply.Reason reason) {
        this.reason = reason;
      }
    }

    Object answer(Command command, long now) {
      nowMillis = now;
      for (String key : List.copyOf(expireAt.keySet())) {
        if (expireAt.get(key) > now) continue;
        expireAt.remove(key);
        content.remove(key);
      }
      try {
        return answer(command);
      } catch (Refused refused) {
        return refused.reason;
      }
    }

    private <T> T typed(Key key, Class<T> type) throws Refused {
      Object held = content.get(key.raw().utf8());
      if (held != null && !type.isInstance(held)) throw new Refused(Reply.Reason.WRONG_TYPE);
      return type.cast(held);
    }

    private boolean drop(Key key) {
      expireAt.remove(key.raw().utf8());
      return content.remove(key.raw().utf8()) != null;
    }

    private void put(Key key, Object value) {
      if (value instanceof Collection<?> many && many.isEmpty()) drop(key);
      else content.put(key.raw().utf8(), value);
    }

    private Object answer(Command command) throws Refused {
      return switch (command) {
        case Command.Get(var key) -> {
          String text = typed(key, String.class);
          yield text == null ? "absent" : "=" + text;
        }
        case Command.Contains(var key) -> content.containsKey(key.raw().utf8());
        case Command.Delete(var key) -> drop(key);
        case Command.Set(var key, var value, var ttl) -> {
          drop(key);
          put(key, value.utf8());
          if (ttl > 0) expireAt.put(key.raw().utf8(), nowMillis + ttl);
          yield "done";
        }
        case Command.Increment(var key, var by, var min, var max) -> increment(key, by, min, max);
        case Command.ListAdd(var key, var value) -> {
          List<String> list = list(key);
          list.add(value.utf8());
          put(key, list);
          yield (long) list.size();
        }
        case Command.ListRemove(var key, var value) -> {
          List<String> list = list(key);
          boolean removed = list.remove(value.utf8());
          put(key, list);
          yield removed;
        }
        case Command.ListRange(var key, var start, var stop) -> range(list(key), start, stop);
        case Command.ListClear(var key) -> {
          list(key);
          yield drop(key);
        }
        case Command.SetAdd(var key, var member) -> {
          TreeSet<String> set = set(key);
          boolean added = set.add(member.utf8());
          put(key, set);
          yield added ? 1L : 0L;
        }
        case Command.SetRemove(var key, var member) -> {
          TreeSet<String> set = set(key);
          boolean removed = set.remove(member.utf8());
          put(key, set);
          yield removed ? 1L : 0L;
        }
        case Command.SetMembers(var key) -> new ArrayList<>(set(key));
        case Command.SetUnion(var keys) -> {
          TreeSet<String> union = new TreeSet<>();
          for (Key key : keys) union.addAll(set(key));
          yield new ArrayList<>(union);
        }
        case Command.SetIntersection(var keys) -> {
          TreeSet<String> common = new TreeSet<>(set(keys.getFirst()));
          for (Key key : keys) common.retainAll(set(key));
          yield new ArrayList<>(common);
        }
        case Command.SetClear(var key) -> {
          set(key);
          yield drop(key);
        }
        case Command.Keys k -> throw new IllegalArgumentException("compared by whole scans");
        case Command.Batch b -> throw new IllegalArgumentException("decided one by one");
      };
    }

    @SuppressWarnings("unchecked")
    private List<String> list(Key key) throws Refused {
      List<String> held = typed(key, ArrayList.class);
      return held == null ? new ArrayList<>() : held;
    }

    @SuppressWarnings("unchecked")
    private TreeSet<String> set(Key key) throws Refused {
      TreeSet<String> held = typed(key, TreeSet.class);
      return held == null ? new TreeSet<>() : held;
    }

    private Object increment(Key key, long by, long min, long max) throws Refused {
      String text = typed(key, String.class);
      if (text == null) text = "0";
      if (!text.matches("0|-?[1-9][0-9]*") || new BigInteger(text).bitLength() > 63) {
        throw new Refused(Reply.Reason.NOT_A_NUMBER);
      }
      BigInteger sum = new BigInteger(text).add(BigInteger.valueOf(by));
      if (sum.compareTo(BigInteger.valueOf(min)) < 0
          || sum.compareTo(BigInteger.valueOf(max)) > 0) {
        throw new Refused(Reply.Reason.OVERFLOW);
      }
      put(key, sum.toString());
      return sum.longValueExact();
    }

    private static List<String> range(List<String> list, long start, long stop) {
      List<String> out = new ArrayList<>();
      for (int i = 0; i < list.size(); i++) {
        boolean from = start < 0 ? i >= start + list.size() : i >= start;
        boolean to = stop < 0 ? i <= stop + list.size() : i <= stop;
        if (from && to) out.add(list.get(i));
      }
      return out;
    }
  }

  private static Object plain(Reply reply) {
    return switch (reply) {
      case Reply.Done d -> "done";
      case Reply.Absent a -> "absent";
      case Reply.Value(var bytes) -> "=" + bytes.utf8();
      case Reply.Flag(var yes) -> yes;
      case Reply.Amount(var value) -> value;
      case Reply.Values(var values) -> values.stream().map(Bytes::utf8).toList();
      case Reply.Rejected(var reason, var detail) -> reason;
      case Reply.Page p -> throw new IllegalArgumentException();
      case Reply.Batch b -> throw new IllegalArgumentException();
    };
  }

  private final Model model = new Model();
  private final SingleAuthor cache = new SingleAuthor();

  static LongStream seeds() {
    Long one = Long.getLong("seed");
    return one == null ? LongStream.range(0, 40) : LongStream.of(one);
  }

  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void answersLikeAMap(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    int keys = 1 + random.nextInt(12);
    for (int step = 0; step < 1_500; step++) {
      if (random.nextInt(4) == 0) cache.nowMillis += random.nextInt(60);
      Command command = command(random, keys);
      Object expected = model.answer(command, cache.nowMillis);
      Decision decision = cache.decide(command);
      assertEquals(expected, plain(decision.reply()), "step " + step + " " + command);
      if (decision.reply() instanceof Reply.Rejected) assertNull(decision.op());
      if (decision.op() != null) cache.applyAccounted(decision.op());
      cache.assertDigestIsThatOfTheContent();
      if (step % 50 == 0) compareKeys(random);
      if (random.nextInt(100) == 0) reap();
    }
    for (String key : cache.scan("", 10)) cache.delete(key);
    cache.nowMillis += 1_000_000;
    reap();
    assertEquals(0, cache.keyspace.footprint());
    assertEquals(0, cache.keyspace.liveEntries());
  }

  private void compareKeys(SplittableRandom random) {
    model.answer(new Command.Contains(Key.of("")), cache.nowMillis); // drops what expired
    List<String> scanned = cache.scan("", 1 + random.nextInt(5));
    assertEquals(model.content.keySet(), new TreeSet<>(scanned));
    assertEquals(model.content.size(), scanned.size());
  }

  /** Removal for good of what expired is invisible. */
  private void reap() {
    for (Op.Delete gone : cache.keyspace.expired(cache.nowMillis, 10, (bucket, at) -> true)) {
      cache.apply(gone);
    }
    cache.assertDigestIsThatOfTheContent();
  }

  private static Command command(SplittableRandom random, int keys) {
    Key key = key(random, keys);
    Bytes value = Bytes.utf8("v" + random.nextInt(3));
    long ttlMillis = random.nextInt(3) == 0 ? 1 + random.nextInt(200) : 0;
    return switch (random.nextInt(20)) {
      case 0 -> new Command.Get(key);
      case 1 -> new Command.Contains(key);
      case 2 -> new Command.Delete(key);
      case 3 -> new Command.Set(key, value, ttlMillis);
      case 4 -> new Command.Set(key, Bytes.utf8(number(random)), ttlMillis);
      case 5, 6 -> new Command.Increment(key, delta(random));
      case 7 -> new Command.Increment(key, random.nextInt(200) - 100, -50, 50);
      case 8, 9, 10 -> new Command.ListAdd(key, value);
      case 11 -> new Command.ListRemove(key, value);
      case 12 -> new Command.ListRange(key, random.nextInt(12) - 6, random.nextInt(12) - 6);
      case 13 -> new Command.ListClear(key);
      case 14, 15 -> new Command.SetAdd(key, value);
      case 16 -> new Command.SetRemove(key, value);
      case 17 -> random.nextBoolean() ? new Command.SetMembers(key) : new Command.SetClear(key);
      case 18 -> new Command.SetUnion(List.of(key, key(random, keys)));
      default -> new Command.SetIntersection(List.of(key, key(random, keys)));
    };
  }

  private static Key key(SplittableRandom random, int keys) {
    int number = random.nextInt(keys);
    return Key.of(number == 3 ? "\0nul" : number == 4 ? "" : "k" + number);
  }

  private static long delta(SplittableRandom random) {
    return random.nextInt(6) == 0 ? random.nextLong() : random.nextInt(19) - 9;
  }

  private static String number(SplittableRandom random) {
    return switch (random.nextInt(6)) {
      case 0 -> "007";
      case 1 -> "-0";
      case 2 -> "9223372036854775808";
      case 3 -> Long.toString(random.nextLong());
      default -> Integer.toString(random.nextInt(100) - 50);
    };
  }

  /** Keys that live through a scan appear in it exactly once, whatever comes and goes meanwhile. */
  @ParameterizedTest(name = "seed={0}")
  @MethodSource("seeds")
  void scanShowsEveryLastingKeyExactlyOnce(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Set<String> lasting = new HashSet<>();
    for (int i = random.nextInt(200); i >= 0; i--) {
      cache.set("lasting" + i, "v");
      lasting.add("lasting" + i);
    }
    Set<String> passing = new HashSet<>();
    List<String> shown = new ArrayList<>();
    boolean growing = random.nextBoolean();
    long cursor = 0;
    while (true) {
      int limit = 1 + random.nextInt(20);
      Reply.Page page = (Reply.Page) cache.run(new Command.Keys(Bytes.EMPTY, cursor, limit));
      for (Bytes key : page.keys()) if (lasting.contains(key.utf8())) shown.add(key.utf8());
      if (page.last()) break;
      cursor = page.next();
      if (random.nextInt(5) == 0) growing = !growing;
      if (growing && passing.size() < 2_000) {
        for (int i = random.nextInt(100); i > 0; i--) {
          String key = "passing" + random.nextInt(5_000);
          cache.set(key, "v");
          passing.add(key);
        }
      } else {
        passing.forEach(cache::delete);
        passing.clear();
      }
    }
    assertEquals(lasting.size(), shown.size());
    assertEquals(lasting, new HashSet<>(shown));
  }
}
