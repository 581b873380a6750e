package org.natskvcache.bench;

import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryType;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.Node;
import org.natskvcache.node.NodeSettings;
import org.natskvcache.node.Time;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;
import org.natskvcache.store.Limits;

/**
 * What an entry takes in memory, beside Redis ({@code redis-server} on the PATH) with the same
 * data: keys and members of 16 bytes, values and items of 64, counters after one increment.
 *
 * <p>Here: live heap after full collections, less that before, in a new JVM for each row, started
 * with the flags of the executable. There: {@code used_memory}, less that before, of a new server
 * without persistence. A last column says what a replicated instance has besides: its log of recent
 * mutations, which is bounded, see {@link Limits#ringBytesMax()}.
 */
final class MemoryBench {
  private static final int[] COUNTS =
      Smoke.ON ? new int[] {20_000} : new int[] {100_000, 1_000_000};

  /** As in {@code self-contained.sh}. */
  private static final List<String> FLAGS =
      List.of("-XX:+UseSerialGC", "-XX:+UseCompactObjectHeaders");

  private static final Time NOW = new Time(1_750_000_000_000L, 1);
  private static final String COLLECTION = "the one collection";

  /** What is filled with entries. */
  private enum Kind {
    STRINGS {
      @Override
      Command command(int i) {
        return new Command.Set(Key.of(key(i)), Bytes.utf8(value(i)), 0);
      }

      @Override
      List<String> redis(int i) {
        return List.of("SET", key(i), value(i));
      }
    },
    COUNTERS {
      @Override
      Command command(int i) {
        return new Command.Increment(Key.of(key(i)), BY);
      }

      @Override
      List<String> redis(int i) {
        return List.of("INCRBY", key(i), Integer.toString(BY));
      }
    },
    SET_MEMBERS {
      @Override
      Command command(int i) {
        return new Command.SetAdd(Key.of(COLLECTION), Bytes.utf8(key(i)));
      }

      @Override
      List<String> redis(int i) {
        return List.of("SADD", COLLECTION, key(i));
      }
    },
    LIST_ITEMS {
      @Override
      Command command(int i) {
        return new Command.ListAdd(Key.of(COLLECTION), Bytes.utf8(value(i)));
      }

      @Override
      List<String> redis(int i) {
        return List.of("RPUSH", COLLECTION, value(i));
      }
    };

    /** Beyond the integers that Redis shares between keys. */
    private static final int BY = 1_000_000;

    abstract Command command(int i);

    abstract List<String> redis(int i);

    private static String key(int i) {
      return "%016d".formatted(i);
    }

    /** No number: Redis would store that as one. */
    private static String value(int i) {
      return "%064x".formatted(i).replace("0", "v");
    }
  }

  private MemoryBench() {}

  public static void main(String[] args) throws Exception {
    if (args.length == 3) {
      fill(Kind.valueOf(args[0]), Integer.parseInt(args[1]), Boolean.parseBoolean(args[2]));
      return;
    }
    System.out.printf(
        "%-12s %10s %10s %10s %8s %10s%n", "", "entries", "here B", "Redis B", "ratio", "log MiB");
    for (Kind kind : Kind.values()) {
      for (int count : COUNTS) {
        long here = heap(kind, count, false);
        long replicated = heap(kind, count, true);
        long there = redis(kind, count);
        System.out.printf(
            Locale.ROOT,
            "%-12s %10d %10.1f %10.1f %8.2f %10.1f%n",
            kind.name().toLowerCase(Locale.ROOT),
            count,
            (double) here / count,
            (double) there / count,
            (double) here / there,
            (replicated - here) / 1048576.0);
      }
    }
  }

  // ---------------------------------------------------------------- here

  private static long heap(Kind kind, int count, boolean replicated) throws Exception {
    List<String> line = new ArrayList<>(List.of(java()));
    line.addAll(FLAGS);
    line.addAll(List.of("-classpath", System.getProperty("java.class.path")));
    line.addAll(List.of(MemoryBench.class.getName(), kind.name()));
    line.addAll(List.of(Integer.toString(count), Boolean.toString(replicated)));
    Process process =
        new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) throw new IllegalStateException("the JVM to measure ended early");
    return Long.parseLong(printed.strip());
  }

  private static String java() {
    return ProcessHandle.current().info().command().orElseThrow();
  }

  private static void fill(Kind kind, int count, boolean replicated) {
    run(kind, 10_000, replicated); // so that classes loaded on the way do not count
    long before = usedBytes();
    Node node = run(kind, count, replicated);
    long after = usedBytes();
    if (node.alarm() != null) throw new IllegalStateException(node.alarm());
    System.out.println(after - before);
  }

  private static Node run(Kind kind, int count, boolean replicated) {
    NodeSettings settings =
        replicated
            ? NodeSettings.replicated(Limits.DEFAULTS, 1_000)
            : NodeSettings.standalone(Limits.DEFAULTS);
    OriginId id = OriginId.of(NOW.wallMillis(), 0, 1);
    Node node = new Node(settings, id, new SplittableRandom(1), NOW);
    for (int i = 0; i < count; i++) {
      node.call(kind.command(i), NOW);
      node.flush();
      node.takeEffects();
    }
    return node;
  }

  /**
   * What the collector left: what is used since contains whole buffers that threads allocate from.
   * The serial collector leaves some dead objects where they are, but for every fourth time.
   */
  private static long usedBytes() {
    for (int i = 0; i < 4; i++) System.gc();
    return ManagementFactory.getMemoryPoolMXBeans().stream()
        .filter(pool -> pool.getType() == MemoryType.HEAP)
        .mapToLong(pool -> pool.getCollectionUsage().getUsed())
        .sum();
  }

  // ---------------------------------------------------------------- there

  private static long redis(Kind kind, int count) throws Exception {
    int port;
    try (var free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = free.getLocalPort();
    }
    Process server =
        new ProcessBuilder(
                "redis-server",
                "--bind",
                "127.0.0.1",
                "--port",
                Integer.toString(port),
                "--save",
                "",
                "--appendonly",
                "no")
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (var connection = connect(server, port);
        var out = new BufferedOutputStream(connection.getOutputStream(), 1 << 16);
        var in =
            new BufferedReader(
                new InputStreamReader(connection.getInputStream(), StandardCharsets.UTF_8))) {
      long before = usedMemory(out, in);
      for (int i = 0; i < count; ) {
        int until = Math.min(count, i + 1_000);
        int sent = until - i;
        for (; i < until; i++) send(out, kind.redis(i));
        out.flush();
        for (int n = 0; n < sent; n++) {
          String answer = in.readLine();
          if (answer.startsWith("-")) throw new IOException("Redis says " + answer);
        }
      }
      return usedMemory(out, in) - before;
    } finally {
      server.destroy();
      server.waitFor();
    }
  }

  private static Socket connect(Process server, int port) throws Exception {
    while (true) {
      try {
        return new Socket(InetAddress.getLoopbackAddress(), port);
      } catch (IOException notYet) {
        if (!server.isAlive()) throw new IllegalStateException("redis-server ended", notYet);
        Thread.sleep(20);
      }
    }
  }

  private static void send(OutputStream out, List<String> words) throws IOException {
    var text = new StringBuilder("*").append(words.size()).append("\r\n");
    for (String word : words) {
      text.append('$').append(word.length()).append("\r\n").append(word).append("\r\n");
    }
    out.write(text.toString().getBytes(StandardCharsets.US_ASCII));
  }

  /** Once the table is no longer being moved to a larger one, which Redis does bit by bit. */
  private static long usedMemory(OutputStream out, BufferedReader in) throws Exception {
    long before;
    long now = 0;
    do {
      Thread.sleep(500);
      before = now;
      now = usedMemoryNow(out, in);
    } while (now != before);
    return now;
  }

  private static long usedMemoryNow(OutputStream out, BufferedReader in) throws IOException {
    send(out, List.of("INFO", "memory"));
    out.flush();
    long used = -1;
    for (int left = Integer.parseInt(in.readLine().substring(1)) + 2; left > 0; ) {
      String line = in.readLine();
      left -= line.length() + 2;
      if (line.startsWith("used_memory:")) used = Long.parseLong(line.substring(12));
    }
    return used;
  }
}
