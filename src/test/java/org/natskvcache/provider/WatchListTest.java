package org.natskvcache.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.store.Bytes;

class WatchListTest {
  /** After each list: a key, and S or D for what is heard of it. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "SET@a; a; S",
        "DEL@a; a; D",
        "SET@a,DEL@a; a; SD",
        "set@a, Del@b; a; S",
        "set@a, Del@b; b; D",
        "SET@a; ab; ''",
        "SET@a*; a*; S",
        "SET@a*; ab; ''",
        "SET@a@b; a@b; S",
        "SET@a:b; a:b; S",
        "SET@; ''; S",
        "[\"a\"]; a; SD",
        "[\"a\"]; ab; ''",
        "[\"SET@a\"]; a; S",
        "[\"user:*\"]; user:1; SD",
        "[\"user:*\"]; user:; SD",
        "[\"user:*\"]; use; ''",
        "[\"DEL@user:*\"]; user:1; D",
        "[\"*\"]; anything; SD",
        "[\"odd\\\\*\"]; odd*; SD",
        "[\"odd\\\\*\"]; odd1; ''",
        "[\"a,b\"]; a,b; SD",
        "[]; a; ''",
      })
  void listHears(String text, String key, String heard) {
    WatchList list = WatchList.parse(text).orElseThrow();
    Bytes bytes = Bytes.utf8(key);
    assertEquals(heard, (list.hearsSet(bytes) ? "S" : "") + (list.hearsDelete(bytes) ? "D" : ""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a", "GET@a", "SET@a,", "SET a", "[1]", "[\"a\"", "[[\"a\"]]", "{}", ","})
  void otherTextIsRefused(String text) {
    assertTrue(WatchList.parse(text).isEmpty());
    var parsed = LinkSettings.parse(LinkValues.of(Map.of("watch", text)), "default");
    var problem = ((LinkSettings.Parsed.Invalid) parsed).problem();
    assertTrue(problem.toString().startsWith("WATCH is neither SET@key"), problem::toString);
  }

  @Test
  void listsAreBoundedAndPrintWithoutKeys() {
    assertTrue(WatchList.parse("SET@k" + ",SET@k".repeat(5_000)).isPresent());
    var many = new StringBuilder("SET@k");
    for (int i = 0; i < WatchList.ENTRIES_MAX; i++) many.append(",SET@").append(i);
    assertTrue(WatchList.parse(many.toString()).isEmpty());
    WatchList list = WatchList.parse("[\"secret\", \"hidden*\"]").orElseThrow();
    assertFalse(list.toString().contains("secret") || list.toString().contains("hidden"));
    assertEquals(list, WatchList.parse("[\"secret\",\"hidden*\"]").orElseThrow());
  }
}
