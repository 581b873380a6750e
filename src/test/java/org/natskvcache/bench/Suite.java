package org.natskvcache.bench;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.natskvcache.Main;
import org.natskvcache.NatsForTests;
import org.natskvcache.cli.BenchOperation;
import org.natskvcache.cli.BenchOptions;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.SigningKey;
import org.natskvcache.rpc.wasmbus.InvocationSigner;
import org.natskvcache.store.Bytes;

/**
 * What a call costs, side by side: the provider and its stand-ins, each a process of its own,
 * called with the same bytes by the same client through nats-server on loopback, in turns. Leaves
 * {@code bench.json}, {@code bench.md} and {@code bench.svg}. {@code docs/benchmarks.md} has the
 * method.
 */
final class Suite {
  static final int[] SIZES = {64, 4096};
  private static final String LATTICE = "bench";
  private static final String WRPC_ID = "kv";

  /** Only started: its calls cost what those of the replicated one do. */
  private static final String STANDALONE = "nats-kvcache, standalone";

  private static final String STANDALONE_ID = "kv-standalone";
  private static final int KEYS = 1_000;

  /** A row of figures: medians of the turns. */
  record Row(
      String door,
      BenchOperation operation,
      int valueBytes,
      int inFlight,
      String responder,
      Spread callsPerSecond,
      Spread p50Micros,
      Spread p99Micros,
      Spread cpuMicros,
      Spread ratioToEcho,
      long failed) {}

  /** How long; from system properties. */
  record Settings(
      double seconds, double warmUpSeconds, int turns, Duration idle, int[] windows, int[] sizes) {
    static final Settings SMOKE =
        new Settings(0.2, 0.1, 1, Duration.ofMillis(100), new int[] {16}, new int[] {64});

    static Settings ofProperties() {
      if (Boolean.getBoolean("bench.smoke")) return SMOKE;
      double seconds = Double.parseDouble(System.getProperty("bench.seconds", "2"));
      int turns = Integer.getInteger("bench.turns", 5);
      return new Settings(
          seconds, seconds / 2, turns, Duration.ofSeconds(3), new int[] {1, 16, 256}, SIZES);
    }
  }

  private final Settings settings;
  private final NatsForTests nats;
  private final SigningKey cluster =
      new SigningKey(new Nkey.Seed(Nkey.Role.CLUSTER, new Bytes(new byte[32])));
  private final String wasmbusId = Nkey.random(Nkey.Role.SERVICE).text();
  private final List<Process> servers = new ArrayList<>();
  private final List<Row> rows = new ArrayList<>();

  private Suite(Settings settings, NatsForTests nats) {
    this.settings = settings;
    this.nats = nats;
  }

  public static void main(String[] args) throws Exception {
    Path folder = Path.of(System.getProperty("bench.out", "target"));
    System.out.println(run(Settings.ofProperties(), folder));
  }

  /** Measures all, writes the three files, and returns the tables. */
  static String run(Settings settings, Path folder) throws Exception {
    try (NatsForTests nats = NatsForTests.startWithJetStream()) {
      Suite suite = new Suite(settings, nats);
      List<Responder> all = new ArrayList<>();
      try {
        List<Responder> wrpc = suite.wrpcResponders(all);
        suite.measureWrpc(wrpc);
        List<Responder> wasmbus = suite.wasmbusResponders(all);
        suite.measure(BenchOptions.Door.WASMBUS, BenchOperation.GET, SIZES[0], wasmbus);
        var report = new SuiteReport(settings, suite.rows, all);
        Files.createDirectories(folder);
        Files.writeString(folder.resolve("bench.json"), report.json());
        Files.writeString(folder.resolve("bench.svg"), report.svg());
        String tables = report.markdown();
        Files.writeString(folder.resolve("bench.md"), tables);
        return tables;
      } finally {
        for (Responder responder : all) Responder.end(responder.process());
        for (Process server : suite.servers) Responder.end(server);
      }
    }
  }

  private List<Responder> wrpcResponders(List<Responder> all) throws Exception {
    String url = nats.url();
    String prefix = LATTICE + "." + WRPC_ID;
    add(all, "nats-kvcache", false, provider(), wrpcHostData(WRPC_ID, nats.url()));
    add(all, "echo, raw wire", true, standIn("wire", url, prefix + "-wire"), "");
    add(all, "echo, jnats", true, standIn("jnats", url, prefix + "-jnats"), "");
    Optional<String> redis = startRedis();
    if (redis.isPresent()) {
      add(all, "Redis 7", false, standIn("redis", url, prefix + "-redis", redis.get()), "");
    } else {
      System.err.println("bench: no redis-server found, so nothing is compared with it");
    }
    add(all, "JetStream KV", false, standIn("jetstream", url, prefix + "-jetstream"), "");
    List<Responder> measured = List.copyOf(all);
    add(all, STANDALONE, false, provider(), wrpcHostData(STANDALONE_ID, ""));
    return measured;
  }

  private void add(
      List<Responder> all, String label, boolean sized, List<String> command, String stdin)
      throws IOException, InterruptedException {
    System.err.println("bench: starting " + label);
    BenchOptions options =
        options(BenchOptions.Door.WRPC, BenchOperation.GET, SIZES[0], 1, label, sized);
    Contract contract = Load.contract(options, options.targets().getFirst(), null);
    all.add(start(label, sized, command, stdin, contract));
  }

  private Responder start(
      String label, boolean sized, List<String> command, String stdin, Contract contract)
      throws IOException, InterruptedException {
    return Responder.start(
        label, sized, command, stdin, nats.url(), contract, settings.turns, settings.idle);
  }

  private List<Responder> wasmbusResponders(List<Responder> all) throws Exception {
    String issuer = cluster.publicKey().text();
    String subject = "wasmbus.rpc." + LATTICE + "." + wasmbusId + ".";
    List<Responder> responders = new ArrayList<>();
    for (String label : List.of("nats-kvcache, claims", "echo, claims")) {
      boolean ours = label.startsWith("nats-kvcache");
      List<String> command =
          ours ? provider() : standIn("claims", nats.url(), subject + "echo", issuer);
      BenchOptions options =
          options(BenchOptions.Door.WASMBUS, BenchOperation.GET, SIZES[0], 1, label, false);
      Contract contract = Load.contract(options, options.targets().getFirst(), cluster);
      System.err.println("bench: starting " + label);
      responders.add(start(label, false, command, ours ? wasmbusHostData() : "", contract));
      all.add(responders.getLast());
    }
    return responders;
  }

  private static List<String> standIn(String... args) {
    return Responder.java(StandIn.class, args);
  }

  /** The built executable; where there is none, its classes. */
  private static List<String> provider() {
    Path built = Path.of(System.getProperty("kvcache.executable", "target/nats-kvcache"));
    return Files.isExecutable(built)
        ? List.of(built.toAbsolutePath().toString())
        : Responder.java(Main.class);
  }

  /**
   * @param replication NATS to replicate over; empty for none
   */
  private String wrpcHostData(String id, String replication) {
    return hostData(
        """
        {"host_id":"N","lattice_rpc_prefix":"bench","link_name":"default","provider_key":"%s",\
        "lattice_rpc_url":"%s","env_values":{},"config":{},"link_definitions":[{"source_id":"bench",\
        "target":"%s","name":"default","wit_namespace":"wasi","wit_package":"keyvalue",\
        "interfaces":["store"],"target_config":{"NATS_URL":"%s"}}]}\
        """
            .formatted(id, nats.url(), id, replication));
  }

  private String wasmbusHostData() {
    return hostData(
        """
        {"host_id":"N","lattice_rpc_prefix":"bench","link_name":"default","provider_key":"%s",\
        "lattice_rpc_url":"%s","cluster_issuers":["%s"],"invocation_seed":"","env_values":{},\
        "link_definitions":[{"actor_id":"%s","provider_id":"%s","link_name":"default",\
        "contract_id":"wasmcloud:keyvalue","values":{"NATS_URL":"%s"}}]}\
        """
            .formatted(
                wasmbusId,
                nats.url(),
                cluster.publicKey().text(),
                InvocationSigner.actor(cluster),
                wasmbusId,
                nats.url()));
  }

  private static String hostData(String json) {
    return Base64.getEncoder().encodeToString(json.getBytes(StandardCharsets.UTF_8)) + "\n";
  }

  private Optional<String> startRedis() throws Exception {
    Optional<Path> program =
        Stream.of(System.getenv().getOrDefault("PATH", "").split(":"))
            .map(folder -> Path.of(folder, "redis-server"))
            .filter(Files::isExecutable)
            .findFirst();
    if (program.isEmpty()) return Optional.empty();
    int port = NatsForTests.freePort();
    servers.add(
        Responder.process(
            List.of(
                program.get().toString(),
                "--port",
                "" + port,
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no"),
            ""));
    for (int i = 0; i < 1_000; i++) {
      try (Socket _ = new Socket(InetAddress.getLoopbackAddress(), port)) {
        return Optional.of("redis://127.0.0.1:" + port);
      } catch (IOException e) {
        Thread.sleep(10);
      }
    }
    throw new IOException("redis-server does not listen");
  }

  private void measureWrpc(List<Responder> responders) throws Exception {
    for (int size : settings.sizes) {
      measure(BenchOptions.Door.WRPC, BenchOperation.GET, size, responders);
      measure(BenchOptions.Door.WRPC, BenchOperation.SET, size, responders);
    }
    measure(BenchOptions.Door.WRPC, BenchOperation.INCREMENT, SIZES[0], responders);
  }

  private void measure(
      BenchOptions.Door door, BenchOperation operation, int size, List<Responder> responders)
      throws Exception {
    for (int window : settings.windows) {
      System.err.println("bench: " + door + " " + operation + " " + size + " B, " + window);
      List<List<Load.Result>> turns = new ArrayList<>();
      for (Responder responder : responders) turns.add(new ArrayList<>());
      for (int turn = 0; turn < settings.turns; turn++) {
        for (int i = 0; i < responders.size(); i++) {
          boolean first = turn == 0;
          turns.get(i).add(turn(door, operation, size, window, responders.get(i), first));
        }
      }
      int echo = responders.size() == 2 ? 1 : 2;
      for (int i = 0; i < responders.size(); i++) {
        rows.add(
            row(door, operation, size, window, responders.get(i), turns.get(i), turns.get(echo)));
      }
    }
  }

  private Load.Result turn(
      BenchOptions.Door door,
      BenchOperation operation,
      int size,
      int window,
      Responder responder,
      boolean first)
      throws Exception {
    BenchOptions options =
        options(door, operation, size, window, responder.label(), responder.sized());
    BenchOptions.Target target = options.targets().getFirst();
    SigningKey signer = door == BenchOptions.Door.WASMBUS ? cluster : null;
    try (Load load = new Load(nats.url(), Access.OPEN, Load.contract(options, target, signer), 1)) {
      if (first) {
        String trouble = load.fill(KEYS, 5_000).trouble();
        if (!trouble.isEmpty()) throw new IOException(responder.label() + ": " + trouble);
      }
      return load.run(options, responder::cpuNanos, ignored -> {});
    }
  }

  private static Row row(
      BenchOptions.Door door,
      BenchOperation operation,
      int size,
      int window,
      Responder responder,
      List<Load.Result> turns,
      List<Load.Result> echo) {
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < turns.size(); i++) {
      ratios.add(turns.get(i).callsPerSecond() / echo.get(i).callsPerSecond());
    }
    return new Row(
        door.name().toLowerCase(Locale.ROOT),
        operation,
        size,
        window,
        responder.label(),
        spread(turns, Load.Result::callsPerSecond),
        spread(turns, turn -> turn.tally().all().getValueAtPercentile(50) / 1e3),
        spread(turns, turn -> turn.tally().all().getValueAtPercentile(99) / 1e3),
        spread(turns, turn -> turn.cpuNanos() / 1e3 / turn.tally().answered()),
        Spread.of(ratios),
        turns.stream().mapToLong(t -> t.tally().failed() + t.tally().warmUpFailures).sum());
  }

  private static Spread spread(List<Load.Result> turns, ToDoubleFunction<Load.Result> figure) {
    return Spread.of(turns.stream().mapToDouble(figure).boxed().toList());
  }

  private BenchOptions options(
      BenchOptions.Door door,
      BenchOperation operation,
      int size,
      int window,
      String label,
      boolean sized) {
    boolean wasmbus = door == BenchOptions.Door.WASMBUS;
    String id =
        switch (label) {
          case "echo, raw wire" -> WRPC_ID + "-wire";
          case "echo, jnats" -> WRPC_ID + "-jnats";
          case "Redis 7" -> WRPC_ID + "-redis";
          case "JetStream KV" -> WRPC_ID + "-jetstream";
          case STANDALONE -> STANDALONE_ID;
          default -> wasmbus ? wasmbusId : WRPC_ID;
        };
    return new BenchOptions(
        door,
        List.of(new BenchOptions.Target(nats.url(), LATTICE, sized ? id + "-" + size : id)),
        label.equals("echo, claims") ? "echo" : "default",
        "bench",
        Map.of(operation, 1),
        size,
        KEYS,
        false,
        1,
        window,
        0,
        settings.warmUpSeconds,
        settings.seconds,
        0,
        1,
        5_000,
        new BenchOptions.Login(null, null, null, null),
        null,
        false);
  }
}
