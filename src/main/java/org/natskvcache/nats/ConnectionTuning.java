package org.natskvcache.nats;

import java.time.Duration;

/**
 * What differs between our connections, and what they have in common.
 *
 * @param name what the server's monitoring shows
 * @param echo whether we hear our own messages: a door does (callers may sit in the same process),
 *     replication does not
 * @param outgoingMessagesMax messages waiting to be written; beyond it a publish waits {@link
 *     #PUSH_MAX} and is refused
 * @param direct whether messages may be answered on the thread that reads them
 */
public record ConnectionTuning(String name, boolean echo, int outgoingMessagesMax, boolean direct) {
  /** How long a publish may wait for room in the queue. */
  static final Duration PUSH_MAX = Duration.ofMillis(20);

  /** How long one attempt to connect may take, TLS and authentication included. */
  static final Duration CONNECT_MAX = Duration.ofSeconds(2);

  /** How often a server has to show that it is there. */
  static final Duration PING_INTERVAL = Duration.ofSeconds(2);

  /** Two pings unanswered for so long each, one after the other, and the connection is lost. */
  static final Duration PING_MAX = Duration.ofMillis(1500);

  static final Duration BACKOFF_MIN = Duration.ofMillis(20);

  /** A server that comes back waits no longer than this for us. */
  static final Duration BACKOFF_MAX = Duration.ofMillis(500);

  /** Bad credentials heal by hand, if at all. */
  static final Duration BACKOFF_REFUSED = Duration.ofSeconds(1);

  /** For the connection that callers use. */
  public static ConnectionTuning door(String name) {
    return new ConnectionTuning(name, true, 5000, true);
  }

  /** The same, with every message handed to the client's own threads. */
  public ConnectionTuning indirect() {
    return new ConnectionTuning(name, echo, outgoingMessagesMax, false);
  }

  /** For replication; frames are up to the server's maximum payload, so few may wait. */
  public static ConnectionTuning replication(String name) {
    return new ConnectionTuning(name, false, 512, false);
  }
}
