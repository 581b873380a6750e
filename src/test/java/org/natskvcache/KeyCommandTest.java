package org.natskvcache;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.natskvcache.cli.KeyOptions;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.Place;
import org.natskvcache.replication.wire.FrameKeys;

class KeyCommandTest {
  private static final String A = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
  private static final String B = "-wIJEBceJSwzOkFIT1ZdZGtyeYCHjpWco6qxuL_GzdQ";

  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();

  private int run(KeyOptions options) {
    out.getBuffer().setLength(0);
    err.getBuffer().setLength(0);
    return new KeyCommand(new PrintWriter(out), new PrintWriter(err)).run(options);
  }

  private int inspect(String key) {
    return run(
        new KeyOptions.Inspect(LinkValues.of(Place.ENVIRONMENT, Map.of("REPLICATION_KEY", key))));
  }

  @Test
  void aFreshKeyIsAllThatIsPrinted() {
    assertEquals(0, run(new KeyOptions.Fresh()));
    String first = out.toString();
    assertTrue(first.matches("[A-Za-z0-9_-]{43}\\R"), "a key and the end of its line");
    assertEquals("", FrameKeys.problem(first));
    assertEquals("", err.toString());
    run(new KeyOptions.Fresh());
    assertNotEquals(first, out.toString());
  }

  @Test
  void inspectionKeyIsAllOnStdoutAndTheIdsAreOnStderr() {
    assertEquals(0, inspect(A));
    FrameKeys both = FrameKeys.replication(A);
    assertEquals(both.inspectionSetting(), out.toString().strip());
    assertEquals("key 1: write:0c28e573 inspect:503c1e68", err.toString().strip());
  }

  @Test
  void twoEntriesGiveTwo() {
    assertEquals(0, inspect(A + ", " + B));
    assertEquals(FrameKeys.replication(A + "," + B).inspectionSetting(), out.toString().strip());
    assertEquals(2, err.toString().lines().count());
    assertEquals(0, inspect("none," + A));
    assertTrue(out.toString().startsWith("none,"));
  }

  @Test
  void whatIsNoKeyIsNamedWithoutItsValue() {
    for (String key : new String[] {"secret", A + "," + A, A + "," + B + ",secret", "none"}) {
      assertEquals(1, inspect(key));
      String said = err.toString();
      assertEquals("", out.toString());
      assertTrue(said.startsWith("nats-kvcache: REPLICATION_KEY of the environment "), said);
      assertFalse(said.contains("secret") || said.contains(A), said);
    }
  }
}
