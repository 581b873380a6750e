package org.natskvcache.chaos;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.function.Consumer;
import org.natskvcache.TcpProxy;
import org.natskvcache.process.Provider;

/** Carries out a plan on a cluster, in time, on the caller's thread. */
final class Storm {
  private static final int FLOOD_VALUES = 120;
  private static final int LAG_PIECE_BYTES = 32 << 10;
  private static final int LAG_MILLIS = 60;
  private static final int NARROW_PIECE_BYTES = 1 << 10;
  private static final int NARROW_MILLIS = 50;

  private final Cluster cluster;
  private final ChaosLog log;
  private final Tally faults;
  private final Tally calls;

  /** Has a started instance written to. */
  private final Consumer<Instance> started;

  private final Consumer<Throwable> failed;
  private final List<Thread> floods = new ArrayList<>();

  Storm(
      Cluster cluster,
      ChaosLog log,
      Tally faults,
      Tally calls,
      Consumer<Instance> started,
      Consumer<Throwable> failed) {
    this.cluster = cluster;
    this.log = log;
    this.faults = faults;
    this.calls = calls;
    this.started = started;
    this.failed = failed;
  }

  private record Step(long atMillis, Runnable what) {}

  /**
   * Returns when the last fault is healed. Stops early, all healed, when {@code enough} says so.
   */
  void run(List<Plan.Fault> plan, java.util.function.BooleanSupplier enough) {
    var steps = new PriorityQueue<Step>(Comparator.comparingLong(Step::atMillis));
    for (Plan.Fault fault : plan) {
      steps.add(
          new Step(
              fault.beginMillis(),
              () -> {
                if (!enough.getAsBoolean()) {
                  faults.count(fault.kind().toString());
                  log.line(
                      "begin "
                          + fault
                          + " for "
                          + (fault.endMillis() - fault.beginMillis())
                          + " ms");
                  begin(fault);
                  steps.add(new Step(fault.endMillis(), () -> end(fault)));
                }
              }));
    }
    long start = System.nanoTime();
    while (!steps.isEmpty()) {
      Step step = steps.remove();
      long wait = step.atMillis - (System.nanoTime() - start) / 1_000_000;
      if (wait > 0 && !enough.getAsBoolean()) {
        sleep(wait);
      }
      step.what.run();
    }
    floods.forEach(Storm::join);
    floods.clear();
  }

  private void begin(Plan.Fault fault) {
    int target = fault.target();
    switch (fault.kind()) {
      case ISOLATE -> wires(target).forEach(TcpProxy::cut);
      case MUTE -> wires(target).forEach(TcpProxy::cutToServer);
      case DEAF -> wires(target).forEach(TcpProxy::cutToClient);
      case REFUSE -> wires(target).forEach(TcpProxy::refuse);
      case BREAK -> wires(target).forEach(TcpProxy::closeConnections);
      case LAG -> wires(target).forEach(wire -> wire.slow(LAG_PIECE_BYTES, LAG_MILLIS));
      case FLOOD -> {
        wires(target).forEach(wire -> wire.slow(NARROW_PIECE_BYTES, NARROW_MILLIS));
        int other = target == 0 ? 1 : 0;
        Provider from = cluster.instances.get(other).provider();
        floods.add(Thread.ofPlatform().daemon().name("flood").start(() -> flood(from)));
      }
      case ROUTE_CUT -> cluster.routes.get(target).cut();
      case ROUTE_ONE_WAY -> cluster.routes.get(target).cutToServer();
      case ROUTE_BREAK -> cluster.routes.get(target).closeConnections();
      case ROUTE_LAG -> cluster.routes.get(target).slow(LAG_PIECE_BYTES, LAG_MILLIS);
      case NODE_SPLIT -> cluster.routesOf(target).forEach(TcpProxy::cut);
      case NODE_KILL -> cluster.nodes.get(target).kill();
      case NODE_PAUSE -> cluster.nodes.get(target).pause();
      case PAUSE -> cluster.instances.get(target).provider().process.pause();
      case KILL -> mortal(target).kill();
      case LEAVE -> {
        if (!mortal(target).leave()) {
          failed.accept(new AssertionError(fault + " did not end with exit code 0"));
        }
      }
    }
  }

  private void end(Plan.Fault fault) {
    int target = fault.target();
    log.line("end " + fault + (fault.lossy() ? ", lossy" : ""));
    switch (fault.kind()) {
      case ISOLATE, MUTE, DEAF, REFUSE, LAG, FLOOD -> heal(wires(target), fault.lossy());
      case ROUTE_CUT, ROUTE_ONE_WAY, ROUTE_LAG ->
          heal(List.of(cluster.routes.get(target)), fault.lossy());
      case NODE_SPLIT -> heal(cluster.routesOf(target), fault.lossy());
      case NODE_KILL -> cluster.restart(target);
      case NODE_PAUSE -> cluster.nodes.get(target).resume();
      case PAUSE -> cluster.instances.get(target).provider().process.resume();
      case KILL, LEAVE -> {
        mortal(target).start();
        started.accept(mortal(target));
      }
      case BREAK, ROUTE_BREAK -> {}
    }
  }

  private static void heal(List<TcpProxy> wires, boolean lossy) {
    if (lossy) {
      wires.forEach(TcpProxy::closeConnections);
    }
    wires.forEach(TcpProxy::heal);
  }

  private List<TcpProxy> wires(int instance) {
    return cluster.instances.get(instance).wires;
  }

  private Instance mortal(int target) {
    return cluster.instances.get(Cluster.LASTING + target);
  }

  private void flood(Provider from) {
    try {
      Writer.flood(from, FLOOD_VALUES, calls);
    } catch (Throwable e) {
      failed.accept(e);
    }
  }

  private static void sleep(long millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    }
  }
}
