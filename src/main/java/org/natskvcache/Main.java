package org.natskvcache;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.natskvcache.cli.Cli;
import org.natskvcache.cli.Commands;
import org.natskvcache.cli.ExitCode;
import org.natskvcache.cli.LinkOptions;
import org.natskvcache.cli.LogLevel;
import org.natskvcache.cli.Logging;
import org.natskvcache.cli.ServeOptions;
import org.natskvcache.cli.ShellOptions;
import org.natskvcache.cli.StandardInput;
import org.natskvcache.cli.shell.Shell;
import org.natskvcache.cli.shell.ShellSession;
import org.natskvcache.nats.ConnectionSettings;
import org.natskvcache.nats.Lattice;
import org.natskvcache.nats.ReplicatedCaches;
import org.natskvcache.nats.WasmbusDoor;
import org.natskvcache.node.Replica;
import org.natskvcache.provider.HostData;
import org.natskvcache.provider.HostDataException;
import org.natskvcache.provider.Lifecycle;
import org.natskvcache.provider.LinkDecision;
import org.natskvcache.provider.LinkTable;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.provider.SettingKey;
import org.natskvcache.rpc.LinkDefinition;
import org.natskvcache.rpc.wasmbus.InvocationChecks;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Entry point: builds the objects of the job asked for, in start order, and closes them in reverse.
 */
public final class Main implements Commands {
  /**
   * Who uses the caches that {@code serve} and {@code shell} open: no public key, so no invocation
   * can claim it.
   */
  private static final String OPERATOR = "operator";

  private static final long STOP_MILLIS_MAX = 250;

  private final PrintWriter out;
  private final PrintWriter err;
  private final Map<String, String> environment;

  private Main(PrintWriter out, PrintWriter err, Map<String, String> environment) {
    this.out = out;
    this.err = err;
    this.environment = environment;
  }

  /** Ends the process with one of the {@link ExitCode}s. */
  public static void main(String[] args) {
    Thread.setDefaultUncaughtExceptionHandler(Main::die);
    PrintWriter out = writer(FileDescriptor.out);
    PrintWriter err = writer(FileDescriptor.err);
    var main = new Main(out, err, System.getenv());
    int code = new Cli(main, out, err, System.getenv(), StandardInput::isTerminal).run(args);
    out.flush();
    err.flush();
    System.exit(code);
  }

  /** A bug of ours: what a broken process would still do is worse than its end. */
  private static void die(Thread thread, Throwable broken) {
    LoggerFactory.getLogger(Main.class)
        .error("stopping after a failure thread={}", thread.getName(), broken);
    Runtime.getRuntime().halt(ExitCode.FAILED);
  }

  /**
   * UTF-8 whatever the locale: a host starts us with an empty environment, which means ASCII to the
   * JDK.
   */
  private static PrintWriter writer(FileDescriptor descriptor) {
    return new PrintWriter(
        new OutputStreamWriter(new FileOutputStream(descriptor), StandardCharsets.UTF_8));
  }

  @Override
  public int provider() {
    HostData host;
    try {
      host = HostData.read(System.in).checkedForStart();
    } catch (HostDataException e) {
      return failed(String.valueOf(e.getMessage()));
    }
    LogLevel level = LogLevel.choose(null, host.logLevel(), environment.get("RUST_LOG"));
    Logging.configure(level, host.structuredLogging());
    var identity =
        new WasmbusDoor.Identity(
            host.lattice(),
            host.providerKey(),
            host.linkName(),
            host.hostId(),
            host.clusterIssuers());
    ConnectionSettings connection =
        ReplicatedCaches.connection(host.latticeServers(), host.userJwt(), host.userSeed());
    var defaults =
        LinkValues.layered(List.of(LinkValues.of(host.config()), LinkValues.of(environment)));
    var caches = new ReplicatedCaches();
    var linked = new LinkedCaches(new LinkTable(defaults), caches);
    return run(connection, List.of(new Lattice.Entrance(identity, host.links())), caches, linked);
  }

  @Override
  public int serve(ServeOptions options) {
    configureLogging(options.logging().level(), LogLevel.INFO, options.logging().structured());
    var defaults = defaults(options.natsUrl());
    var caches = new ReplicatedCaches();
    var linked = new LinkedCaches(new LinkTable(defaults), caches);
    List<Lattice.Entrance> entrances = new ArrayList<>();
    for (LinkOptions link : options.links()) {
      String refusal = open(linked, link);
      if (refusal != null) return failed(refusal);
      List<LinkDefinition> actors = new ArrayList<>();
      for (String actor : options.actors()) {
        actors.add(
            new LinkDefinition(
                actor, options.providerId(), link.name(), "wasmcloud:keyvalue", link.config()));
      }
      var identity =
          new WasmbusDoor.Identity(
              options.lattice(),
              options.providerId(),
              link.name(),
              "",
              Set.copyOf(options.clusterIssuers()));
      entrances.add(new Lattice.Entrance(identity, actors));
    }
    ConnectionSettings connection;
    try {
      connection =
          ConnectionSettings.of(options.natsUrl())
              .withCredentials(
                  value(defaults, SettingKey.CLIENT_JWT), value(defaults, SettingKey.CLIENT_SEED))
              .withTls(
                  path(defaults, SettingKey.NATS_CA_FILE),
                  path(defaults, SettingKey.NATS_CERT_FILE),
                  path(defaults, SettingKey.NATS_KEY_FILE));
    } catch (IllegalArgumentException e) {
      return failed(String.valueOf(e.getMessage()));
    }
    return run(connection, entrances, caches, linked);
  }

  @Override
  public int shell(ShellOptions options) {
    configureLogging(options.logging().level(), LogLevel.WARN, options.logging().structured());
    try (var caches = new ReplicatedCaches()) {
      var linked = new LinkedCaches(new LinkTable(defaults(options.natsUrl())), caches);
      for (LinkOptions link : options.links()) {
        String refusal = open(linked, link);
        if (refusal != null) return failed(refusal);
      }
      Runtime.getRuntime().addShutdownHook(new Thread(caches::close, "stop"));
      var shell = new Shell(new Session(options.links(), linked), out, err);
      return StandardInput.isTerminal() ? shell.prompt() : shell.script(System.in);
    }
  }

  /** The shell's view of the caches. */
  private record Session(List<LinkOptions> options, LinkedCaches linked) implements ShellSession {
    @Override
    public List<String> links() {
      return options.stream().map(LinkOptions::name).toList();
    }

    @Override
    public Replica cache(String link) {
      LinkedCaches.Route route = linked.route(OPERATOR, link);
      if (route == null) throw new IllegalStateException("no cache for link " + link);
      return route.replica();
    }
  }

  private void configureLogging(@Nullable LogLevel flag, LogLevel usual, boolean structured) {
    String rustLog = environment.get("RUST_LOG");
    LogLevel level = flag == null && rustLog == null ? usual : LogLevel.choose(flag, null, rustLog);
    Logging.configure(level, structured);
  }

  /** What counts where a link sets nothing. */
  private LinkValues defaults(@Nullable String natsUrl) {
    Map<String, String> flags =
        natsUrl == null ? Map.of() : Map.of(SettingKey.NATS_URL.name(), natsUrl);
    return LinkValues.layered(List.of(LinkValues.of(environment), LinkValues.of(flags)));
  }

  private static @Nullable String value(LinkValues values, SettingKey key) {
    return values.value(key).orElse(null);
  }

  private static @Nullable Path path(LinkValues values, SettingKey key) {
    return values.value(key).map(Path::of).orElse(null);
  }

  /** Opens the cache of a link for whoever started us; null, or why it is refused. */
  private static @Nullable String open(LinkedCaches linked, LinkOptions link) {
    LinkDecision decision = linked.put(OPERATOR, link.name(), LinkValues.of(link.config()));
    return decision instanceof LinkDecision.Refused(String reason)
        ? "link " + link.name() + ": " + reason
        : null;
  }

  private int failed(String reason) {
    err.println("nats-kvcache: " + reason);
    return ExitCode.FAILED;
  }

  /** Serves until a host or a signal says stop; signals end in exit code 0 too. */
  private int run(
      ConnectionSettings connection,
      List<Lattice.Entrance> entrances,
      ReplicatedCaches caches,
      LinkedCaches linked) {
    Thread.startVirtualThread(InvocationChecks::prepare); // while NATS is being connected to
    Logger log = LoggerFactory.getLogger(Main.class);
    var lifecycle = new Lifecycle();
    Lattice lattice;
    try {
      lattice = new Lattice(connection, entrances, linked, lifecycle, caches::close);
    } catch (IllegalArgumentException e) {
      return failed(String.valueOf(e.getMessage()));
    }
    log.info(
        "event=started version={} servers={} links={}",
        org.natskvcache.cli.Version.text(),
        connection.redacted(),
        entrances.size());
    var hook = new Thread(() -> stopBySignal(log, lifecycle, lattice, caches), "stop");
    Runtime.getRuntime().addShutdownHook(hook);
    lattice.stopped().join();
    lattice.close();
    log.info("event=stopped");
    return ExitCode.OK;
  }

  /**
   * Runs while the JVM shuts down, whatever began that; a stop by the host may be under way or
   * over.
   */
  private static void stopBySignal(
      Logger log, Lifecycle lifecycle, Lattice lattice, ReplicatedCaches caches) {
    if (lifecycle.enter(Lifecycle.Phase.STOPPING)) {
      log.info("event=stopping cause=signal");
      lattice.stopCalls();
      caches.close();
      lattice.close();
      lifecycle.enter(Lifecycle.Phase.STOPPED);
      log.info("event=stopped");
    } else {
      long end = System.nanoTime() + STOP_MILLIS_MAX * 1_000_000;
      while (lifecycle.phase() != Lifecycle.Phase.STOPPED && System.nanoTime() < end)
        Thread.onSpinWait();
    }
    Runtime.getRuntime().halt(ExitCode.OK);
  }
}
