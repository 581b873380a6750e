package org.natskvcache.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.natskvcache.nats.MapCaches;

class AnswerSubjectsTest {
  private static final String OWN = "_INBOX.AbCdEfGhIjKl";

  private static final Set<String> REPLICATION = Set.of("a.events", "a.replay", "b.results");

  private final AnswerSubjects subjects = new AnswerSubjects("default", OWN, REPLICATION::contains);

  @ParameterizedTest(name = "{0}")
  @CsvSource({
    "_INBOX.abcdefghijkl0000000000, true",
    "_INBOX.abcdefghijkl0000000000.1, true",
    "_INBOX, true",
    "_R_.x, true",
    "answers, true",
    "a, true",
    "a.even, true",
    "a.eventsx, true",
    "wasmbusx.y, true",
    "defaults.y, true",
    "x.wasmbus.y, true",
    "x.$SYS, true",
    "wasmbus, false",
    "wasmbus.rpc.default.V.default.shutdown, false",
    "wasmbus.ctl.v1.default.link.del, false",
    "$SYS.REQ, false",
    "$JS.API.STREAM.DELETE.OBJ_default, false",
    "$, false",
    "default, false",
    "default.other.wrpc.0.0.1.x.get, false",
    "a.events, false",
    "a.events.hb, false",
    "a.replay, false",
    "a.replay.all, false",
    "a.replay.17-3, false",
    "b, false",
    "b.results, false",
    "_INBOX.AbCdEfGhIjKl, false",
    "_INBOX.AbCdEfGhIjKl0000000001.7, false",
    "_INBOX.AbCdEfGhIjKl0000000001.7.params, false"
  })
  void answersGoWhereNobodyElseIsMeant(String subject, boolean allowed) {
    assertEquals(allowed, subjects.allows(subject));
  }

  /** Two caches on different servers may have subjects in common. */
  @Test
  void subjectsOfACacheAreItsOwnUntilItsLastLinkIsGone() {
    var links = new LinkedCaches(new LinkTable(LinkValues.of(Map.of())), new MapCaches());
    var answers = new AnswerSubjects("default", OWN, links::isReplicationSubject);
    assertFalse(answers.allows("lattice.state.events.hb"));
    assertFalse(answers.allows("lattice.state.replay.link.any.all"));
    assertTrue(answers.allows("e.hb"));
    LinkId one = LinkId.caller("a", "one");
    LinkId two = LinkId.caller("a", "two");
    put(links, one, "nats://127.0.0.1:1");
    put(links, two, "nats://127.0.0.1:2");
    assertFalse(answers.allows("e.hb"));
    assertFalse(answers.allows("r.all"));
    links.delete(one);
    assertFalse(answers.allows("e.hb"));
    links.delete(two);
    assertTrue(answers.allows("e.hb"));
    assertTrue(answers.allows("r.all"));
    assertFalse(answers.allows("lattice.state.events"));
  }

  private static void put(LinkedCaches links, LinkId id, String url) {
    links.put(
        id,
        LinkValues.of(
            Map.of("NATS_URL", url, "STATE_REPL_SUBJECT", "e", "REPLAY_REQ_SUBJECT", "r")));
  }
}
