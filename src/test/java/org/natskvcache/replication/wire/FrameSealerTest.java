package org.natskvcache.replication.wire;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.replication.wire.FrameKeys.Use.INSPECT;
import static org.natskvcache.replication.wire.FrameKeys.Use.WRITE;
import static org.natskvcache.replication.wire.FrameKeysTest.A;
import static org.natskvcache.replication.wire.FrameKeysTest.B;
import static org.natskvcache.replication.wire.FrameSealer.Verdict.Refused.DAMAGED;
import static org.natskvcache.replication.wire.FrameSealer.Verdict.Refused.OTHER_KEY;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.wire.FrameSealer.Verdict;

class FrameSealerTest {
  private static final OriginId ME = new OriginId(0x01977420dc000001L, 7);
  private static final OriginId OTHER = new OriginId(0x01977420dc000001L, 8);
  private static final Channel E = Channel.MUTATIONS;

  private final FrameSealer a = FrameKeys.replication(A).sealer();
  private final FrameSealer b = FrameKeys.replication(B).sealer();
  private final FrameSealer none = FrameKeys.NONE.sealer();

  /** A frame of 22 bytes of header and some more, with room for its trailer. */
  private static byte[] frame(Seal seal) {
    byte[] frame = new byte[40 + seal.trailerBytes()];
    for (int i = 0; i < 40; i++) frame[i] = (byte) (3 * i);
    frame[4] = 5;
    return frame;
  }

  private static byte[] sealed(FrameSealer by, Seal seal, Channel channel, @Nullable OriginId to) {
    byte[] frame = frame(seal);
    by.seal(frame, seal, channel, to);
    return frame;
  }

  private static byte[] sealed(FrameSealer by) {
    return sealed(by, by.own(WRITE), E, null);
  }

  private static Verdict check(FrameSealer by, byte[] frame) {
    return by.check(frame, frame.length, E, null);
  }

  private static Seal accepted(FrameSealer by, byte[] frame) {
    return assertInstanceOf(Verdict.Accepted.class, check(by, frame)).seal();
  }

  /** Whether a frame sealed with one setting is accepted with another. */
  @ParameterizedTest
  @CsvSource({
    "'', '', yes", // no keys at all
    "'', A, no",
    "A, '', no",
    "A, A, yes",
    "A, B, no",
    "'', 'none,A', yes", // turning keys on
    "'none,A', '', yes",
    "'none,A', 'A,none', yes",
    "'A,none', 'none,A', yes",
    "'A,none', 'A', yes",
    "'A', 'A,none', yes",
    "'none,A', A, no", // one step too many at once
    "'A,none', '', no",
    "A, 'A,B', yes", // a new key
    "'A,B', A, yes",
    "'A,B', 'B,A', yes",
    "'B,A', 'A,B', yes",
    "'B,A', B, yes",
    "B, 'B,A', yes",
    "'B,A', A, no",
  })
  void theFirstEntrySignsAndAllAreAccepted(String from, String to, String accepted) {
    FrameSealer sender = FrameKeys.replication(keys(from)).sealer();
    FrameSealer receiver = FrameKeys.replication(keys(to)).sealer();
    byte[] frame = sealed(sender);
    Verdict verdict = check(receiver, frame);
    if (accepted.equals("no")) {
      assertEquals(OTHER_KEY, verdict);
      return;
    }
    Seal seal = assertInstanceOf(Verdict.Accepted.class, verdict).seal();
    assertTrue(seal.mayWrite());
    byte[] answer = frame(seal);
    receiver.seal(answer, seal, E, null);
    assertInstanceOf(Verdict.Accepted.class, check(sender, answer), "an answer sealed alike");
  }

  private static String keys(String names) {
    return names.replaceAll("\\bA\\b", A).replaceAll("\\bB\\b", B);
  }

  @Test
  void aFrameSaysThatItHasAKey() {
    assertEquals(5, sealed(none)[4]);
    assertEquals((byte) (128 + 5), sealed(a)[4]);
    assertEquals(4, none.own(WRITE).trailerBytes());
    assertEquals(20, a.own(WRITE).trailerBytes());
    assertEquals(0x0c28e573, ByteBuffer.wrap(sealed(a)).getInt(40));
    assertEquals(Seal.UNKEYED, accepted(none, sealed(none)));
    assertEquals(new Seal(WRITE, 0), accepted(a, sealed(a)));
  }

  @Test
  void whoOnlyLooksMayNotWrite() {
    FrameSealer looker = FrameKeys.replication(A).toInspect().sealer();
    Seal question = accepted(a, sealed(looker, looker.own(INSPECT), E, null));
    assertFalse(question.mayWrite());
    assertEquals(INSPECT, question.use());
    assertEquals(question, accepted(looker, sealed(a, question, E, null)));
    assertEquals(OTHER_KEY, check(looker, sealed(a)), "what is written is not for it");
    assertThrows(IllegalStateException.class, () -> looker.own(WRITE));
    assertThrows(IllegalStateException.class, () -> sealed(looker, a.own(WRITE), E, null));
  }

  @Test
  void anAnswerHasTheKeyOfItsQuestion() {
    FrameSealer looker = FrameKeys.replication(B).toInspect().sealer();
    FrameSealer instance = FrameKeys.replication(A + "," + B).sealer();
    Seal question = accepted(instance, sealed(looker, looker.own(INSPECT), E, null));
    assertEquals(new Seal(INSPECT, 1), question);
    assertTrue(accepted(looker, sealed(instance, question, E, null)).isKeyed());
    assertEquals(
        OTHER_KEY, check(looker, sealed(instance, instance.own(INSPECT), E, null)), "of A");
  }

  @ParameterizedTest
  @EnumSource(Channel.class)
  void aFrameCountsOnItsChannelOnly(Channel made) {
    Seal seal = a.own(WRITE);
    byte[] frame = sealed(a, seal, made, ME);
    for (Channel seen : Channel.values()) {
      Verdict expected = made.code() == seen.code() ? new Verdict.Accepted(seal) : DAMAGED;
      assertEquals(expected, a.check(frame, frame.length, seen, ME), "" + seen);
    }
  }

  @ParameterizedTest
  @EnumSource(Channel.class)
  void aFrameCountsWithItsReceiverOnly(Channel channel) {
    byte[] frame = sealed(a, a.own(WRITE), channel, ME);
    boolean forMe = channel.code() == 5;
    Verdict verdict = a.check(frame, frame.length, channel, OTHER);
    assertEquals(forMe ? DAMAGED : new Verdict.Accepted(a.own(WRITE)), verdict);
    if (!forMe) return;
    assertThrows(IllegalArgumentException.class, () -> a.check(frame, frame.length, channel, null));
  }

  @Test
  void withoutAKeyChannelsAreNotTold() {
    byte[] frame = sealed(none);
    assertEquals(
        new Verdict.Accepted(Seal.UNKEYED),
        none.check(frame, frame.length, Channel.HEARTBEATS, null));
  }

  @Test
  void onlyTheGivenLengthIsLookedAt() {
    for (FrameSealer each : new FrameSealer[] {a, none}) {
      byte[] frame = sealed(each);
      byte[] longer = Arrays.copyOf(frame, frame.length + 9);
      assertEquals(check(each, frame), each.check(longer, frame.length, E, null));
      assertInstanceOf(Verdict.Refused.class, check(each, longer));
    }
  }

  /** A bit of the id or of the flag KEYED makes it look like another key's. */
  @ParameterizedTest
  @ValueSource(strings = {"", "A", "none,A", "A,none", "A,B"})
  void noDamageIsAccepted(String setting) {
    FrameSealer sealer = FrameKeys.replication(keys(setting)).sealer();
    byte[] frame = sealed(sealer);
    int id = sealer.own(WRITE).isKeyed() ? frame.length - 20 : frame.length;
    for (int bit = 0; bit < 8 * frame.length; bit++) {
      byte[] damaged = frame.clone();
      damaged[bit / 8] ^= (byte) (1 << bit % 8);
      boolean ofId = bit / 8 >= id && bit / 8 < id + 4;
      boolean flagSet = bit == 8 * 4 + 7 && id == frame.length;
      assertEquals(ofId || flagSet ? OTHER_KEY : DAMAGED, check(sealer, damaged), "bit " + bit);
    }
    for (int length = 0; length < frame.length; length++) {
      Verdict verdict = sealer.check(frame, length, E, null);
      assertFalse(verdict instanceof Verdict.Accepted, "cut to " + length);
    }
  }

  @Test
  void garbageWithoutTheFlagIsNoOtherKey() {
    var random = new SplittableRandom(4);
    for (int i = 0; i < 10_000; i++) {
      byte[] garbage = new byte[random.nextInt(80)];
      random.nextBytes(garbage);
      boolean keyed = garbage.length >= 42 && garbage[4] < 0;
      for (FrameSealer each : new FrameSealer[] {a, none}) {
        assertEquals(keyed ? OTHER_KEY : DAMAGED, check(each, garbage));
      }
    }
  }

  @Test
  void wholeFramesOfOthersAreOtherKeys() {
    assertEquals(OTHER_KEY, check(a, sealed(b)));
    assertEquals(OTHER_KEY, check(none, sealed(b)));
    assertEquals(OTHER_KEY, check(a, sealed(none)));
    byte[] damaged = sealed(none);
    damaged[30]++;
    assertEquals(DAMAGED, check(a, damaged));
  }

  @Test
  void sealingAgainReplacesTheSeal() {
    byte[] frame = sealed(a);
    byte[] first = frame.clone();
    a.seal(frame, a.own(WRITE), Channel.HEARTBEATS, null);
    a.seal(frame, a.own(WRITE), E, null);
    assertArrayEquals(first, frame);
  }
}
