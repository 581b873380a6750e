package org.natskvcache.chaos;

import static org.natskvcache.rpc.wasmbus.SigningCaller.struct;
import static org.natskvcache.rpc.wasmbus.SigningCaller.text;

import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.natskvcache.process.KeyValueClient;
import org.natskvcache.process.Provider;
import org.natskvcache.rpc.wasmbus.HealthResponse;

/**
 * Calls one life of one instance, one call after the other, on a thread of its own, and keeps a
 * ledger. It ends when told to, or when its instance has ended and does not answer.
 */
final class Writer {
  /** Longer than an instance stands still at most. */
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static final int LARGE_BYTES = 60_000;
  private static final int PAUSE_MILLIS_MAX = 30;

  /** How long a value lives that is to expire soon. */
  static final int EXPIRY_SECONDS_MAX = 2;

  private static final int LASTING_SECONDS = 1_000_000;

  /** What all writers of a run share. */
  record Shared(List<Ledger> ledgers, Tally calls, Tally unanswered, Consumer<Throwable> failed) {}

  final Ledger ledger;
  private final Shared shared;
  private final Provider provider;
  private final KeyValueClient calls;
  private final boolean lasting;
  private final Random random;
  private final Thread thread;
  private volatile boolean stopped;

  /**
   * A writer that waits for {@link #start}.
   *
   * @param lasting whether its instance is one of those that are never killed
   */
  Writer(String name, Provider provider, boolean lasting, long seed, Shared shared) {
    ledger = new Ledger(name);
    this.shared = shared;
    this.provider = provider;
    this.lasting = lasting;
    calls = provider.callsWaiting(PATIENCE);
    random = new Random(seed);
    thread = Thread.ofPlatform().daemon().name("writer " + name).unstarted(this::run);
    shared.ledgers.add(ledger);
  }

  void start() {
    thread.start();
  }

  void stop() {
    stopped = true;
  }

  void join() {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  private void run() {
    try {
      while (!stopped && !takesCalls(provider)) {
        Thread.sleep(20); // it starts, or stands still
      }
      for (int turn = 1; !stopped; turn++) {
        if (turn % 6 == 0) {
          beat();
        } else {
          act();
        }
        Thread.sleep(random.nextInt(PAUSE_MILLIS_MAX));
      }
    } catch (Throwable e) {
      shared.failed.accept(e);
    }
  }

  /** Health is answered before calls are, and says so. */
  private static boolean takesCalls(Provider provider) {
    HealthResponse health = provider.healthOrNull();
    return health != null && !health.message().contains("starting");
  }

  private boolean answered(String name, Runnable call) {
    shared.calls.count(name);
    try {
      call.run();
      return true;
    } catch (KeyValueClient.NoAnswer e) {
      shared.unanswered.count(name);
      stopped |= ledger.ended();
      return false;
    }
  }

  private void beat() {
    int number = ledger.nextBeat();
    boolean answered = answered("set", () -> calls.set(ledger.beatKey(), "" + number));
    ledger.beat(answered);
  }

  private void act() {
    int dice = random.nextInt(100);
    if (dice < 25) {
      increment((lasting && dice < 12 ? Keys.EXACT : Keys.COUNTERS).any(random));
    } else if (dice < 34) {
      String key = Keys.LOGS.any(random);
      String item = ledger.nextItem();
      boolean answered = answered("list-add", () -> calls.listAdd(key, item));
      ledger.added(new Ledger.Addition(key, item, 0, answered));
    } else if (dice < 43) {
      String key = Keys.CROWDS.any(random);
      String item = ledger.nextItem();
      boolean answered = answered("set-add", () -> calls.setAdd(key, item));
      ledger.added(new Ledger.Addition(key, item, 0, answered));
    } else if (dice < 55) {
      onString(Keys.STRINGS.any(random));
    } else if (dice < 63) {
      onTally(Keys.TALLIES.any(random));
    } else if (dice < 71) {
      onList(Keys.LISTS.any(random));
    } else if (dice < 79) {
      onSet(Keys.SETS.any(random));
    } else if (dice < 92) {
      onMixed(Keys.MIXED.any(random));
    } else if (lasting && dice < 96) {
      lookAtABeat();
    } else {
      read();
    }
  }

  private void increment(String key) {
    int delta = random.nextInt(-3, 11);
    boolean answered = answered("increment", () -> calls.increment(key, delta));
    ledger.added(new Ledger.Addition(key, "", delta, answered));
  }

  private void onString(String key) {
    switch (random.nextInt(4)) {
      case 0 -> answered("del", () -> calls.delete(key));
      case 1 -> setExpiring(key);
      case 2 -> answered("set", () -> calls.set(key, word(), LASTING_SECONDS));
      default -> answered("set", () -> calls.set(key, word()));
    }
  }

  private void setExpiring(String key) {
    int seconds = random.nextInt(1, EXPIRY_SECONDS_MAX + 1);
    answered("set-expiring", () -> calls.set(key, word(), seconds));
  }

  private void onTally(String key) {
    if (random.nextInt(4) == 0) {
      answered("del", () -> calls.delete(key));
    } else {
      answered("increment", () -> calls.increment(key, random.nextInt(100)));
    }
  }

  private void onList(String key) {
    switch (random.nextInt(16)) {
      case 0 -> answered("list-clear", () -> calls.listClear(key));
      case 1, 2, 3, 4 -> answered("list-del", () -> calls.listRemove(key, word()));
      case 5 -> answered("del", () -> calls.delete(key));
      default -> answered("list-add", () -> calls.listAdd(key, word()));
    }
  }

  private void onSet(String key) {
    switch (random.nextInt(16)) {
      case 0 -> answered("set-clear", () -> calls.setClear(key));
      case 1, 2, 3, 4, 5 -> answered("set-del", () -> calls.setRemove(key, word()));
      case 6 -> answered("del", () -> calls.delete(key));
      default -> answered("set-add", () -> calls.setAdd(key, word()));
    }
  }

  /** What does not fit the type found is refused; that is as good an answer. */
  private void onMixed(String key) {
    switch (random.nextInt(9)) {
      case 0 -> answered("del", () -> calls.delete(key));
      case 1 -> setExpiring(key);
      case 2 -> answered("set", () -> calls.set(key, "" + random.nextInt(1_000)));
      case 3 -> maybe("Increment", "increment", struct("key", key, "value", 1 + random.nextInt(9)));
      case 4 -> maybe("ListAdd", "list-add", struct("listName", key, "value", word()));
      case 5 -> maybe("ListDel", "list-del", struct("listName", key, "value", word()));
      case 6 -> maybe("SetAdd", "set-add", struct("setName", key, "value", word()));
      case 7 -> maybe("SetDel", "set-del", struct("setName", key, "value", word()));
      default -> maybe("SetClear", "set-clear", text(key));
    }
  }

  private void maybe(String operation, String name, byte[] argument) {
    answered(name, () -> calls.request(operation, argument));
  }

  private void read() {
    switch (random.nextInt(5)) {
      case 0 -> answered("get", () -> calls.get(Keys.STRINGS.any(random)));
      case 1 -> answered("contains", () -> calls.contains(Keys.MIXED.any(random)));
      case 2 -> answered("list-range", () -> calls.list(Keys.LISTS.any(random)));
      case 3 ->
          answered("set-union", () -> calls.union(Keys.SETS.any(random), Keys.SETS.any(random)));
      default ->
          answered(
              "set-intersection",
              () -> calls.intersection(Keys.SETS.any(random), Keys.SETS.any(random)));
    }
  }

  /** What an instance that lasts shows of another's writer cannot be lost any more. */
  private void lookAtABeat() {
    Ledger other = shared.ledgers.get(random.nextInt(shared.ledgers.size()));
    answered(
        "get",
        () -> calls.get(other.beatKey()).ifPresent(beat -> other.saw(Integer.parseInt(beat))));
  }

  private String word() {
    return "w" + random.nextInt(12);
  }

  /** So many large values at once, more than the wire of a slow reader carries. */
  static void flood(Provider provider, int values, Tally tally) {
    KeyValueClient calls = provider.callsWaiting(PATIENCE);
    List<String> keys = Keys.LARGE.all();
    for (int i = 0; i < values; i++) {
      tally.count("set-large");
      try {
        calls.set(keys.get(i % keys.size()), i + "x".repeat(LARGE_BYTES));
      } catch (KeyValueClient.NoAnswer e) {
        return; // its instance stands still
      }
    }
  }
}
