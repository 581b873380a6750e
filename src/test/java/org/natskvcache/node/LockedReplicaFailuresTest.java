package org.natskvcache.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.natskvcache.LogLines;
import org.natskvcache.Thrown;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.replication.wire.Channel;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;
import org.natskvcache.store.Reply;

/** What a caller, a watcher or a transport throws costs that call, change or frame alone. */
class LockedReplicaFailuresTest {
  private final Queue<Throwable> fatal = new ConcurrentLinkedQueue<>();
  private final Queue<Channel> published = new ConcurrentLinkedQueue<>();
  private final AtomicReference<Throwable> ofTransport = new AtomicReference<>();
  private final Transport transport =
      new Transport() {
        @Override
        public void publish(Channel channel, OriginId target, byte[] frame) {
          throwing();
          published.add(channel);
        }

        @Override
        public int maxPayload() {
          return Limits.DEFAULT_PAYLOAD_MAX;
        }

        @Override
        public void listenAs(OriginId origin) {
          throwing();
        }

        @Override
        public void answerReplays(boolean member) {
          throwing();
        }

        private void throwing() {
          Throwable thrown = ofTransport.get();
          if (thrown != null) Thrown.raise(thrown);
        }
      };
  private LockedReplica replica;

  @AfterEach
  void close() {
    ofTransport.set(null);
    replica.close();
    assertEquals(List.of(), List.copyOf(fatal));
  }

  private void start(long holdMillis) {
    replica =
        new LockedReplica(
            "test",
            NodeSettings.replicated(Limits.DEFAULTS, 1_000),
            transport,
            holdMillis,
            fatal::add);
    replica.connected();
  }

  private static Command set(String value) {
    return new Command.Set(Key.of("k"), Bytes.utf8(value), 0);
  }

  private String value() {
    var value = new AtomicReference<String>();
    replica.call(
        new Command.Get(Key.of("k")),
        reply -> value.set(reply instanceof Reply.Value(var bytes) ? bytes.utf8() : "" + reply));
    return value.get();
  }

  @ParameterizedTest
  @MethodSource("org.natskvcache.Thrown#all")
  void answerThatThrowsIsTheCallersAndTheChangeIsPublished(Throwable thrown) {
    start(0);
    assertSame(
        thrown,
        assertThrows(Throwable.class, () -> replica.call(set("v"), reply -> Thrown.raise(thrown))));
    assertTrue(published.contains(Channel.MUTATIONS), published::toString);
    assertEquals("v", value());
  }

  @ParameterizedTest
  @MethodSource("org.natskvcache.Thrown#all")
  void heldCallThatThrowsDoesNotKeepTheOthers(Throwable thrown) {
    start(300);
    Queue<Reply> answers = new ConcurrentLinkedQueue<>();
    replica.call(set("first"), reply -> Thrown.raise(thrown));
    replica.call(set("second"), answers::add);
    until("the answer", () -> answers.size() == 1);
    assertEquals("second", value());
    until("the changes", () -> published.contains(Channel.MUTATIONS));
  }

  @ParameterizedTest
  @MethodSource("org.natskvcache.Thrown#all")
  void watcherThatThrowsBreaksNoStep(Throwable thrown) {
    start(0);
    replica.watch(
        new Replica.KeyWatcher() {
          @Override
          public boolean wants(Key key) {
            return Thrown.raise(thrown);
          }

          @Override
          public void changed(Key key, Bytes value, Object cause) {}
        });
    replica.call(set("v"), reply -> {});
    replica.watch(
        new Replica.KeyWatcher() {
          @Override
          public boolean wants(Key key) {
            return true;
          }

          @Override
          public void changed(Key key, Bytes value, Object cause) {
            Thrown.raise(thrown);
          }
        });
    replica.call(set("w"), reply -> {});
    assertEquals("w", value());
    assertTrue(published.contains(Channel.MUTATIONS), published::toString);
  }

  @ParameterizedTest
  @MethodSource("org.natskvcache.Thrown#all")
  void transportThatThrowsStopsNeitherCallsNorTheTimer(Throwable thrown) {
    ofTransport.set(thrown);
    start(0);
    replica.call(set("v"), reply -> {});
    assertEquals("v", value());
    ofTransport.set(null);
    until("a heartbeat of the timer", () -> published.contains(Channel.HEARTBEATS));
  }

  /** The one thing that ends the process, whatever a thread's handlers are. */
  @Test
  void brokenStepIsFatal() {
    start(0);
    try (LogLines log = LogLines.of(LockedReplica.class)) {
      assertThrows(IllegalStateException.class, () -> replica.call(null, reply -> {}));
      assertTrue(
          log.all().contains("ERROR the replica is broken and stops the process link=test"),
          () -> "" + log.all());
    }
    assertEquals(NullPointerException.class, fatal.remove().getClass());
  }
}
