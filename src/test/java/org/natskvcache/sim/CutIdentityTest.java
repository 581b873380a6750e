package org.natskvcache.sim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.natskvcache.crdt.Defect;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.ClockLimits;
import org.natskvcache.node.Effect;
import org.natskvcache.node.Node;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.Time;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.replication.wire.Frames;
import org.natskvcache.replication.wire.MalformedFrameException;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;

/**
 * The server of a snapshot dies half-way and another instance answers at its address, by chance
 * with a cut of the same number. Its sections must not be mixed with those of the first.
 */
class CutIdentityTest {
  private static final OriginId SERVER = new OriginId(1, 1);
  private static final OriginId SUCCESSOR = new OriginId(2, 2);
  private static final OriginId JOINER = new OriginId(3, 3);
  private static final OriginId ANOTHER = new OriginId(4, 4);

  /**
   * A ring of 4, so that a snapshot is needed; a window holds the header and part of the buckets.
   */
  private static final Limits LIMITS =
      new Limits(
          1 << 10, 1 << 16, 1 << 20, 4, 1 << 20, 100, 10, 1_000, 1_000, 150, 2, 2, 10, 1_024);

  private long tick = 1_000;

  private Time now() {
    return new Time(1_000_000 + tick, tick);
  }

  private Node node(OriginId id, Defect defect) {
    NodeSettings settings =
        new NodeSettings(
            LIMITS,
            true,
            10_000,
            NodeSettings.OFFER_WAIT_MILLIS,
            ClockLimits.DEFAULTS,
            FrameKeys.NONE,
            defect);
    Node node = new Node(settings, id, new SplittableRandom(7), now());
    node.connected(now());
    return node;
  }

  private void live(Node node) {
    node.nobodyListens(now());
    node.takeEffects();
  }

  private void fill(Node node, String value) {
    for (int i = 0; i < 40; i++) {
      node.call(new Command.Set(Key.of("key" + i), Bytes.utf8(value + i), 0), now());
    }
    node.flush();
    node.takeEffects();
  }

  /**
   * Everything the joiner sends goes to {@code to}, whoever it was meant for, and the answers back;
   * until nothing moves.
   */
  private void converse(Node joiner, Node to, int roundsMax) throws MalformedFrameException {
    for (int round = 0; round < roundsMax; round++) {
      List<byte[]> sent = new ArrayList<>();
      for (Effect effect : joiner.takeEffects()) {
        if (effect instanceof Effect.Publish(var channel, var target, var frame)
            && channel != Channel.HEARTBEATS) {
          sent.add(frame);
        }
      }
      for (byte[] frame : sent) to.receive(Frames.channel(frame), frame, now());
      for (Effect effect : to.takeEffects()) {
        if (effect instanceof Effect.Publish(var channel, var target, var frame)
            && channel == Channel.DIRECT) {
          joiner.receive(Frames.channel(frame), frame, now());
        }
      }
      joiner.tick(now());
    }
  }

  /**
   * Runs the story and returns the joiner; {@code server} has the data the joiner's vector speaks
   * of.
   */
  private Node story(Defect defect, Node server) throws MalformedFrameException {
    live(server);
    fill(server, "a");
    Node successor = node(SUCCESSOR, defect);
    live(successor);
    fill(successor, "b");
    converse(node(ANOTHER, defect), successor, 3); // it serves its first cut to somebody else

    Node joiner = node(JOINER, defect);
    converse(joiner, server, 3); // an offer, no replay, the first window of the cut
    assertFalse(joiner.applied().get(joiner.origins().slot(SERVER)) > 0, "installed too early");
    for (int i = 0; i < 20; i++) {
      tick += 500;
      joiner.tick(now());
      converse(joiner, successor, 4);
    }
    return joiner;
  }

  @Test
  void aCutOfAnotherInstanceIsNotGoneOnWith() throws MalformedFrameException {
    Node server = node(SERVER, Defect.NONE);
    Node joiner = story(Defect.NONE, server);
    assertEquals(0, joiner.applied().get(joiner.origins().slot(SERVER)));
  }

  @Test
  void withoutTheOriginInItsIdentityTwoCutsAreMixed() throws MalformedFrameException {
    Node server = node(SERVER, Defect.CUT_ID_WITHOUT_ORIGIN);
    Node joiner = story(Defect.CUT_ID_WITHOUT_ORIGIN, server);
    assertTrue(joiner.applied().get(joiner.origins().slot(SERVER)) > 0, "nothing was installed");
    assertNotEquals(server.keyspace().digest(), joiner.keyspace().digest());
  }
}
