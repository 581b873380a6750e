package org.natskvcache;

import java.io.Console;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.natskvcache.archive.ArchiveClaims;
import org.natskvcache.archive.ProviderArchive;
import org.natskvcache.archive.SeedFile;
import org.natskvcache.bench.Access;
import org.natskvcache.bench.BenchCommand;
import org.natskvcache.cli.BenchOptions;
import org.natskvcache.cli.Cli;
import org.natskvcache.cli.Commands;
import org.natskvcache.cli.DoctorOptions;
import org.natskvcache.cli.ExitCode;
import org.natskvcache.cli.KeyOptions;
import org.natskvcache.cli.LinkOptions;
import org.natskvcache.cli.LogLevel;
import org.natskvcache.cli.Logging;
import org.natskvcache.cli.ParOptions;
import org.natskvcache.cli.ServeOptions;
import org.natskvcache.cli.ShellOptions;
import org.natskvcache.cli.SimOptions;
import org.natskvcache.cli.StandardInput;
import org.natskvcache.cli.Version;
import org.natskvcache.cli.doctor.DoctorReport;
import org.natskvcache.cli.shell.Shell;
import org.natskvcache.cli.shell.ShellSession;
import org.natskvcache.metrics.Failures;
import org.natskvcache.nats.ConnectionSettings;
import org.natskvcache.nats.Lattice;
import org.natskvcache.nats.Observer;
import org.natskvcache.nats.ReplicatedCaches;
import org.natskvcache.nats.WasmbusDoor;
import org.natskvcache.nats.WrpcDoor;
import org.natskvcache.node.Diagnosis;
import org.natskvcache.node.Replica;
import org.natskvcache.proof.SimulationCommand;
import org.natskvcache.provider.HostData;
import org.natskvcache.provider.HostDataException;
import org.natskvcache.provider.InvalidSetting;
import org.natskvcache.provider.Lifecycle;
import org.natskvcache.provider.LinkDecision;
import org.natskvcache.provider.LinkId;
import org.natskvcache.provider.LinkSettings;
import org.natskvcache.provider.LinkTable;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.provider.Place;
import org.natskvcache.provider.ProcessSettings;
import org.natskvcache.provider.SettingKey;
import org.natskvcache.provider.SettingOrder;
import org.natskvcache.rpc.LinkDefinition;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.SigningKey;
import org.natskvcache.rpc.wasmbus.InvocationChecks;
import org.natskvcache.rpc.wrpc.InterfaceLink;
import org.natskvcache.rpc.wrpc.LinkSecrets;
import org.natskvcache.telemetry.ExportSettings;
import org.natskvcache.telemetry.Telemetry;
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

  /** Where the launcher says which file it is. */
  private static final String EXECUTABLE_PROPERTY = "nats-kvcache.executable";

  /** Where the launcher says which folder it unpacked into. */
  private static final String UNPACKED_PROPERTY = "nats-kvcache.unpacked";

  private final PrintWriter out;
  private final PrintWriter err;
  private final Map<String, String> environment;

  Main(PrintWriter out, PrintWriter err, Map<String, String> environment) {
    this.out = out;
    this.err = err;
    this.environment = environment;
  }

  /** Ends the process with one of the {@link ExitCode}s. */
  public static void main(String[] args) {
    // Whatever must go on is guarded by itself; a thread that ends so carried nothing else.
    Thread.setDefaultUncaughtExceptionHandler((thread, e) -> Failures.caught("thread", e));
    PrintWriter out = writer(FileDescriptor.out);
    PrintWriter err = writer(FileDescriptor.err);
    var main = new Main(out, err, System.getenv());
    int code = ExitCode.FAILED;
    try {
      code = new Cli(main, out, err, System.getenv(), StandardInput::isTerminal).run(args);
    } catch (Throwable failure) {
      Failures.caught("main", failure);
    }
    out.flush();
    err.flush();
    System.exit(code);
  }

  /** A replica is broken, and has said so: what it would still do is worse than its end. */
  private static void end(Throwable broken) {
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
    ConnectionSettings connection =
        ReplicatedCaches.connection(host.latticeServers(), host.userJwt(), host.userSeed());
    var running =
        new Running(
            defaults(host, host.config()),
            ExportSettings.of(
                host.contract() instanceof HostData.Contract.Wrpc wrpc ? wrpc.otel() : null,
                environment),
            identity(host.lattice(), host.providerKey(), host.hostId()));
    host.malformedLinks().forEach(running::tell);
    Lattice.Entrance entrance =
        switch (host.contract()) {
          case HostData.Contract.Wasmbus wasmbus ->
              running.wasmbus(
                  new WasmbusDoor.Identity(
                      host.lattice(),
                      host.providerKey(),
                      wasmbus.linkName(),
                      host.hostId(),
                      wasmbus.hostNamesItself(),
                      wasmbus.clusterIssuers(),
                      wasmbus.jetStreamDomain()),
                  wasmbus.links());
          case HostData.Contract.Wrpc wrpc ->
              running.wrpc(
                  new WrpcDoor.Identity(
                      host.lattice(), host.providerKey(), host.hostId(), secrets(wrpc)),
                  wrpc.links(),
                  config -> defaults(host, config));
        };
    return run(connection, List.of(entrance), running);
  }

  private static @Nullable LinkSecrets secrets(HostData.Contract.Wrpc host) {
    return host.hostXkey().isEmpty()
        ? null
        : LinkSecrets.of(host.hostXkey(), host.providerXkeySeed());
  }

  /** What tells the traces and metrics of this process from those of others. */
  private static Map<String, String> identity(String lattice, String providerId, String hostId) {
    return Map.of(
        "service.version",
        Version.text(),
        "wasmcloud.lattice",
        lattice,
        "wasmcloud.provider.id",
        providerId,
        "wasmcloud.host.id",
        hostId);
  }

  /** What counts where a link sets nothing, under a host. */
  private LinkValues defaults(HostData host, Map<String, String> config) {
    return SettingOrder.ofProvider(host.secrets(), config, environment);
  }

  /** What all doors of the process share. */
  private static final class Running {
    private final ReplicatedCaches caches = new ReplicatedCaches(Main::end);
    private final Lifecycle lifecycle = new Lifecycle();
    private final LinkedCaches linked;
    private final Telemetry telemetry;

    Running(LinkValues defaults, ExportSettings export, Map<String, String> identity) {
      linked = new LinkedCaches(new LinkTable(defaults), caches);
      telemetry = Telemetry.start(export, identity, caches::statuses);
    }

    /** Makes a problem known that only another start can put right. */
    void tell(String problem) {
      linked.problems().set(problem, problem);
      LoggerFactory.getLogger(Main.class).warn("event=malformed_host_data problem=\"{}\"", problem);
    }

    /** Leaves the peers while the last traces and metrics are sent; 100 ms at most. */
    void cleanUp() {
      telemetry.flush();
      caches.close();
      telemetry.close();
    }

    Lattice.Entrance wasmbus(WasmbusDoor.Identity identity, List<LinkDefinition> links) {
      Thread.startVirtualThread(InvocationChecks::prepare); // while NATS is being connected to
      return connection ->
          new WasmbusDoor(
              connection,
              identity,
              links,
              linked,
              () -> System.currentTimeMillis() / 1_000,
              lifecycle,
              this::cleanUp);
    }

    Lattice.Entrance wrpc(
        WrpcDoor.Identity identity,
        List<InterfaceLink> links,
        Function<Map<String, String>, LinkValues> defaults) {
      return connection ->
          new WrpcDoor(
              connection,
              identity,
              links,
              linked,
              defaults,
              lifecycle,
              this::cleanUp,
              telemetry::tracing);
    }
  }

  @Override
  public int serve(ServeOptions options) {
    configureLogging(options.logging().level(), LogLevel.INFO, options.logging().structured());
    var defaults = SettingOrder.ofServe(options.natsUrl(), environment, Map.of());
    LinkSettings lattice;
    switch (LinkSettings.parse(defaults, "default")) {
      case LinkSettings.Parsed.Valid(var settings) -> lattice = settings;
      case LinkSettings.Parsed.Invalid(var problem) -> {
        return failed(problem.toString());
      }
    }
    List<InvalidSetting> wrong = ProcessSettings.of(defaults).problems();
    if (!wrong.isEmpty()) return failed(wrong.getFirst().toString());
    var running =
        new Running(
            defaults,
            ExportSettings.of(null, environment),
            identity(options.lattice(), options.providerId(), ""));
    List<Lattice.Entrance> entrances = new ArrayList<>();
    List<InterfaceLink> components = new ArrayList<>();
    for (LinkOptions link : options.links()) {
      LinkValues own = SettingOrder.ofServedLink(link.config(), link.file());
      String refusal = open(running.linked, link, own, defaults);
      if (refusal != null) return failed(link, refusal);
      List<LinkDefinition> actors = new ArrayList<>();
      for (String actor : options.actors()) {
        actors.add(
            new LinkDefinition(
                actor, options.providerId(), link.name(), "wasmcloud:keyvalue", own.texts()));
      }
      var identity =
          new WasmbusDoor.Identity(
              options.lattice(),
              options.providerId(),
              link.name(),
              "",
              true,
              Set.copyOf(options.clusterIssuers()),
              "");
      entrances.add(running.wasmbus(identity, actors));
      for (String component : options.components()) {
        components.add(InterfaceLink.of(component, options.providerId(), link.name(), own.texts()));
      }
    }
    var identity = new WrpcDoor.Identity(options.lattice(), options.providerId(), "", null);
    entrances.add(
        running.wrpc(
            identity,
            components,
            config -> SettingOrder.ofServe(options.natsUrl(), environment, config)));
    return run(ReplicatedCaches.connection(lattice.cache()), entrances, running);
  }

  @Override
  public int shell(ShellOptions options) {
    configureLogging(options.logging().level(), LogLevel.WARN, options.logging().structured());
    try (var caches = new ReplicatedCaches(Main::end)) {
      caches.beGuest();
      var nothing = LinkValues.of(Map.of());
      var linked = new LinkedCaches(new LinkTable(nothing), caches);
      for (LinkOptions link : options.links()) {
        String refusal = open(linked, link, used(link, options.natsUrl()), nothing);
        if (refusal != null) return failed(link, refusal);
      }
      Runtime.getRuntime().addShutdownHook(new Thread(caches::close, "stop"));
      var shell = new Shell(new Session(options.links(), linked), out, err);
      return StandardInput.isTerminal() ? shell.prompt() : shell.script(System.in, options.alone());
    }
  }

  @Override
  public int doctor(DoctorOptions options) {
    configureLogging(options.logging().level(), LogLevel.WARN, options.logging().structured());
    boolean agree = true;
    for (LinkOptions link : options.links()) {
      try {
        Diagnosis diagnosis = examine(link, used(link, options.natsUrl()), options);
        if (diagnosis == null) {
          return failed(link, "no NATS server was reached; WARN lines above say where and why");
        }
        var report = new DoctorReport(link.name(), diagnosis);
        out.println(options.json() ? report.json() : report.text());
        out.flush();
        agree &= diagnosis.verdict() == Diagnosis.Verdict.AGREE;
      } catch (IllegalArgumentException e) {
        return failed(link, String.valueOf(e.getMessage()));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return failed(link, "interrupted");
      }
    }
    return agree ? ExitCode.OK : ExitCode.FAILED;
  }

  /**
   * Looks at all instances of a link's cache; null when no server was reached.
   *
   * @throws IllegalArgumentException when a setting or a credential cannot be used
   */
  private static @Nullable Diagnosis examine(
      LinkOptions link, LinkValues values, DoctorOptions options) throws InterruptedException {
    return switch (LinkSettings.parseToInspect(values, link.name())) {
      case LinkSettings.Parsed.Invalid(var problem) ->
          throw new IllegalArgumentException(problem.toString());
      case LinkSettings.Parsed.Valid(var settings) ->
          Observer.examine(
              link.name(),
              settings.cache(),
              options.waitMillis(),
              options.keysMax(),
              options.expected());
    };
  }

  @Override
  public int par(ParOptions options) {
    String running = System.getProperty(EXECUTABLE_PROPERTY);
    Path binary = options.binary();
    if (binary == null && running == null) {
      return failed("it is not known which file runs here: give --binary FILE");
    }
    if (binary == null) binary = Path.of(running);
    try {
      String hash = ProviderArchive.hash(binary); // no keys are made for what cannot be packed
      SigningKey issuer =
          key(
              options.issuerSeedFile(),
              Nkey.Role.ACCOUNT,
              options.keyFolder().resolve("issuer.nk"));
      SigningKey subject =
          key(
              options.subjectSeedFile(),
              Nkey.Role.SERVICE,
              options.keyFolder().resolve("subject.nk"));
      var claims =
          new ArchiveClaims(
              UUID.randomUUID().toString(),
              System.currentTimeMillis() / 1_000,
              subject.publicKey(),
              options.name(),
              options.vendor(),
              options.revision(),
              Version.text(),
              Map.of(options.target(), hash));
      ProviderArchive.write(options.out(), claims.jwt(issuer), options.target(), binary);
      out.println(
          "archive="
              + options.out()
              + " bytes="
              + Files.size(options.out())
              + " target="
              + options.target());
      out.println("issuer=" + issuer.publicKey().text());
      out.println("provider-key=" + subject.publicKey().text());
      return ExitCode.OK;
    } catch (IOException e) {
      return failed(reason(e));
    }
  }

  /** What a person needs to know; the message of many exceptions is the file alone. */
  private static String reason(IOException e) {
    return switch (e) {
      case NoSuchFileException missing -> "there is no " + missing.getFile();
      case AccessDeniedException denied -> "access to " + denied.getFile() + " is denied";
      case FileSystemException other when other.getReason() != null ->
          other.getFile() + ": " + other.getReason();
      default -> String.valueOf(e.getMessage());
    };
  }

  @Override
  public int key(KeyOptions options) {
    return new KeyCommand(out, err).run(options);
  }

  @Override
  public int sim(SimOptions options) {
    return new SimulationCommand(options, out, err, onTerminal()).run();
  }

  private static boolean onTerminal() {
    return Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
  }

  @Override
  public int bench(BenchOptions options) {
    SigningKey cluster = null;
    Access access;
    try {
      access = BenchAccess.of(options.login(), environment);
      if (options.signingKey() != null) {
        cluster = SeedFile.readOrMake(options.signingKey(), Nkey.Role.CLUSTER);
      }
    } catch (IOException e) {
      return failed(reason(e));
    }
    return new BenchCommand(options, access, cluster, out, err, onTerminal()).run();
  }

  private SigningKey key(@Nullable Path given, Nkey.Role role, Path kept) throws IOException {
    if (given != null) return SeedFile.read(given, role);
    boolean made = !Files.exists(kept);
    SigningKey key = SeedFile.readOrMake(kept, role);
    if (made) out.println("made-key=" + kept);
    return key;
  }

  /** The shell's view of the caches. */
  private record Session(List<LinkOptions> options, LinkedCaches linked) implements ShellSession {
    @Override
    public List<String> links() {
      return options.stream().map(LinkOptions::name).toList();
    }

    @Override
    public Replica cache(String link) {
      LinkedCaches.Route route = linked.route(LinkId.caller(OPERATOR, link));
      if (route == null) throw new IllegalStateException("no cache for link " + link);
      return route.replica();
    }
  }

  private void configureLogging(@Nullable LogLevel flag, LogLevel usual, boolean structured) {
    String rustLog = environment.get("RUST_LOG");
    LogLevel level = flag == null && rustLog == null ? usual : LogLevel.choose(flag, null, rustLog);
    Logging.configure(level, structured);
  }

  /** What counts for a link of {@code shell} and {@code doctor}. */
  private LinkValues used(LinkOptions link, @Nullable String natsUrl) {
    return SettingOrder.ofLinkUsed(link.config(), natsUrl, link.file(), environment);
  }

  /** Opens the cache of a link for whoever started us; null, or why it is refused. */
  private static @Nullable String open(
      LinkedCaches linked, LinkOptions link, LinkValues own, LinkValues defaults) {
    LinkDecision decision = linked.put(LinkId.caller(OPERATOR, link.name()), own);
    if (decision instanceof LinkDecision.Opened(var settings, var _)) {
      LinkValues all = LinkValues.layered(List.of(own, defaults));
      LoggerFactory.getLogger(Main.class)
          .info(
              "event=link_server link={} server={} from={}",
              link.name(),
              settings.servers().isEmpty()
                  ? "none"
                  : ReplicatedCaches.connection(settings).redacted(),
              all.place(SettingKey.NATS_URL).map(Place::text).orElse("none"));
    }
    return decision instanceof LinkDecision.Refused(String reason) ? reason : null;
  }

  private int failed(LinkOptions link, String reason) {
    return failed("link " + link.name() + ": " + reason);
  }

  private int failed(String reason) {
    err.println("nats-kvcache: " + reason);
    return ExitCode.FAILED;
  }

  /** Serves until a host or a signal says stop; signals end in exit code 0 too. */
  private int run(
      ConnectionSettings connection, List<Lattice.Entrance> entrances, Running running) {
    Logger log = LoggerFactory.getLogger(Main.class);
    Lattice lattice;
    try {
      boolean direct = !"dispatcher".equals(environment.get("CALL_THREAD"));
      lattice =
          new Lattice(connection, direct, entrances, running.lifecycle, running.linked.problems());
    } catch (IllegalArgumentException e) {
      return failed(String.valueOf(e.getMessage()));
    }
    log.info(
        "event=started version={} servers={} doors={}",
        Version.text(),
        connection.redacted(),
        entrances.size());
    new SignalStop(running.lifecycle, lattice, running::cleanUp).install();
    UnpackedRuntime.keep(System.getProperty(UNPACKED_PROPERTY));
    lattice.stopped().join();
    lattice.close();
    log.info("event=stopped");
    return ExitCode.OK;
  }
}
