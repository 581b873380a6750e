package org.natskvcache.sim;

import java.util.Arrays;
import java.util.PriorityQueue;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.natskvcache.replication.wire.Channel;

/** Messages under way between hosts, and the links that are cut. */
final class Network {
  /**
   * A message that will arrive, unless its link is cut by then.
   *
   * @param bytes null for the server's word that nobody heard a request
   */
  record Message(
      long atTick,
      long number,
      int from,
      int to,
      Channel channel,
      byte @Nullable [] bytes,
      boolean damaged)
      implements Comparable<Message> {
    @Override
    public int compareTo(Message other) {
      int order = Long.compare(atTick, other.atTick);
      return order != 0 ? order : Long.compare(number, other.number);
    }
  }

  private static final int UNDER_WAY_MAX = 5_000;

  private final Knobs knobs;
  private final RandomGenerator random;
  private final SimulationReport report;
  private final boolean[][] cut;
  private final PriorityQueue<Message> underWay = new PriorityQueue<>();
  private long sent;
  private boolean calm;

  Network(Knobs knobs, RandomGenerator random, SimulationReport report) {
    this.knobs = knobs;
    this.random = random;
    this.report = report;
    cut = new boolean[knobs.nodes()][knobs.nodes()];
  }

  void send(int from, int to, Channel channel, byte[] bytes, long tick) {
    if (cut[from][to]) {
      report.cutMessages++;
      return;
    }
    if (!calm && (random.nextDouble() < knobs.loss() || underWay.size() > UNDER_WAY_MAX)) {
      report.lost++;
      return;
    }
    put(from, to, channel, bytes, tick);
    if (!calm && random.nextDouble() < knobs.repeat()) {
      report.repeated++;
      put(from, to, channel, bytes, tick);
    }
  }

  private void put(int from, int to, Channel channel, byte[] bytes, long tick) {
    boolean damaged = !calm && random.nextDouble() < knobs.damage();
    if (damaged) report.damaged++;
    byte[] arriving = damaged ? damage(bytes) : bytes;
    long delay = calm ? 1 + random.nextInt(3) : random.nextInt(knobs.delayMillisMax());
    if (!calm && random.nextInt(50) == 0) delay += random.nextInt(2_000);
    underWay.add(new Message(tick + delay, sent++, from, to, channel, arriving, damaged));
    report.sent++;
  }

  /** The server tells one host that nobody listens; hosts reach it whatever is cut between them. */
  void tellAlone(int host, long delayMillis, long tick) {
    report.toldAlone++;
    underWay.add(new Message(tick + delayMillis, sent++, host, host, Channel.DIRECT, null, false));
  }

  /** A stranger's message to one host; it comes from that host, as nobody else sends to itself. */
  void tellForged(int host, Channel channel, byte[] bytes, long tick) {
    report.forged++;
    underWay.add(new Message(tick, sent++, host, host, channel, bytes, false));
  }

  private byte[] damage(byte[] bytes) {
    if (random.nextBoolean()) return Arrays.copyOf(bytes, random.nextInt(bytes.length));
    byte[] flipped = bytes.clone();
    flipped[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
    return flipped;
  }

  /** The next message that arrives until {@code tick}; null if there is none. */
  @Nullable Message arrive(long tick) {
    while (!underWay.isEmpty() && underWay.peek().atTick <= tick) {
      Message message = underWay.poll();
      if (!cut[message.from][message.to]) return message;
      report.cutMessages++;
    }
    return null;
  }

  long nextTick() {
    return underWay.isEmpty() ? Long.MAX_VALUE : underWay.peek().atTick;
  }

  /** Delivers again later, because the host does nothing now. */
  void postpone(Message message, long tick) {
    underWay.add(
        new Message(
            tick,
            message.number,
            message.from,
            message.to,
            message.channel,
            message.bytes,
            message.damaged));
  }

  void cut(int from, int to) {
    cut[from][to] = true;
  }

  void heal() {
    for (boolean[] row : cut) Arrays.fill(row, false);
  }

  /** From now on nothing is lost, repeated, damaged or late. */
  void calm() {
    heal();
    calm = true;
  }
}
