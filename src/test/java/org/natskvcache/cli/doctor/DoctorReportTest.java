package org.natskvcache.cli.doctor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.Diagnosis;
import org.natskvcache.node.Diagnosis.Agreement;
import org.natskvcache.store.Key;

class DoctorReportTest {
  private static final OriginId A = new OriginId(1, 1);
  private static final OriginId B = new OriginId(1, 2);

  private static Diagnosis.Instance instance(OriginId origin, long digest, long mark) {
    return new Diagnosis.Instance(
        origin, true, false, false, false, 3, digest, 7, 0, -5, 3, new TreeMap<>(Map.of(A, mark)));
  }

  private static Diagnosis of(Agreement agreement, long markOfB, List<Diagnosis.Difference> keys) {
    boolean diverged = agreement == Agreement.DIVERGED;
    return new Diagnosis(
        List.of(instance(A, 16, 300), instance(B, diverged ? 17 : 16, markOfB)),
        new TreeMap<>(),
        0,
        List.of(new Diagnosis.Pair(A, B, agreement, 1_023, diverged ? 1 : 0)),
        1_024,
        diverged ? List.of(54) : List.of(),
        keys,
        0,
        0);
  }

  @Test
  void agreementIsSaidAndTheVectorShownOnce() {
    String text = new DoctorReport("default", of(Agreement.EQUAL, 300, List.of())).text();
    assertTrue(text.startsWith("link default\n"), text);
    assertTrue(text.contains("vector, the same"), text);
    assertTrue(text.contains("0000000000000010"), text);
    assertTrue(text.contains("-5 ± 2"), text);
    assertTrue(text.endsWith("verdict: all 2 instances agree"), text);
  }

  @Test
  void differingKeysAreEscapedAndTheirHoldersNamed() throws Exception {
    var key =
        new Diagnosis.Difference(54, Key.of("k\u001b[2J"), new TreeMap<>(Map.of(A, 9L, B, 0L)));
    var report = new DoctorReport("default", of(Agreement.DIVERGED, 300, List.of(key)));
    String text = report.text();
    assertTrue(
        text.contains("bucket 54  key \"k\\x1b[2J\"  [2] nothing, [1] 0000000000000009"), text);
    assertTrue(text.contains("verdict: DIVERGED"), text);
    assertFalse(text.contains("\u001b"));
    JsonNode json = new ObjectMapper().readTree(report.json());
    assertEquals("diverged", json.get("verdict").asText());
    assertEquals(54, json.get("divergedBuckets").get(0).asInt());
    assertEquals("6b1b5b324a", json.get("differences").get(0).get("keyHex").asText());
    assertEquals(300, json.get("instances").get(1).get("vector").get(A.toString()).asInt());
    assertFalse(report.json().contains("\n"));
  }

  @Test
  void outdatedInstancesAreNoAgreement() {
    Diagnosis.Instance one = instance(A, 16, 300);
    var outdated =
        new Diagnosis.Instance(
            A, false, true, false, false, 3, 16, 7, 0, -5, 3, new TreeMap<>(one.vector()));
    var alone =
        new Diagnosis(
            List.of(outdated), new TreeMap<>(), 0, List.of(), 1_024, List.of(), List.of(), 0, 0);
    assertEquals(Diagnosis.Verdict.OUTDATED, alone.verdict());
    assertTrue(new DoctorReport("default", alone).text().contains("verdict: OUTDATED"));
  }

  @Test
  void unequalMarksAreShownSideBySide() {
    String text = new DoctorReport("default", of(Agreement.BEHIND, 290, List.of())).text();
    assertTrue(text.contains("vectors, where unequal"), text);
    assertTrue(text.lines().anyMatch(line -> line.matches(A + " +300 +290")), text);
    assertTrue(text.contains("verdict: not in step"), text);
  }

  @Test
  void thoseThatAreMissingAreNamedAndCounted() throws Exception {
    Diagnosis two = of(Agreement.EQUAL, 300, List.of());
    OriginId c = new OriginId(1, 3);
    var silent =
        new Diagnosis(
            two.instances(),
            new TreeMap<>(Map.of(c, new TreeSet<>(List.of(A, B)))),
            3,
            two.pairs(),
            1_024,
            List.of(),
            List.of(),
            0,
            0);
    String text = new DoctorReport("default", silent).text();
    assertTrue(text.contains("no answer from " + c + ", which counts as alive at [1 2]"), text);
    assertTrue(
        text.endsWith(
            "verdict: expected 3 instances, 2 answered; no answer from 1 that count as alive;"
                + " those that answered do not differ"),
        text);
    JsonNode json = new ObjectMapper().readTree(new DoctorReport("default", silent).json());
    assertEquals("missing", json.get("verdict").asText());
    assertEquals(3, json.get("expected").asInt());
    assertEquals(2, json.get("answered").asInt());
    assertEquals(c.toString(), json.get("missing").get(0).get("origin").asText());
    assertEquals(B.toString(), json.get("missing").get(0).get("aliveAt").get(1).asText());
  }

  @Test
  void nobodyIsSaidToo() {
    var nobody =
        new Diagnosis(List.of(), new TreeMap<>(), 0, List.of(), 0, List.of(), List.of(), 0, 0);
    String text = new DoctorReport("other", nobody).text();
    assertEquals(
        "link other\nverdict: no instance answered; if the cache has a REPLICATION_KEY, give its INSPECTION_KEY",
        text);
  }
}
