package org.natskvcache.cli.shell;

import static java.lang.Integer.MAX_VALUE;

import java.io.ByteArrayOutputStream;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Reply;

/**
 * The table of commands. Names and argument order are those of Redis (https://redis.io/commands,
 * version 7), and so are the answers, except that LREM takes the count 1 only, KEYS only a prefix,
 * and MGET names a wrong type as an error.
 */
final class Verbs {
  private static final Map<String, Verb> TABLE = new LinkedHashMap<>();

  static {
    strings();
    counters();
    lists();
    sets();
    keys();
    session();
  }

  private Verbs() {}

  /** What the words of a line ask for; there is at least one. */
  static Action parse(List<Bytes> words) {
    Verb verb = named(words.getFirst().utf8());
    if (verb == null) return new Action.Unknown(words.getFirst().utf8());
    List<Bytes> arguments = words.subList(1, words.size());
    if (arguments.size() < verb.argumentsMin() || arguments.size() > verb.argumentsMax())
      return usage(verb);
    return verb.parser().apply(arguments);
  }

  /** The row of a name in any case; null if there is none. */
  static @Nullable Verb named(String name) {
    return TABLE.get(name.toUpperCase(Locale.ROOT));
  }

  /** Every name, in the order of the help. */
  static Collection<String> names() {
    return Collections.unmodifiableCollection(TABLE.keySet());
  }

  /** Every row, in the order of the help. */
  static Collection<Verb> all() {
    return Collections.unmodifiableCollection(TABLE.values());
  }

  private static void strings() {
    add(
        "GET",
        "key",
        "The string or counter at a key.",
        1,
        1,
        a -> call(new Command.Get(key(a, 0))));
    add(
        "SET",
        "key value [EX seconds | PX milliseconds]",
        "Sets a string, in place of whatever the key holds.",
        2,
        4,
        Verbs::set);
    add(
        "MGET",
        "key [key ...]",
        "The strings at several keys.",
        1,
        MAX_VALUE,
        a -> call(new Command.Batch(each(a, bytes -> new Command.Get(Key.of(bytes)))), Answer::of));
    add("MSET", "key value [key value ...]", "Sets several strings.", 2, MAX_VALUE, Verbs::setMany);
  }

  private static void counters() {
    add(
        "INCR",
        "key",
        "Adds 1 to a counter; a missing key starts at 0.",
        1,
        1,
        a -> call(new Command.Increment(key(a, 0), 1)));
    add(
        "DECR",
        "key",
        "Takes 1 from a counter.",
        1,
        1,
        a -> call(new Command.Increment(key(a, 0), -1)));
    add(
        "INCRBY",
        "key number",
        "Adds to a counter.",
        2,
        2,
        a -> number(a.get(1), by -> call(new Command.Increment(key(a, 0), by))));
    add(
        "DECRBY",
        "key number",
        "Takes from a counter.",
        2,
        2,
        a ->
            number(
                a.get(1),
                by ->
                    by == Long.MIN_VALUE
                        ? new Action.Refuse("ERR decrement would overflow")
                        : call(new Command.Increment(key(a, 0), -by))));
  }

  private static void lists() {
    add(
        "RPUSH",
        "key value [value ...]",
        "Appends to a list; the answer is its length.",
        2,
        MAX_VALUE,
        a -> each(a, value -> new Command.ListAdd(key(a, 0), value), Answer::last));
    add(
        "LREM",
        "key 1 value",
        "Removes the first equal item; other counts are not supported.",
        3,
        3,
        a ->
            number(
                a.get(1),
                count ->
                    count == 1
                        ? call(new Command.ListRemove(key(a, 0), a.get(2)))
                        : new Action.Refuse(
                            "ERR LREM removes the first equal item only: its count must be 1")));
    add(
        "LRANGE",
        "key start stop",
        "Items from start to stop, both included; -1 is the last.",
        3,
        3,
        a ->
            number(
                a.get(1),
                start ->
                    number(a.get(2), stop -> call(new Command.ListRange(key(a, 0), start, stop)))));
    add(
        "LLEN",
        "key",
        "The length of a list.",
        1,
        1,
        a -> call(new Command.ListRange(key(a, 0), 0, -1), Answer::count));
    add(
        "LCLEAR",
        "key",
        "Removes a list; the answer says whether there was one.",
        1,
        1,
        a -> call(new Command.ListClear(key(a, 0))));
  }

  private static void sets() {
    add(
        "SADD",
        "key member [member ...]",
        "Adds to a set; the answer is how many were new.",
        2,
        MAX_VALUE,
        a -> each(a, member -> new Command.SetAdd(key(a, 0), member), Answer::sum));
    add(
        "SREM",
        "key member [member ...]",
        "Removes from a set; the answer is how many were there.",
        2,
        MAX_VALUE,
        a -> each(a, member -> new Command.SetRemove(key(a, 0), member), Answer::sum));
    add(
        "SMEMBERS",
        "key",
        "The members of a set, sorted.",
        1,
        1,
        a -> call(new Command.SetMembers(key(a, 0))));
    add(
        "SUNION",
        "key [key ...]",
        "Members of any of the sets.",
        1,
        MAX_VALUE,
        a -> call(new Command.SetUnion(keysOf(a))));
    add(
        "SINTER",
        "key [key ...]",
        "Members of all of the sets.",
        1,
        MAX_VALUE,
        a -> call(new Command.SetIntersection(keysOf(a))));
    add(
        "SCLEAR",
        "key",
        "Removes a set; the answer says whether there was one.",
        1,
        1,
        a -> call(new Command.SetClear(key(a, 0))));
  }

  private static void keys() {
    add(
        "DEL",
        "key [key ...]",
        "Removes keys of any type; the answer is how many there were.",
        1,
        MAX_VALUE,
        a -> eachKey(a, Command.Delete::new));
    add(
        "EXISTS",
        "key [key ...]",
        "How many of the keys exist; a repeated key counts again.",
        1,
        MAX_VALUE,
        a -> eachKey(a, Command.Contains::new));
    add(
        "KEYS",
        "[prefix*]",
        "The keys, sorted; those that begin with a prefix, if it is given.",
        0,
        1,
        Verbs::listKeys);
  }

  private static void session() {
    add(
        "USE",
        "link",
        "Uses the cache of another link.",
        1,
        1,
        a -> new Action.Use(a.getFirst().utf8()));
    add(
        "LINKS",
        "",
        "The links of this shell; the one in use is marked.",
        0,
        0,
        a -> new Action.Links());
    add(
        "STATUS",
        "",
        "State, version vector and digest of the cache in use.",
        0,
        0,
        a -> new Action.Status());
    add(
        "PEERS",
        "",
        "The other instances of the cache in use, and whether they agree with it.",
        0,
        0,
        a -> new Action.Peers());
    add(
        "HELP",
        "[command]",
        "This table, or one line of it.",
        0,
        1,
        a -> new Action.Help(a.isEmpty() ? null : a.getFirst().utf8()));
    add("QUIT", "", "Leaves the shell.", 0, 0, a -> new Action.Quit());
    add("EXIT", "", "Leaves the shell.", 0, 0, a -> new Action.Quit());
  }

  private static void add(
      String name,
      String arguments,
      String summary,
      int min,
      int max,
      Function<List<Bytes>, Action> parser) {
    TABLE.put(name, new Verb(name, arguments, summary, min, max, parser));
  }

  private static Action set(List<Bytes> a) {
    if (a.size() == 2) return call(new Command.Set(key(a, 0), a.get(1), 0));
    String unit = a.get(2).utf8().toUpperCase(Locale.ROOT);
    long millis = unit.equals("EX") ? 1000 : 1;
    if (a.size() == 3 || !unit.equals("EX") && !unit.equals("PX")) {
      return new Action.Refuse("ERR syntax: SET key value [EX seconds | PX milliseconds]");
    }
    return number(
        a.get(3),
        ttl ->
            ttl <= 0 || ttl > Long.MAX_VALUE / millis
                ? new Action.Refuse("ERR invalid expire time in SET")
                : call(new Command.Set(key(a, 0), a.get(1), ttl * millis)));
  }

  private static Action setMany(List<Bytes> a) {
    if (a.size() % 2 != 0) return new Action.Refuse("ERR MSET needs a value for each key");
    List<Command> sets =
        IntStream.range(0, a.size() / 2)
            .<Command>mapToObj(i -> new Command.Set(key(a, 2 * i), a.get(2 * i + 1), 0))
            .toList();
    return call(new Command.Batch(sets), Answer::last);
  }

  /**
   * Redis takes a glob pattern here; of those we know what a listing by prefix can answer, and
   * refuse the rest.
   */
  private static Action listKeys(List<Bytes> a) {
    if (a.isEmpty()) return new Action.ListKeys(Bytes.EMPTY);
    byte[] pattern = a.getFirst().array();
    ByteArrayOutputStream prefix = new ByteArrayOutputStream();
    for (int i = 0; i < pattern.length; i++) {
      byte b = pattern[i];
      if (b == '*' && i == pattern.length - 1)
        return new Action.ListKeys(new Bytes(prefix.toByteArray()));
      if (b == '*' || b == '?' || b == '[') {
        return new Action.Refuse(
            "ERR KEYS takes a prefix followed by *; put a \\ before a literal * ? [ or \\");
      }
      if (b == '\\' && i + 1 < pattern.length) b = pattern[++i];
      prefix.write(b);
    }
    Bytes key = new Bytes(prefix.toByteArray());
    return call(
        new Command.Contains(Key.of(key)),
        reply ->
            reply instanceof Reply.Flag(var yes)
                ? new Answer.Items(yes ? List.of(new Answer.Text(key)) : List.of())
                : Answer.of(reply));
  }

  private static Action.Refuse usage(Verb verb) {
    return new Action.Refuse("ERR wrong number of arguments: " + verb.usage());
  }

  private static Action call(Command command) {
    return call(command, Answer::of);
  }

  private static Action call(Command command, Function<Reply, Answer> answer) {
    return new Action.Call(command, answer);
  }

  /**
   * A command for each argument after the first; a single one goes without the wrapping of a batch.
   */
  private static Action each(
      List<Bytes> a, Function<Bytes, Command> command, Function<Reply, Answer> answer) {
    List<Command> commands = each(a.subList(1, a.size()), command);
    return call(commands.size() == 1 ? commands.getFirst() : new Command.Batch(commands), answer);
  }

  private static Action eachKey(List<Bytes> a, Function<Key, Command> command) {
    List<Command> commands = each(a, bytes -> command.apply(Key.of(bytes)));
    return call(
        commands.size() == 1 ? commands.getFirst() : new Command.Batch(commands), Answer::sum);
  }

  private static List<Command> each(List<Bytes> a, Function<Bytes, Command> command) {
    return a.stream().map(command).toList();
  }

  private static List<Key> keysOf(List<Bytes> a) {
    return a.stream().map(Key::of).toList();
  }

  private static Key key(List<Bytes> a, int at) {
    return Key.of(a.get(at));
  }

  /** Reads a decimal number within 64 bits, of ASCII digits and perhaps a minus sign. */
  private static Action number(Bytes word, LongFunction<Action> then) {
    String text = word.utf8();
    if (text.matches("-?[0-9]{1,19}")) {
      try {
        return then.apply(Long.parseLong(text));
      } catch (NumberFormatException e) {
        // nineteen digits may be too many: the same refusal as for a word
      }
    }
    return new Action.Refuse("ERR value is not an integer or out of range");
  }
}
