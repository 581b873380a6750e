package org.natskvcache.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.crdt.Defect;
import org.natskvcache.rpc.Nkey;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns the arguments into one call on {@link Commands}. */
public final class Cli {
  private static final long SCHEDULES = 1_000;

  private static final String SECRETS =
      "Secrets (CLIENT_SEED, CLIENT_JWT, NATS_CREDS, REPLICATION_KEY, credentials in URLs) are taken from"
          + " --link-file or the environment only.";

  private final Commands commands;
  private final PrintWriter out;
  private final PrintWriter err;
  private final Map<String, String> environment;
  private final BooleanSupplier stdinIsTerminal;

  /**
   * Touches nothing until {@link #run}.
   *
   * @param out where answers asked for go (help, version, a generated provider id); flushed
   * @param err where complaints go; flushed
   * @param environment the process's variables
   */
  public Cli(
      Commands commands,
      PrintWriter out,
      PrintWriter err,
      Map<String, String> environment,
      BooleanSupplier stdinIsTerminal) {
    this.commands = commands;
    this.out = out;
    this.err = err;
    this.environment = environment;
    this.stdinIsTerminal = stdinIsTerminal;
  }

  /** Runs what the arguments ask for, to its end, and returns the exit code. */
  public int run(String... args) {
    if (args.length == 0) return providerOrUsage();
    CommandLine line = commandLine();
    int code = line.execute(args);
    out.flush();
    err.flush();
    return code;
  }

  private int providerOrUsage() {
    // a host's pipe is the common case: it does not pay for the command line library
    if (!stdinIsTerminal.getAsBoolean()) return commands.provider();
    commandLine().usage(err, Ansi.OFF);
    err.flush();
    return ExitCode.USAGE;
  }

  private CommandLine commandLine() {
    CommandLine line = new CommandLine(new Root());
    line.addSubcommand("serve", new Serve());
    line.addSubcommand("shell", new Shell());
    line.addSubcommand("doctor", new Doctor());
    line.addSubcommand("par", new Par());
    line.addSubcommand("key", KeyArguments.commandLine());
    line.addSubcommand("sim", new Sim());
    line.addSubcommand("bench", new BenchArguments());
    CommandLine help = new CommandLine(new CommandLine.HelpCommand());
    help.getCommandSpec()
        .usageMessage()
        .footerHeading("%nExamples:%n")
        .footer("  nats-kvcache help", "  nats-kvcache help serve");
    line.addSubcommand("help", help);
    line.setExpandAtFiles(
        false); // an argument that begins with @ is not the name of a file of arguments
    line.setOut(out);
    line.setErr(err);
    line.setColorScheme(CommandLine.Help.defaultColorScheme(Ansi.OFF));
    line.setUsageHelpWidth(100);
    line.setExecutionStrategy(this::execute);
    line.setParameterExceptionHandler((e, args) -> complain(e));
    line.setExecutionExceptionHandler((e, failed, parsed) -> {
      if (e instanceof ParameterException wrong) return complain(wrong);
      e.printStackTrace(err); // our own bug: the trace is what its report needs
      return ExitCode.FAILED;
    });
    return line;
  }

  private int complain(ParameterException e) {
    String sentence =
        e instanceof UnmatchedArgumentException unmatched
            ? unknown(unmatched.getUnmatched())
            : e.getMessage();
    err.println("nats-kvcache: " + sentence);
    err.println("Try: " + e.getCommandLine().getCommandSpec().qualifiedName() + " --help");
    return ExitCode.USAGE;
  }

  /** Names options only: what stands beside a mistyped one may be a secret. */
  private static String unknown(List<String> words) {
    List<String> options =
        words.stream()
            .filter(word -> word.startsWith("-"))
            .map(word -> word.split("=", 2)[0])
            .toList();
    return options.isEmpty()
        ? "there is an argument that is no option or command"
        : "unknown option: " + String.join(", ", options);
  }

  private int execute(ParseResult parsed) {
    Integer helped = CommandLine.executeHelpRequest(parsed);
    if (helped != null) return helped;
    ParseResult chosen = parsed;
    while (chosen.hasSubcommand()) chosen = chosen.subcommand();
    CommandLine line = chosen.commandSpec().commandLine();
    return switch (chosen.commandSpec().userObject()) {
      case Serve serve -> commands.serve(serve(serve, line));
      case Shell shell -> commands.shell(shell(shell, line));
      case Doctor doctor -> commands.doctor(doctor(doctor, line));
      case Par par -> commands.par(par(par, line));
      case Sim sim -> commands.sim(sim(sim, line));
      case BenchArguments bench ->
          commands.bench(bench.options(line, environment, () -> keyFolder(line, "--signing-key")));
      case KeyArguments.Fresh _ -> commands.key(new KeyOptions.Fresh());
      case KeyArguments.Inspect inspect -> commands.key(inspect.options(line, environment));
      default -> throw new ParameterException(line, "a command is missing");
    };
  }

  private ServeOptions serve(Serve serve, CommandLine line) {
    String url = serve.links.natsUrl(line);
    if (url == null && !LinkArguments.isServerIn(environment)) {
      throw new ParameterException(
          line,
          "serve needs the lattice's NATS server: give --nats-url, or NATS_URL in the environment");
    }
    Checks.subject(line, "--lattice", serve.lattice, true);
    String given = serve.providerId;
    if (given != null) Checks.subject(line, "--provider-id", given, false);
    serve.clusterIssuers.forEach(
        key -> Checks.publicKey(line, "--cluster-issuer", Nkey.Role.CLUSTER, key));
    serve.actors.forEach(key -> Checks.publicKey(line, "--actor", Nkey.Role.MODULE, key));
    serve.components.forEach(component -> Checks.subject(line, "--component", component, true));
    List<LinkOptions> links = serve.links.links(line);
    LogOptions logging = serve.log.options(line);
    String id = given != null ? given : Nkey.random(Nkey.Role.SERVICE).text();
    if (given == null) {
      out.println("provider-id=" + id);
      out.flush();
    }
    return new ServeOptions(
        url,
        serve.lattice,
        id,
        links,
        serve.clusterIssuers,
        serve.actors,
        serve.components,
        logging);
  }

  private ShellOptions shell(Shell shell, CommandLine line) {
    return new ShellOptions(
        shell.links.natsUrl(line), shell.links.links(line), shell.log.options(line), shell.alone);
  }

  private DoctorOptions doctor(Doctor doctor, CommandLine line) {
    String url = doctor.links.natsUrl(line);
    List<LinkOptions> links = doctor.links.links(line);
    boolean known = url != null || LinkArguments.isServerIn(environment);
    if (!known && !links.stream().allMatch(LinkArguments::namesServer)) {
      throw new ParameterException(
          line, "doctor needs a NATS server: give --nats-url, or NATS_URL in the environment");
    }
    if (!(doctor.waitSeconds >= 0.001 && doctor.waitSeconds <= 3_600)) {
      throw Checks.wrong(line, "--wait", "must be 0.001 to 3600 seconds");
    }
    if (doctor.keys < 0) throw Checks.wrong(line, "--keys", "must be at least 0");
    int expected = doctor.expect == null ? 0 : doctor.expect;
    if (doctor.expect != null && expected < 1) {
      throw Checks.wrong(line, "--expect", "must be at least 1");
    }
    long waitMillis = Math.round(doctor.waitSeconds * 1_000);
    LogOptions logging = doctor.log.options(line);
    return new DoctorOptions(url, links, waitMillis, doctor.keys, expected, doctor.json, logging);
  }

  private ParOptions par(Par par, CommandLine line) {
    Path out = par.out;
    if (out == null) throw new ParameterException(line, "--out is missing: where to write to");
    String target = par.target == null ? ownTarget() : par.target;
    if (!target.matches("[a-z0-9_]+-[a-z0-9_]+")) {
      throw Checks.wrong(line, "--target", "must be ARCH-OS, such as x86_64-linux");
    }
    if (par.revision < 0) throw Checks.wrong(line, "--revision", "must be at least 0");
    Path keys =
        par.keyFolder == null ? keyFolder(line, "--keys, or both seed files") : par.keyFolder;
    return new ParOptions(
        out,
        par.binary,
        target,
        par.issuerSeedFile,
        par.subjectSeedFile,
        keys,
        par.name,
        par.vendor,
        par.revision);
  }

  private static SimOptions sim(Sim sim, CommandLine line) {
    Checks.atLeastOne(line, "--schedules", sim.schedules);
    Checks.atLeastOne(line, "--minutes", sim.minutes);
    Checks.atLeastOne(line, "--threads", sim.threads);
    Checks.atLeastOne(line, "--steps", sim.steps);
    if (sim.variant != null && sim.variants) {
      throw new ParameterException(line, "--variant and --variants do not go together");
    }
    long otherwise = sim.minutes == null ? SCHEDULES : Long.MAX_VALUE;
    return new SimOptions(
        sim.seed,
        sim.schedules == null ? otherwise : sim.schedules,
        sim.minutes == null ? 0 : sim.minutes,
        sim.threads == null ? Runtime.getRuntime().availableProcessors() : sim.threads,
        sim.steps,
        sim.variant == null ? Defect.NONE : variant(line, sim.variant),
        sim.variants);
  }

  private static Defect variant(CommandLine line, String name) {
    for (Defect defect : Defect.values()) {
      if (defect != Defect.NONE && defect.name().equalsIgnoreCase(name)) return defect;
    }
    throw Checks.wrong(line, "--variant", "is none of those that sim --help lists");
  }

  /** The target this process runs on, in the words of wasmCloud, which are those of Rust. */
  private static String ownTarget() {
    String arch = System.getProperty("os.arch", "");
    String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    return (arch.equals("amd64") ? "x86_64" : arch) + "-" + (os.startsWith("mac") ? "macos" : os);
  }

  private Path keyFolder(CommandLine line, String instead) {
    String config = environment.get("XDG_CONFIG_HOME");
    if (config != null && !config.isBlank()) return Path.of(config, "nats-kvcache", "keys");
    String home = environment.get("HOME");
    if (home != null && !home.isBlank()) return Path.of(home, ".config", "nats-kvcache", "keys");
    throw new ParameterException(line, "there is no HOME to keep keys in: give " + instead);
  }

  /** Reads the version the build wrote. */
  static final class VersionText implements IVersionProvider {
    @Override
    public String[] getVersion() {
      return new String[] {"nats-kvcache " + Version.text()};
    }
  }

  @Command(
      name = "nats-kvcache",
      versionProvider = VersionText.class,
      synopsisHeading = "Usage:%n",
      customSynopsis = {
        "  nats-kvcache                  provider mode: a wasmCloud host writes its host data to stdin",
        "  nats-kvcache serve [OPTIONS]  the same without a host",
        "  nats-kvcache shell [OPTIONS]  a prompt, or a script from a pipe, on a cache of its own",
        "  nats-kvcache doctor [OPTIONS] tells whether all instances of a cache hold the same",
        "  nats-kvcache par [OPTIONS]    this executable as a signed provider archive",
        "  nats-kvcache key COMMAND      makes keys that sign what instances say to each other",
        "  nats-kvcache sim [OPTIONS]    random schedules of failures, to see whether the replication holds",
        "  nats-kvcache bench [OPTIONS]  how fast a provider answers, through NATS",
        "  nats-kvcache help [COMMAND]",
      },
      description = {
        "",
        "A replicated in-memory key-value cache over NATS, as a wasmCloud capability provider."
      },
      optionListHeading = "%nOptions:%n",
      commandListHeading = "%nCommands:%n",
      exitCodeListHeading = "%nExit codes:%n",
      exitCodeList = {
        "0:ended as asked",
        "1:did not start, or a script met an error",
        "2:the command line makes no sense; nothing was started"
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  nats-kvcache shell",
        "  printf 'SET a 1\\nINCR a\\n' | nats-kvcache shell",
        "  nats-kvcache serve --nats-url nats://127.0.0.1:4222",
        "  nats-kvcache help serve"
      })
  @SuppressWarnings("UnusedVariable") // declared for the help text; picocli acts on them itself
  private static final class Root {
    @Option(
        names = {"-h", "--help"},
        usageHelp = true,
        description = "Print this text.")
    boolean help;

    @Option(
        names = {"-V", "--version"},
        versionHelp = true,
        description = "Print the version.")
    boolean version;
  }

  @Command(
      name = "serve",
      description = {
        "Serves on a lattice without a host, until SIGTERM or SIGINT.",
        "",
        "Each link is one cache, which replicates with the caches of the same link elsewhere. "
            + SECRETS
      },
      synopsisHeading = "Usage: ",
      descriptionHeading = "%n",
      optionListHeading = "%nOptions:%n",
      sortOptions = false,
      exitCodeListHeading = "%nExit codes:%n",
      exitCodeList = {
        "0:stopped by a signal or a shutdown message",
        "1:did not start",
        "2:the command line makes no sense; nothing was started"
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  nats-kvcache serve --nats-url nats://127.0.0.1:4222",
        "  nats-kvcache serve --nats-url nats://a:4222,nats://b:4222 --lattice prod \\",
        "      --link default --link sessions --link-config sessions:REPLAY_HEARTBEAT_SECS=10",
        "  nats-kvcache serve --nats-url tls://a:4222 --link-file links.json",
        "",
        "links.json: {\"name\": \"default\", \"config\": {\"CLIENT_SEED\": \"SU...\"}}, or an array of such objects"
      })
  private static final class Serve {
    @Mixin LinkArguments links = new LinkArguments();

    @Option(
        names = "--lattice",
        paramLabel = "NAME",
        defaultValue = "default",
        description = "Lattice to serve on. Default: ${DEFAULT-VALUE}.")
    String lattice = "default";

    @Option(
        names = "--provider-id",
        paramLabel = "ID",
        description =
            "This provider's public key on the lattice (V...). Default: a new one, printed on stdout.")
    @Nullable String providerId;

    @Option(
        names = "--cluster-issuer",
        paramLabel = "C...",
        description =
            "Public key whose actors' signed invocations are accepted (hosts before 1.0). Repeatable.")
    List<String> clusterIssuers = new ArrayList<>();

    @Option(
        names = "--actor",
        paramLabel = "M...",
        description =
            "Public key of an actor that every link connects (hosts before 1.0). Repeatable.")
    List<String> actors = new ArrayList<>();

    @Option(
        names = "--component",
        paramLabel = "ID",
        description = "Id of a component that every link connects (hosts since 1.0). Repeatable.")
    List<String> components = new ArrayList<>();

    @Mixin LogArguments log = new LogArguments();
  }

  @Command(
      name = "shell",
      description = {
        "A prompt, or a script from a pipe, on a cache of its own.",
        "",
        "Without --nats-url its caches are private and nothing is connected; with one they are replicas among"
            + " the others. Such a replica holds all that the group holds, whatever MAX_MEMORY, MAX_ENTRIES and"
            + " EVICTION say, and never deletes to make room.",
        "",
        "When stdin is not a terminal it is a script: one command a line; blank lines and lines that begin with"
            + " # are skipped. It starts when every cache is live, fails if that takes over 10 s, and stops at the"
            + " first error. It fails as well if it wrote something that no other instance has heard at its end,"
            + " unless --alone is given.",
        "",
        "HELP lists the commands; names and argument order are those of Redis. " + SECRETS
      },
      synopsisHeading = "Usage: ",
      descriptionHeading = "%n",
      optionListHeading = "%nOptions:%n",
      sortOptions = false,
      exitCodeListHeading = "%nExit codes:%n",
      exitCodeList = {
        "0:the prompt was left, or the script ran to its end",
        "1:did not start, the script met an error, or nobody heard what it wrote",
        "2:the command line makes no sense; nothing was started"
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  nats-kvcache shell",
        "  nats-kvcache shell --nats-url nats://127.0.0.1:4222 --link default --link sessions",
        "  printf 'RPUSH l a b\\nLRANGE l 0 -1\\n' | nats-kvcache shell"
      })
  private static final class Shell {
    @Mixin LinkArguments links = new LinkArguments();

    @Option(
        names = "--alone",
        description = "A script is not wrong if no other instance hears what it writes.")
    boolean alone;

    @Mixin LogArguments log = new LogArguments();
  }

  @Command(
      name = "doctor",
      description = {
        "Asks all instances of a cache what they hold, and tells whether they agree.",
        "",
        "It is no instance itself: it writes nothing and holds up nobody. Options and settings of a link are those"
            + " of serve and shell; it has to use the same subjects. Where instances with the same history hold"
            + " different data, it names the keys.",
        "",
        "Where the instances have a REPLICATION_KEY, it needs the INSPECTION_KEY that nats-kvcache key inspect"
            + " prints, or the REPLICATION_KEY itself. If both are given, INSPECTION_KEY counts. "
            + SECRETS
      },
      synopsisHeading = "Usage: ",
      descriptionHeading = "%n",
      optionListHeading = "%nOptions:%n",
      sortOptions = false,
      exitCodeListHeading = "%nExit codes:%n",
      exitCodeList = {
        "0:all instances of all links agree",
        "1:some differ, are moving, silent or missing, nobody answered, or no server was reached",
        "2:the command line makes no sense; nothing was started"
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  nats-kvcache doctor --nats-url nats://127.0.0.1:4222",
        "  nats-kvcache doctor --nats-url nats://127.0.0.1:4222 --expect 3",
        "  nats-kvcache doctor --nats-url nats://127.0.0.1:4222 --link default --link sessions --wait 10",
        "  nats-kvcache doctor --nats-url tls://a:4222 --link-file links.json --json"
      })
  private static final class Doctor {
    @Mixin LinkArguments links = new LinkArguments();

    @Option(
        names = "--wait",
        paramLabel = "SECONDS",
        defaultValue = "2",
        description = "How long to look at each cache. Default: ${DEFAULT-VALUE}.")
    double waitSeconds;

    @Option(
        names = "--keys",
        paramLabel = "N",
        defaultValue = "20",
        description = "Most differing keys to name. Default: ${DEFAULT-VALUE}.")
    int keys;

    @Option(
        names = "--expect",
        paramLabel = "N",
        description = {
          "Exit with 1 unless N live instances or more answer for each cache.",
          "Without it, only an instance is missed that has written and that others still count as alive."
        })
    @Nullable Integer expect;

    @Option(names = "--json", description = "Print JSON: an object a line, for each link.")
    boolean json;

    @Mixin LogArguments log = new LogArguments();
  }

  @Command(
      name = "par",
      description = {
        "Writes a signed provider archive of this executable, for wasmCloud hosts 0.x and 1.x.",
        "",
        "Its keys are those in the seed files given. A key that is not given is taken from the folder of keys,"
            + " and made there the first time, so that later archives have the same issuer and provider key."
      },
      synopsisHeading = "Usage: ",
      descriptionHeading = "%n",
      optionListHeading = "%nOptions:%n",
      sortOptions = false,
      exitCodeListHeading = "%nExit codes:%n",
      exitCodeList = {
        "0:the archive was written",
        "1:a file could not be read or written; there is no archive",
        "2:the command line makes no sense; nothing was written"
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  nats-kvcache par --out nats-kvcache.par.gz",
        "  nats-kvcache par --out nats-kvcache.par.gz --issuer-seed-file issuer.nk --subject-seed-file subject.nk"
      })
  @SuppressWarnings("UnusedVariable") // help: for its text; picocli acts on it itself
  private static final class Par {
    @Option(
        names = {"-h", "--help"},
        usageHelp = true,
        description = "Print this text.")
    boolean help;

    @Option(
        names = "--out",
        paramLabel = "FILE",
        description = "The archive to write or replace; compressed if it ends in .gz. Required.")
    @Nullable Path out;

    @Option(
        names = "--issuer-seed-file",
        paramLabel = "FILE",
        description = "Holds the account seed (SA...) that signs.")
    @Nullable Path issuerSeedFile;

    @Option(
        names = "--subject-seed-file",
        paramLabel = "FILE",
        description = "Holds the provider's seed (SV...).")
    @Nullable Path subjectSeedFile;

    @Option(
        names = "--keys",
        paramLabel = "FOLDER",
        description =
            "Where keys are kept that are not given: issuer.nk, subject.nk. Default: nats-kvcache/keys"
                + " in XDG_CONFIG_HOME or ~/.config.")
    @Nullable Path keyFolder;

    @Option(
        names = "--binary",
        paramLabel = "FILE",
        description = "The executable to pack. Default: this one.")
    @Nullable Path binary;

    @Option(
        names = "--target",
        paramLabel = "ARCH-OS",
        description = "What the executable runs on. Default: this machine's, such as x86_64-linux.")
    @Nullable String target;

    @Option(
        names = "--name",
        paramLabel = "TEXT",
        defaultValue = "nats-kvcache",
        description = "Name in the claims. Default: ${DEFAULT-VALUE}.")
    String name = "";

    @Option(
        names = "--vendor",
        paramLabel = "TEXT",
        defaultValue = "nats-kvcache",
        description = "Vendor in the claims. Default: ${DEFAULT-VALUE}.")
    String vendor = "";

    @Option(
        names = "--revision",
        paramLabel = "N",
        defaultValue = "0",
        description = "Revision in the claims. Default: ${DEFAULT-VALUE}.")
    int revision;
  }

  @Command(
      name = "sim",
      description = {
        "Runs the classes that serve here through random schedules: several instances on one clock, their network"
            + " and machines failing, compared with a specification.",
        "",
        "The same seed gives the same schedule, byte for byte. One that fails is told with its seed and as few"
            + " actions as still fail. Ctrl-C ends with the report so far."
      },
      synopsisHeading = "Usage: ",
      descriptionHeading = "%n",
      optionListHeading = "%nOptions:%n",
      sortOptions = false,
      exitCodeListHeading = "%nExit codes:%n",
      exitCodeList = {
        "0:no schedule failed; or each broken variant asked for was caught",
        "1:a schedule failed, or a broken variant was not caught",
        "2:the command line makes no sense; nothing was run"
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  nats-kvcache sim --minutes 10",
        "  nats-kvcache sim --seed 42 --schedules 1",
        "  nats-kvcache sim --variants"
      })
  @SuppressWarnings("UnusedVariable") // help: for its text; picocli acts on it itself
  private static final class Sim {
    @Option(
        names = {"-h", "--help"},
        usageHelp = true,
        description = "Print this text.")
    boolean help;

    @Option(
        names = "--seed",
        paramLabel = "N",
        defaultValue = "0",
        description = "Seed of the first schedule. Default: ${DEFAULT-VALUE}.")
    long seed;

    @Option(
        names = "--schedules",
        paramLabel = "N",
        description = "How many to run. Default: 1000, or without bound if --minutes is given.")
    @Nullable Long schedules;

    @Option(
        names = "--minutes",
        paramLabel = "N",
        description = "No schedule starts after so long.")
    @Nullable Integer minutes;

    @Option(
        names = "--threads",
        paramLabel = "N",
        description = "Changes nothing but the time it takes. Default: one for each processor.")
    @Nullable Integer threads;

    @Option(
        names = "--steps",
        paramLabel = "N",
        defaultValue = "1500",
        description = "Actions of a schedule before all heals. Default: ${DEFAULT-VALUE}.")
    int steps;

    @Option(
        names = "--variant",
        paramLabel = "NAME",
        completionCandidates = Variants.class,
        description = "A broken variant, to see it caught: ${COMPLETION-CANDIDATES}.")
    @Nullable String variant;

    @Option(names = "--variants", description = "All broken variants, one after the other.")
    boolean variants;
  }

  /** The names of the broken variants. */
  private static final class Variants implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Arrays.stream(Defect.values())
          .filter(defect -> defect != Defect.NONE)
          .map(Defect::name)
          .iterator();
    }
  }
}
