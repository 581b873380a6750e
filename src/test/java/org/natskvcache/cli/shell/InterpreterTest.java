package org.natskvcache.cli.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.PosingReplica;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;

class InterpreterTest {
  private final FakeSession session = new FakeSession("default", "other");
  private final PosingReplica cache = session.cache("default");
  private final Interpreter interpreter = new Interpreter(session, true);

  private String run(String line) {
    Interpreter.Outcome outcome = interpreter.run(line.getBytes(StandardCharsets.UTF_8));
    assertFalse(outcome.quit());
    assertEquals(outcome.text().contains("(error) "), outcome.error() != null, outcome.text());
    return outcome.text();
  }

  /** Each line, then what it prints; and the commands all of them came to. */
  private void assertDialogue(String... lines) {
    for (int i = 0; i < lines.length; i += 2) assertEquals(lines[i + 1], run(lines[i]), lines[i]);
  }

  private void assertAsked(Command... commands) {
    assertEquals(List.of(commands), cache.commands);
  }

  private static Key key(String text) {
    return Key.of(text);
  }

  private static Bytes bytes(String text) {
    return Bytes.utf8(text);
  }

  @Test
  void strings() {
    assertDialogue("GET a", "(nil)", "set a \"x y\"", "OK", "Get a", "\"x y\"");
    assertAsked(
        new Command.Get(key("a")),
        new Command.Set(key("a"), bytes("x y"), 0),
        new Command.Get(key("a")));
  }

  @Test
  void expiry() {
    assertDialogue("SET a 1 EX 5", "OK", "SET a 1 px 250", "OK");
    assertAsked(
        new Command.Set(key("a"), bytes("1"), 5_000), new Command.Set(key("a"), bytes("1"), 250));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "SET a 1 EX",
        "SET a 1 XX 5",
        "SET a 1 EX 0",
        "SET a 1 EX -1",
        "SET a 1 EX x",
        "SET a 1 EX 9223372036854775807",
        "SET a 1 PX 0",
        "SET a",
        "SET a 1 EX 5 6"
      })
  void malformedSetChangesNothing(String line) {
    assertTrue(run(line).startsWith("(error) ERR "));
    assertAsked();
  }

  @Test
  void counters() {
    assertDialogue(
        "INCR c",
        "(integer) 1",
        "DECR c",
        "(integer) 0",
        "INCRBY c 40",
        "(integer) 40",
        "DECRBY c -2",
        "(integer) 42",
        "GET c",
        "\"42\"",
        "INCRBY c -9223372036854775808",
        "(integer) -9223372036854775766");
    assertEquals(new Command.Increment(key("c"), -1), cache.commands.get(1));
    assertEquals(new Command.Increment(key("c"), 2), cache.commands.get(3));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "INCRBY c", "INCRBY c x", "INCRBY c 1.5", "INCRBY c +1", "INCRBY c ''",
            "INCRBY c 9223372036854775808",
        "DECRBY c -9223372036854775808", "DECRBY c 99999999999999999999", "LRANGE l 0 x",
            "LREM l 0 v", "LREM l -1 v", "LREM l x v"
      })
  void malformedNumbersChangeNothing(String line) {
    assertTrue(run(line).startsWith("(error) ERR "));
    assertAsked();
  }

  @Test
  void lists() {
    assertDialogue(
        "RPUSH l a",
        "(integer) 1",
        "RPUSH l b a",
        "(integer) 3",
        "LRANGE l 0 -1",
        "1) \"a\"\n2) \"b\"\n3) \"a\"",
        "LLEN l",
        "(integer) 3",
        "LREM l 1 a",
        "(integer) 1",
        "LREM l 1 z",
        "(integer) 0",
        "LRANGE l -1 -1",
        "1) \"a\"",
        "LRANGE none 0 -1",
        "(empty array)",
        "LCLEAR l",
        "(integer) 1",
        "LCLEAR l",
        "(integer) 0");
    assertEquals(new Command.ListAdd(key("l"), bytes("a")), cache.commands.getFirst());
    assertEquals(
        new Command.Batch(
            List.of(
                new Command.ListAdd(key("l"), bytes("b")),
                new Command.ListAdd(key("l"), bytes("a")))),
        cache.commands.get(1));
    assertEquals(new Command.ListRange(key("l"), -1, -1), cache.commands.get(6));
  }

  @Test
  void lremSaysWhichCountItKnows() {
    assertTrue(run("LREM l 2 v").contains("count must be 1"));
    assertTrue(run("HELP LREM").contains("other counts are not supported"));
  }

  @Test
  void sets() {
    assertDialogue(
        "SADD s b a b",
        "(integer) 2",
        "SADD s a",
        "(integer) 0",
        "SMEMBERS s",
        "1) \"a\"\n2) \"b\"",
        "SADD t b c",
        "(integer) 2",
        "SUNION s t",
        "1) \"a\"\n2) \"b\"\n3) \"c\"",
        "SINTER s t",
        "1) \"b\"",
        "SREM s a z",
        "(integer) 1",
        "SREM s b",
        "(integer) 1",
        "SMEMBERS s",
        "(empty array)",
        "SCLEAR t",
        "(integer) 1",
        "SCLEAR t",
        "(integer) 0");
    assertTrue(cache.commands.contains(new Command.SetUnion(List.of(key("s"), key("t")))));
    assertTrue(cache.commands.contains(new Command.SetIntersection(List.of(key("s"), key("t")))));
  }

  @Test
  void keysOfAnyType() {
    run("MSET a 1 b 2");
    assertDialogue(
        "EXISTS a",
        "(integer) 1",
        "EXISTS a a b z",
        "(integer) 3",
        "DEL a",
        "(integer) 1",
        "DEL a b z",
        "(integer) 1");
    assertEquals(new Command.Delete(key("a")), cache.commands.get(3));
  }

  @Test
  void severalStringsAtOnce() {
    assertDialogue("MSET a 1 b \"\"", "OK", "MGET a z b", "1) \"1\"\n2) (nil)\n3) \"\"");
    assertEquals("(error) ERR MSET needs a value for each key", run("MSET a 1 b"));
    assertEquals(
        "(error) ERR wrong number of arguments: MSET key value [key value ...]", run("MSET a"));
  }

  @Test
  void batchWithAValueOverTheLimitChangesNothing() {
    String large = "x".repeat(1001);
    assertEquals(
        "(error) ERR key and value have 1002 bytes, the limit is 1001", run("MSET a 1 b " + large));
    assertEquals("(nil)", run("GET a"));
  }

  @Test
  void errorInsideAListIsAnError() {
    run("MSET a 1");
    run("RPUSH l x");
    Interpreter.Outcome outcome = interpreter.run(bytes("MGET a l").array());
    assertEquals(
        "1) \"1\"\n2) (error) WRONGTYPE the key holds a list, the operation needs a string or counter",
        outcome.text());
    assertEquals(
        "WRONGTYPE the key holds a list, the operation needs a string or counter", outcome.error());
  }

  @Test
  void wrongTypeIsNamedAsInRedis() {
    run("RPUSH l x");
    assertEquals(
        "(error) WRONGTYPE the key holds a list, the operation needs a string or counter",
        run("GET l"));
    assertEquals(
        "(error) WRONGTYPE the key holds a list, the operation needs a set", run("SADD l m"));
    assertEquals(
        "(error) WRONGTYPE the key holds a list, the operation needs a set", run("SADD l m n"));
  }

  @Test
  void keysAreListedOverAllPagesAndSorted() {
    run("MSET a1 x a2 x a3 x b1 x b2 x 'a*' x");
    cache.commands.clear();
    assertEquals("1) \"a*\"\n2) \"a1\"\n3) \"a2\"\n4) \"a3\"\n5) \"b1\"\n6) \"b2\"", run("KEYS"));
    assertEquals(3, cache.commands.size());
    assertEquals(run("KEYS"), run("KEYS *"));
    assertDialogue(
        "KEYS b*",
        "1) \"b1\"\n2) \"b2\"",
        "KEYS z*",
        "(empty array)",
        "KEYS a1",
        "1) \"a1\"",
        "KEYS a",
        "(empty array)",
        "KEYS a\\**",
        "1) \"a*\"",
        "KEYS a\\*",
        "1) \"a*\"");
  }

  @ParameterizedTest
  @ValueSource(strings = {"KEYS *a", "KEYS a?", "KEYS a[bc]", "KEYS a**", "KEYS a b"})
  void otherPatternsAreRefusedRatherThanMisread(String line) {
    assertTrue(run(line).startsWith("(error) ERR "));
    assertAsked();
  }

  @Test
  void listsOfTenAndMoreAreAligned() {
    run("RPUSH l 1 2 3 4 5 6 7 8 9 10");
    assertTrue(run("LRANGE l 0 -1").startsWith(" 1) \"1\"\n 2) \"2\"\n"));
    assertTrue(run("LRANGE l 0 -1").endsWith("\n 9) \"9\"\n10) \"10\""));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"\\x00\\x01\\xff\" | \"\\x00\\x01\\xff\"",
        "\"\\n\\r\\t\\\\\\\"\" | \"\\n\\r\\t\\\\\\\"\"",
        "é日😀 | \"é日😀\"",
        "\"\\xc3\" | \"\\xc3\"",
        "\"\\xc3\\xa9\" | \"é\"",
        "\"\\xed\\xa0\\x80\" | \"\\xed\\xa0\\x80\"",
        "\"\\xef\\xbf\\xbd\" | \"\ufffd\"",
        "\"\\xe2\\x80\\xa8\\x7f\" | \"\\xe2\\x80\\xa8\\x7f\"",
        "\"\\xc2\\x85\" | \"\\xc2\\x85\""
      })
  void valuesArePrintedSoThatTheyCanBeTyped(String typed, String printed) {
    run("SET a " + typed);
    assertEquals(printed, run("GET a"));
  }

  @Test
  void answersFromAnotherThreadAreWaitedFor() {
    cache.answersLater = true;
    assertDialogue("SET a 1", "OK", "GET a", "\"1\"");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "NONSENSE a",
        "GET",
        "GET a b",
        "\"GET",
        "HELP NONSENSE",
        "USE nowhere",
        "QUIT now",
        "STATUS x",
        "''"
      })
  void wrongLinesAreErrorsAndAskNothing(String line) {
    assertTrue(run(line).startsWith("(error) ERR "), line);
    assertAsked();
  }

  @Test
  void wrongNumberOfArgumentsShowsTheRightOnes() {
    assertEquals("(error) ERR wrong number of arguments: LRANGE key start stop", run("lrange a"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "   ", "\t"})
  void blankLinesDoNothing(String line) {
    assertEquals("", run(line));
  }

  @Test
  void useChangesTheCache() {
    run("SET a default");
    assertEquals("* default\n  other", run("LINKS"));
    assertEquals("OK", run("USE other"));
    assertEquals("  default\n* other", run("LINKS"));
    assertEquals("(nil)", run("GET a"));
    assertEquals("other", interpreter.link());
    assertEquals("OK", run("use default"));
    assertEquals("\"default\"", run("GET a"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"QUIT", "exit"})
  void quitEnds(String line) {
    Interpreter.Outcome outcome = interpreter.run(bytes(line).array());
    assertTrue(outcome.quit());
    assertNull(outcome.error());
  }

  @Test
  void statusShowsWhatTheReplicaKnows() {
    cache.status =
        PosingReplica.status(ReplicaStatus.State.LIVE, List.of(), "diverged from a peer");
    assertEquals(
        """
        link       default
        state      LIVE for 1234 ms
        connected  yes
        origin     %1$s
        entries    3
        memory     300 bytes of 1000, 4 keys evicted, 5 writes refused
        digest     0000000000000abc
        held back  2
        peers      0
        alarm      diverged from a peer
        vector     %1$s 7\
        """
            .formatted(PosingReplica.ORIGIN),
        run("STATUS"));
    cache.status = PosingReplica.status(ReplicaStatus.State.STANDALONE, List.of(), null);
    assertTrue(run("status").contains("connected  not replicated\n"));
    assertTrue(run("status").contains("alarm      none\n"));
    cache.status = PosingReplica.troubled("others use another REPLICATION_KEY");
    assertTrue(run("status").contains("problem    others use another REPLICATION_KEY\n"));
  }

  @Test
  void peersShowTheirAgreement() {
    assertEquals("(no peers)", run("PEERS"));
    List<ReplicaStatus.Peer> peers = new ArrayList<>();
    for (ReplicaStatus.Agreement agreement : ReplicaStatus.Agreement.values()) {
      peers.add(
          new ReplicaStatus.Peer(
              new OriginId(1, agreement.ordinal()),
              ReplicaStatus.State.LIVE,
              20_000,
              agreement,
              0));
    }
    cache.status = PosingReplica.status(ReplicaStatus.State.LIVE, peers, null);
    List<String> lines = run("PEERS").lines().toList();
    assertEquals(4, lines.size());
    assertEquals(
        new OriginId(1, 0) + "  LIVE        equal                heard 20 s ago", lines.get(0));
    assertTrue(lines.get(1).contains("different vectors"));
    assertTrue(lines.get(2).contains("DIVERGED"));
    assertTrue(lines.get(3).contains("not compared yet"));
  }

  @Test
  void helpNamesEveryCommandWithItsArguments() {
    String table = run("HELP");
    for (Verb verb : Verbs.all()) {
      assertTrue(
          table.contains("\n" + verb.usage() + " ") || table.startsWith(verb.usage() + " "),
          verb.name());
      assertEquals(
          verb.usage() + "\n  " + verb.summary(),
          run("help " + verb.name().toLowerCase(java.util.Locale.ROOT)));
      assertFalse(verb.summary().isBlank());
    }
    assertNotNull(Verbs.named("Get"));
  }

  @Test
  void unknownCommandsAreNamedWithTheNearestOne() {
    assertDialogue(
        "GTE a",
        "(error) ERR unknown command 'GTE', did you mean GET?",
        "smember s",
        "(error) ERR unknown command 'smember', did you mean SMEMBERS?",
        "lrnge",
        "(error) ERR unknown command 'lrnge', did you mean LRANGE?",
        "HELP sett",
        "(error) ERR unknown command 'sett', did you mean SET?",
        "FLUSHALL",
        "(error) ERR unknown command 'FLUSHALL'; HELP lists the commands",
        "\"\\x1b[2J\"",
        "(error) ERR unknown command '\\x1b[2J'; HELP lists the commands",
        "x".repeat(50),
        "(error) ERR unknown command '" + "x".repeat(40) + "...'; HELP lists the commands");
    assertAsked();
  }

  /** What stands at the beginning of a line of a script may be a value out of place. */
  @Test
  void scriptsAreToldOnlyTheWordsThatAreNearlyCommands() {
    var ofScript = new Interpreter(session, false);
    assertEquals(
        "ERR unknown command; HELP lists the commands", ofScript.run(utf8("hunter2 x")).error());
    assertEquals(
        "ERR unknown command 'gte', did you mean GET?", ofScript.run(utf8("gte x")).error());
  }

  private static byte[] utf8(String line) {
    return line.getBytes(StandardCharsets.UTF_8);
  }
}
