package org.natskvcache.chaos;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/** Which faults come when: a function of the seed. The calls between them are not. */
final class Plan {
  /** What a fault befalls. */
  enum Part {
    /** All wires of one instance. */
    WIRES(Cluster.INSTANCES),
    /** The wire between two NATS servers. */
    ROUTE(Cluster.ROUTES),
    NODE(Cluster.NODES),
    /** The process of any instance. */
    INSTANCE(Cluster.INSTANCES),
    /** The process of an instance that may lose its memory. */
    MORTAL(Cluster.INSTANCES - Cluster.LASTING);

    final int count;

    Part(int count) {
      this.count = count;
    }
  }

  enum Kind {
    /** Nothing passes; connections stay open. */
    ISOLATE(Part.WIRES),
    /** What the instance sends does not pass. */
    MUTE(Part.WIRES),
    /** What the instance is sent does not pass. */
    DEAF(Part.WIRES),
    /** Connections are closed, and every new one. */
    REFUSE(Part.WIRES),
    /** Connections are closed once. */
    BREAK(Part.WIRES),
    /** Each piece takes its time. */
    LAG(Part.WIRES),
    /**
     * The instance is sent more than its wire carries: its server has to drop it as a slow
     * consumer.
     */
    FLOOD(Part.WIRES),
    ROUTE_CUT(Part.ROUTE),
    ROUTE_ONE_WAY(Part.ROUTE),
    ROUTE_BREAK(Part.ROUTE),
    ROUTE_LAG(Part.ROUTE),
    /** Cut from both other servers, with whoever is connected to it. */
    NODE_SPLIT(Part.NODE),
    /** SIGKILL, and started again. */
    NODE_KILL(Part.NODE),
    /** SIGSTOP, SIGCONT. */
    NODE_PAUSE(Part.NODE),
    /** SIGSTOP, SIGCONT. */
    PAUSE(Part.INSTANCE),
    /** SIGKILL, and started again with nothing in memory. */
    KILL(Part.MORTAL),
    /** SIGTERM, and started again with nothing in memory. */
    LEAVE(Part.MORTAL);

    final Part part;

    Kind(Part part) {
      this.part = part;
    }
  }

  /**
   * A fault.
   *
   * @param target which of the {@link Part}
   * @param beginMillis since the start of the plan
   * @param endMillis when it is healed, since the start of the plan
   * @param lossy whether what a wire held back is lost, not late
   */
  record Fault(Kind kind, int target, long beginMillis, long endMillis, boolean lossy) {
    boolean overlaps(Fault other) {
      return samePlace(other) && beginMillis < other.endMillis && other.beginMillis < endMillis;
    }

    private boolean samePlace(Fault other) {
      return place() == other.place() && process() == other.process();
    }

    private Part place() {
      return kind.part == Part.MORTAL ? Part.INSTANCE : kind.part;
    }

    private int process() {
      return kind.part == Part.MORTAL ? target + Cluster.LASTING : target;
    }

    @Override
    public String toString() {
      return kind + " " + place().toString().toLowerCase(java.util.Locale.ROOT) + " " + process();
    }
  }

  private static final int PAUSE_MILLIS_MAX = 4_000;

  private Plan() {}

  /**
   * Draws faults for so long, the last one healed at its end. The kinds are dealt as cards are, so
   * that each comes once before one comes again; no place has two at a time.
   */
  static List<Fault> draw(long seed, long millis) {
    var random = new Random(seed);
    var faults = new ArrayList<Fault>();
    var deck = new ArrayList<Kind>();
    long at = 300;
    while (at < millis) {
      if (deck.isEmpty()) {
        deck.addAll(List.of(Kind.values()));
        Collections.shuffle(deck, random);
      }
      Kind kind = deck.removeLast();
      boolean instant = kind == Kind.BREAK || kind == Kind.ROUTE_BREAK;
      int longest = kind == Kind.PAUSE || random.nextInt(12) > 0 ? PAUSE_MILLIS_MAX : 20_000;
      long end = instant ? at + 1 : at + 300 + random.nextInt(longest);
      boolean lossy = random.nextBoolean();
      int first = random.nextInt(kind.part.count);
      for (int i = 0; i < kind.part.count; i++) {
        int target = (first + i) % kind.part.count;
        var fault = new Fault(kind, target, at, Math.min(end, millis), lossy);
        if (faults.stream().noneMatch(fault::overlaps)) {
          faults.add(fault);
          break;
        }
      }
      at += 300 + random.nextInt(1_200);
    }
    return faults;
  }
}
