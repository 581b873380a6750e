package org.natskvcache.cli.shell;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.natskvcache.node.LockedReplica;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.Replica;
import org.natskvcache.store.Limits;

/** Scripts on a real standalone cache. */
class ShellOnReplicaTest {
  private static final String SCRIPT =
      """
      GET a
      SET a "x \\xff" EX 100
      GET a
      INCR c
      INCRBY c 41
      GET c
      RPUSH l a b a
      LREM l 1 a
      LRANGE l 0 -1
      LLEN l
      SADD s b a b
      SREM s b z
      SMEMBERS s
      SADD t a c
      SUNION s t
      SINTER s t
      MSET m1 1 m2 2
      MGET m1 m0 m2
      KEYS m*
      KEYS
      EXISTS a m1 m1 none
      DEL m1 none
      LCLEAR l
      SCLEAR s
      LLEN none
      """;

  private static final String PRINTED =
      """
      (nil)
      OK
      "x \\xff"
      (integer) 1
      (integer) 42
      "42"
      (integer) 3
      (integer) 1
      1) "b"
      2) "a"
      (integer) 2
      (integer) 2
      (integer) 1
      1) "a"
      (integer) 2
      1) "a"
      2) "c"
      1) "a"
      OK
      1) "1"
      2) (nil)
      3) "2"
      1) "m1"
      2) "m2"
      1) "a"
      2) "c"
      3) "l"
      4) "m1"
      5) "m2"
      6) "s"
      7) "t"
      (integer) 3
      (integer) 1
      (integer) 1
      (integer) 1
      (integer) 0
      """;

  private record OneCache(Replica replica) implements ShellSession {
    @Override
    public List<String> links() {
      return List.of("default");
    }

    @Override
    public Replica cache(String link) {
      return replica;
    }
  }

  private static LockedReplica standalone() {
    return new LockedReplica("default", NodeSettings.standalone(Limits.DEFAULTS), null);
  }

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(Replica replica, String script) {
    return new Shell(new OneCache(replica), new PrintWriter(out), new PrintWriter(err))
        .script(new ByteArrayInputStream(script.getBytes(StandardCharsets.UTF_8)), false);
  }

  @Test
  void everyCommandPrintsItsAnswer() {
    try (Replica replica = standalone()) {
      int code = run(replica, SCRIPT);
      assertEquals("", err.toString());
      assertEquals(PRINTED, out.toString());
      assertEquals(0, code);
    }
  }

  @Test
  void realCacheNamesItsRefusals() {
    try (Replica replica = standalone()) {
      assertEquals(1, run(replica, "RPUSH l x\nGET l\n"));
      assertEquals(1, run(replica, "SET a x\nINCR a\n"));
      assertEquals(1, run(replica, "INCRBY n 9223372036854775807\nINCR n\n"));
      assertEquals(1, run(replica, "SET a " + "x".repeat(Limits.DEFAULT_PAYLOAD_MAX) + "\n"));
      List<String> errors = err.toString().lines().toList();
      assertEquals(4, errors.size());
      assertTrue(errors.get(0).startsWith("nats-kvcache: line 2: WRONGTYPE "), errors.get(0));
      assertTrue(errors.get(1).startsWith("nats-kvcache: line 2: ERR "), errors.get(1));
      assertTrue(errors.get(2).startsWith("nats-kvcache: line 2: ERR "), errors.get(2));
      assertTrue(errors.get(3).startsWith("nats-kvcache: line 1: ERR "), errors.get(3));
    }
  }

  @Test
  void statusOfARealCache() {
    try (Replica replica = standalone()) {
      assertEquals(0, run(replica, "SET a 1\nSTATUS\nPEERS\n"));
      assertTrue(out.toString().contains("state      STANDALONE for "), out.toString());
      assertTrue(out.toString().contains("entries    1\n"), out.toString());
      assertTrue(out.toString().endsWith("(no peers)\n"), out.toString());
    }
  }
}
