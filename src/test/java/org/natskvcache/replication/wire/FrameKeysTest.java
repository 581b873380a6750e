package org.natskvcache.replication.wire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FrameKeysTest {
  static final String A = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
  static final String B = "-wIJEBceJSwzOkFIT1ZdZGtyeYCHjpWco6qxuL_GzdQ";
  private static final String A_IDS = "write:0c28e573 inspect:503c1e68";
  private static final String B_IDS = "write:8dcdc351 inspect:0f9b784c";

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "none", "NONE", " none "})
  void noKeyIsNone(String setting) {
    assertEquals(FrameKeys.NONE, FrameKeys.replication(setting));
    assertEquals(FrameKeys.NONE, FrameKeys.inspection(setting));
    assertTrue(FrameKeys.replication(setting).isNone());
    assertEquals("none", FrameKeys.replication(setting).toString());
  }

  @Test
  void keysAndNoneStandInTheOrderGiven() {
    assertEquals(List.of(A_IDS), FrameKeys.replication(A).ids());
    assertEquals(List.of(A_IDS), FrameKeys.replication(A + "=").ids(), "with padding");
    assertEquals(List.of(A_IDS, B_IDS), FrameKeys.replication(A + " , " + B).ids());
    assertEquals(List.of("none", A_IDS), FrameKeys.replication("none," + A).ids());
    assertEquals(List.of(A_IDS, "none"), FrameKeys.replication(A + ",None").ids());
    assertFalse(FrameKeys.replication("none," + A).isNone());
  }

  @Test
  void inspectionKeyIsTheSameFromBothSides() {
    FrameKeys instance = FrameKeys.replication("none," + A);
    FrameKeys looker = FrameKeys.inspection(instance.inspectionSetting());
    assertEquals(instance.toInspect(), looker);
    assertEquals(List.of("none", "inspect:503c1e68"), looker.ids());
    assertEquals(instance.inspectionSetting(), looker.inspectionSetting());
    assertEquals(2, FrameKeys.replication(A + "," + B).inspectionSetting().split(",").length);
    assertEquals("none", FrameKeys.NONE.inspectionSetting());
  }

  @Test
  void equalSettingsAreEqual() {
    assertEquals(FrameKeys.replication(A + "," + B), FrameKeys.replication(A + "= ," + B));
    assertEquals(
        FrameKeys.replication(A).hashCode(), FrameKeys.replication(" " + A + " ").hashCode());
    assertNotEquals(FrameKeys.replication(A + "," + B), FrameKeys.replication(B + "," + A));
    assertNotEquals(FrameKeys.replication(A), FrameKeys.inspection(A));
    assertNotEquals(FrameKeys.replication(A), FrameKeys.replication(A).toInspect());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ",",
        A + ",",
        "," + A,
        A + "," + B + ",none",
        "none,none",
        A + "," + A,
        A + "," + A + "=",
        A + "A",
        A + "==",
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh", // one less
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9", // bits that do not count
        "+wIJEBceJSwzOkFIT1ZdZGtyeYCHjpWco6qxuL/GzdQ", // the other alphabet
        "AAECAwQFBgcICQoL DA0ODxAREhMUFRYXGBkaGxwdHh8",
        "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
        "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY",
        "no",
        "none none",
      })
  void whatMakesNoSenseIsRefusedWithoutItsValue(String setting) {
    String replication = refusal(FrameKeys::replication, setting);
    String inspection = refusal(FrameKeys::inspection, setting);
    assertTrue(replication.startsWith("REPLICATION_KEY has "), replication);
    assertTrue(inspection.startsWith("INSPECTION_KEY has "), inspection);
    assertTrue(replication.contains(": "), "says what to do: " + replication);
    for (String part : setting.split("[, =]+")) {
      assertFalse(part.length() > 4 && (replication + inspection).contains(part), replication);
    }
  }

  private static String refusal(Function<String, FrameKeys> parse, String setting) {
    return String.valueOf(
        assertThrows(IllegalArgumentException.class, () -> parse.apply(setting)).getMessage());
  }

  @Test
  void refusalsSayWhatIsWrong() {
    assertTrue(FrameKeys.problem(A + "," + B + ",none").contains("more than two"));
    assertTrue(FrameKeys.problem(A + "," + A).contains("twice"));
    assertTrue(FrameKeys.problem("none,none").contains("twice"));
    assertTrue(FrameKeys.problem("secret").contains("43 characters"));
    assertEquals("", FrameKeys.problem(A + "," + B));
  }

  @Test
  void nothingPrintsASecret() {
    FrameKeys keys = FrameKeys.replication(A + "," + B);
    String printed =
        keys
            + " "
            + keys.toInspect()
            + keys.entries()
            + ReplicationKey.parse(A)
            + ReplicationKey.parse(A).write()
            + keys.sealer().own(FrameKeys.Use.WRITE);
    for (String secret : (A + "," + B + "," + keys.inspectionSetting()).split(",")) {
      assertFalse(printed.contains(secret.substring(0, 8)), printed);
    }
  }

  @Test
  void textOfAKeyIsItsBytes() {
    byte[] bytes = new byte[ReplicationKey.BYTES];
    for (int i = 0; i < bytes.length; i++) bytes[i] = (byte) i;
    ReplicationKey key = ReplicationKey.of(bytes);
    bytes[0] = 7; // copied
    assertEquals(A, key.text());
    assertEquals(A, ReplicationKey.parse(A + "=").text());
    assertThrows(IllegalArgumentException.class, () -> ReplicationKey.of(new byte[31]));
  }
}
