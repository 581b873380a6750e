package org.natskvcache.crdt;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;

/**
 * Replicas of one key that are brought into their states by running operations and passing them on
 * in causal order, never by making states up.
 */
final class History {
  static final MemberSet.Members<String> MEMBERS =
      new MemberSet.Members<>() {
        @Override
        public long hash(String member) {
          return Hash64.of(bytes(member));
        }

        @Override
        public long footprint(String member) {
          return Footprint.array(member.length());
        }
      };

  /** One operation as its author made it. */
  record Event(long dot, VersionVector seen, Effect effect) {}

  /** What an operation does to a replica that is ready for it. */
  interface Effect {
    void applyTo(Replica replica, long dot, VersionVector seen);
  }

  /** One copy of the key: everything a replica can hold but counters. */
  final class Replica {
    final VersionVector applied = new VersionVector(origins);
    final DigestSum digest = new DigestSum(origins, 1);
    final MemberSet<String> members = new MemberSet<>(MEMBERS, 4);
    Register register;
    final ItemList list = new ItemList(origins, 4);

    boolean ready(Event event) {
      long next = applied.get(Dot.slot(event.dot)) + 1;
      return Dot.sequence(event.dot) == next && applied.covers(event.seen);
    }

    void apply(Event event) {
      event.effect.applyTo(this, event.dot, event.seen);
      applied.raise(Dot.slot(event.dot), Dot.sequence(event.dot));
    }

    void cover(VersionVector seen) {
      register = Register.cover(register, seen, digest);
      members.cover(seen, digest);
      list.cover(seen, digest);
    }

    /** A replica that has the same content because it joined it into nothing. */
    Replica copy() {
      Replica copy = new Replica();
      copy.join(this);
      return copy;
    }

    void join(Replica theirs) {
      Join rule = new Join(applied, theirs.applied, Defect.NONE, said -> {});
      register = Register.join(register, theirs.register, rule);
      members.join(theirs.members, rule, digest);
      list.join(theirs.list, rule, digest);
      applied.raiseAll(theirs.applied);
    }

    long recomputedDigest() {
      DigestSum sum = new DigestSum(origins, 1);
      sum.addAll(register, null);
      members.addTo(sum);
      list.addTo(sum);
      DigestSum quick = new DigestSum(origins, 1);
      quick.addAll(register, null);
      assertEquals(sum.sum(), quick.sum() + members.sum() + list.sum());
      return sum.sum();
    }

    /** Everything held, printed alike for equal states. */
    String content() {
      Map<String, String> lines = new TreeMap<>();
      for (Register r = register; r != null; r = r.next) {
        lines.put("version " + stamp(r.dot), r.hlc + " " + text(r.value));
      }
      members.forEach((member, dots) -> {
        for (long dot : dots) lines.put("member " + member + " " + stamp(dot), "");
      });
      List<String> items = new ArrayList<>();
      list.forEach((position, dot, value) -> items.add(position + stamp(dot) + text(value)));
      return lines + " " + items + " " + applied;
    }

    private String stamp(long dot) {
      return origins.id(Dot.slot(dot)) + ":" + Dot.sequence(dot);
    }
  }

  final Origins origins = new Origins();
  final List<Replica> replicas = new ArrayList<>();
  final List<Event> events = new ArrayList<>();
  private final RandomGenerator random;
  private long clock = 1;

  History(RandomGenerator random, int authors) {
    this.random = random;
    for (int i = 0; i < authors; i++) {
      origins.slot(new OriginId(random.nextLong(), i));
      replicas.add(new Replica());
    }
  }

  static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /** Writes and deliveries in random order. */
  void run(int steps) {
    for (int i = 0; i < steps; i++) {
      int author = random.nextInt(replicas.size());
      if (random.nextInt(3) > 0) write(author);
      else deliver(replicas.get(author), random.nextInt(8));
    }
  }

  /** Hands over up to {@code most} events the replica is ready for, in random order. */
  void deliver(Replica replica, int most) {
    for (int i = 0; i < most; i++) {
      List<Event> ready = events.stream().filter(replica::ready).toList();
      if (ready.isEmpty()) return;
      replica.apply(ready.get(random.nextInt(ready.size())));
    }
  }

  /** A replica that applied exactly the events within {@code included}, in an order of its own. */
  Replica replay(VersionVector included) {
    Replica replica = new Replica();
    while (true) {
      List<Event> ready =
          events.stream().filter(e -> included.covers(e.dot) && replica.ready(e)).toList();
      if (ready.isEmpty()) return replica;
      replica.apply(ready.get(random.nextInt(ready.size())));
    }
  }

  private void write(int author) {
    Replica replica = replicas.get(author);
    long dot = Dot.of(author, replica.applied.get(author) + 1);
    Event event = new Event(dot, replica.applied.copy(), effect(replica));
    events.add(event);
    replica.apply(event);
  }

  private Effect effect(Replica replica) {
    String member = "m" + random.nextInt(4);
    long time = clock++ + random.nextInt(5);
    return switch (random.nextInt(8)) {
      case 0 -> (r, dot, seen) -> r.cover(seen);
      case 1, 2 ->
          (r, dot, seen) -> {
            r.cover(seen);
            Register version = new Register(dot, time, 0, bytes("v" + time), r.register);
            r.register = Register.counted(version, r.digest);
          };
      case 3, 4 -> (r, dot, seen) -> r.members.add(member, dot, seen, r.digest);
      case 5 -> (r, dot, seen) -> r.members.remove(member, seen, r.digest);
      case 6 -> {
        long position = Math.max(time, replica.list.tail() + 1);
        byte[] value = bytes("i" + time);
        yield (r, dot, seen) -> r.list.add(position, dot, value, r.digest);
      }
      default -> removeSomeItem(replica);
    };
  }

  private Effect removeSomeItem(Replica replica) {
    List<long[]> places = new ArrayList<>();
    replica.list.forEach((position, dot, value) -> places.add(new long[] {position, dot}));
    if (places.isEmpty()) return (r, dot, seen) -> {};
    long[] place = places.get(random.nextInt(places.size()));
    return (r, dot, seen) -> r.list.remove(place[0], place[1], r.digest);
  }
}
