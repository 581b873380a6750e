package org.natskvcache.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.Place;
import org.natskvcache.provider.ServerUrl;
import org.natskvcache.provider.SettingKey;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The arguments of {@code bench}. */
@Command(
    name = "bench",
    description = {
      "Calls a provider through NATS, as a host does for its components, and tells how many calls it answers and"
          + " how long each takes. Any provider that speaks the contract will do.",
      "",
      "It speaks to the server itself, one thread for each connection, so that no client library hides what is"
          + " measured. With --in-flight the end of a call begins the next; with --rate calls begin on time,"
          + " answered or not, and each one's latency counts from when it was to begin. The keys it reads are set"
          + " beforehand; their names begin with bench-, and they stay.",
      "",
      "Calls of --door wasmbus are signed by a key of bench's own, printed at the start; the provider must be"
          + " started with --cluster-issuer and --actor of it. At most 4,096 different ones are signed, and"
          + " repeated."
    },
    synopsisHeading = "Usage: ",
    descriptionHeading = "%n",
    optionListHeading = "%nOptions:%n",
    sortOptions = false,
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:measured, and every call was answered",
      "1:did not start, was interrupted, or some calls failed",
      "2:the command line makes no sense; nothing was started"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  nats-kvcache serve --nats-url nats://127.0.0.1:4222 --provider-id kv --component bench",
      "  nats-kvcache bench --nats-url nats://127.0.0.1:4222 --target kv --mix get=80,set=20",
      "  nats-kvcache bench --nats-url nats://127.0.0.1:4222 --target kv --rate 5000 --json",
      "  nats-kvcache bench --nats-url nats://127.0.0.1:4222 --target kv --compare other --turns 5"
    })
final class BenchArguments {
  private static final int KEYS_MAX = 10_000_000;
  private static final int IN_FLIGHT_MAX = 1 << 16;
  private static final int TURNS_COMPARED = 5;

  @Option(
      names = "--door",
      paramLabel = "wrpc|wasmbus",
      defaultValue = "wrpc",
      description = "Contract: of hosts 1.x, or of hosts 0.x. Default: ${DEFAULT-VALUE}.")
  String door = "wrpc";

  @Option(
      names = "--nats-url",
      paramLabel = "URL",
      description =
          "The lattice's server, [nats://|tls://]HOST[:PORT]. Default: NATS_URL of the environment, where user"
              + " and password, or a token, may stand before the host.")
  @Nullable String natsUrl;

  @Option(
      names = "--creds",
      paramLabel = "FILE",
      description =
          "Credentials of a user as nsc writes them: JWT and seed, or a seed alone. Default: NATS_CREDS_FILE,"
              + " NATS_CREDS or CLIENT_SEED of the environment.")
  @Nullable Path credentials;

  @Option(
      names = "--ca-file",
      paramLabel = "FILE",
      description =
          "PEM certificates to trust, for tls:// and servers that demand it. Default: NATS_CA_FILE of the"
              + " environment, else the system's.")
  @Nullable Path caFile;

  @Option(
      names = "--cert-file",
      paramLabel = "FILE",
      description = "PEM certificate to show to the server; needs --key-file.")
  @Nullable Path certFile;

  @Option(names = "--key-file", paramLabel = "FILE", description = "Its key, PEM PKCS#8.")
  @Nullable Path keyFile;

  @Option(
      names = "--lattice",
      paramLabel = "NAME",
      defaultValue = "default",
      description = "Lattice of the provider. Default: ${DEFAULT-VALUE}.")
  String lattice = "default";

  @Option(names = "--target", paramLabel = "ID", description = "The provider's id.")
  @Nullable String target;

  @Option(
      names = "--compare",
      paramLabel = "ID|URL|ID@URL",
      description =
          "A second provider, or the same id on another server: measured in turns with the first.")
  @Nullable String compare;

  @Option(
      names = "--link",
      paramLabel = "NAME",
      defaultValue = "default",
      description = "Link name of the calls. Default: ${DEFAULT-VALUE}.")
  String link = "default";

  @Option(
      names = "--component",
      paramLabel = "ID",
      defaultValue = "bench",
      description = "Component that calls, of --door wrpc. Default: ${DEFAULT-VALUE}.")
  String component = "bench";

  @Option(
      names = "--mix",
      paramLabel = "OP=SHARE,...",
      defaultValue = "get=80,set=20",
      description = "Of get, set, increment, exists, delete. Default: ${DEFAULT-VALUE}.")
  String mix = "";

  @Option(
      names = "--value-size",
      paramLabel = "BYTES",
      defaultValue = "64",
      description = "Size of values. Default: ${DEFAULT-VALUE}.")
  int valueBytes;

  @Option(
      names = "--keys",
      paramLabel = "N",
      defaultValue = "1000",
      description = "How many keys. Default: ${DEFAULT-VALUE}.")
  int keys;

  @Option(
      names = "--distribution",
      paramLabel = "uniform|zipf",
      defaultValue = "uniform",
      description =
          "Whether all keys are called alike, or few of them most (exponent 0.99). Default: ${DEFAULT-VALUE}.")
  String distribution = "";

  @Option(
      names = "--connections",
      paramLabel = "N",
      defaultValue = "1",
      description = "Connections, which share the load. Default: ${DEFAULT-VALUE}.")
  int connections;

  @Option(
      names = "--in-flight",
      paramLabel = "N",
      description =
          "Calls that wait for an answer, on all connections together. Default: 16; with --rate, where it is the"
              + " most there may be, 4096.")
  @Nullable Integer inFlight;

  @Option(
      names = "--rate",
      paramLabel = "R",
      description = "Calls a second. Default: as many as are answered.")
  @Nullable Double rate;

  @Option(
      names = "--warm-up",
      paramLabel = "SECONDS",
      defaultValue = "2",
      description = "How long to call before each measurement. Default: ${DEFAULT-VALUE}.")
  double warmUp;

  @Option(
      names = "--seconds",
      paramLabel = "N",
      description = "How long to measure. Default: 10, if --calls is not given.")
  @Nullable Double seconds;

  @Option(names = "--calls", paramLabel = "N", description = "How many calls to measure instead.")
  @Nullable Long calls;

  @Option(
      names = "--turns",
      paramLabel = "N",
      description =
          "Measure so often, and tell median, least and most. Default: 1; with --compare 5.")
  @Nullable Integer turns;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "2",
      description = "A call that is not answered by then has failed. Default: ${DEFAULT-VALUE}.")
  double timeout;

  @Option(
      names = "--signing-key",
      paramLabel = "FILE",
      description =
          "Seed (SC...) that signs calls of --door wasmbus, made when there is none. Default: bench.nk in"
              + " nats-kvcache/keys in XDG_CONFIG_HOME or ~/.config.")
  @Nullable Path signingKey;

  @Option(names = "--json", description = "Print one JSON object.")
  boolean json;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Print this text.")
  @SuppressWarnings("UnusedVariable") // for the help text; picocli acts on it itself
  boolean help;

  BenchOptions options(
      CommandLine line, Map<String, String> environment, Supplier<Path> keyFolder) {
    BenchOptions.Door contract =
        oneOf(line, "--door", door, "wasmbus", "wrpc")
            ? BenchOptions.Door.WASMBUS
            : BenchOptions.Door.WRPC;
    BenchOptions.Target first = target(line, environment);
    List<BenchOptions.Target> targets = new ArrayList<>(List.of(first));
    if (compare != null) targets.add(compared(line, first, compare));
    Checks.linkName(line, "--link", link);
    Checks.subject(line, "--component", component, true);
    Checks.within(line, "--value-size", valueBytes, 0, 1 << 20);
    Checks.within(line, "--keys", keys, 1, KEYS_MAX);
    Checks.within(line, "--connections", connections, 1, 256);
    int most = inFlight != null ? inFlight : Math.max(connections, rate == null ? 16 : 4_096);
    Checks.within(line, "--in-flight", most, connections, IN_FLIGHT_MAX);
    if (rate != null) Checks.within(line, "--rate", rate, 0.001, 10_000_000);
    Checks.within(line, "--warm-up", warmUp, 0, 3_600);
    if (seconds != null) Checks.within(line, "--seconds", seconds, 0.001, 86_400);
    if (seconds != null && calls != null) {
      throw new ParameterException(line, "--seconds and --calls do not go together");
    }
    if (calls != null && calls < connections) {
      throw Checks.wrong(line, "--calls", "must be at least one for each connection");
    }
    Checks.atLeastOne(line, "--turns", turns);
    Checks.within(line, "--timeout", timeout, 0.001, 60);
    if ((certFile == null) != (keyFile == null)) {
      throw new ParameterException(line, "--cert-file and --key-file go together");
    }
    Path key = signingKey;
    if (key == null && contract == BenchOptions.Door.WASMBUS) {
      key = keyFolder.get().resolve("bench.nk");
    }
    return new BenchOptions(
        contract,
        targets,
        link,
        component,
        mix(line),
        valueBytes,
        keys,
        oneOf(line, "--distribution", distribution, "zipf", "uniform"),
        connections,
        most,
        rate == null ? 0 : rate,
        warmUp,
        calls != null ? 0 : seconds == null ? 10 : seconds,
        calls == null ? 0 : calls,
        turns != null ? turns : compare == null ? 1 : TURNS_COMPARED,
        Math.round(timeout * 1_000),
        new BenchOptions.Login(credentials, caFile, certFile, keyFile),
        key,
        json);
  }

  private static boolean oneOf(
      CommandLine line, String option, String text, String yes, String no) {
    if (!text.equals(yes) && !text.equals(no)) {
      throw Checks.wrong(line, option, "must be " + no + " or " + yes);
    }
    return text.equals(yes);
  }

  private BenchOptions.Target target(CommandLine line, Map<String, String> environment) {
    String url = natsUrl;
    Place place = url == null ? Place.ENVIRONMENT : Place.FLAG;
    if (url != null) Checks.noSecret(line, "--nats-url", "NATS_URL", url);
    else url = LinkValues.of(place, environment).value(SettingKey.NATS_URL).orElse(null);
    if (url == null || url.isBlank()) {
      throw new ParameterException(
          line, "bench needs a NATS server: give --nats-url, or NATS_URL in the environment");
    }
    if (target == null) {
      throw new ParameterException(line, "--target is missing: the id of the provider to call");
    }
    Checks.subject(line, "--lattice", lattice, true);
    Checks.subject(line, "--target", target, false);
    return new BenchOptions.Target(
        server(line, place.named(SettingKey.NATS_URL), url), lattice, target);
  }

  /** The URL of the one server that is connected to. */
  private static String server(CommandLine line, String name, String url) {
    return switch (ServerUrl.parseList(url)) {
      case ServerUrl.Parsed.Invalid(var reason) ->
          throw Checks.wrong(line, null, name + " " + reason);
      case ServerUrl.Parsed.Valid(var servers) when servers.size() > 1 ->
          throw Checks.wrong(line, null, name + " names several servers; bench takes one");
      case ServerUrl.Parsed.Valid(var servers) when servers.getFirst().scheme().startsWith("ws") ->
          throw Checks.wrong(line, null, name + ": bench speaks nats:// and tls:// only");
      case ServerUrl.Parsed.Valid(var servers) -> servers.getFirst().url();
    };
  }

  private static BenchOptions.Target compared(
      CommandLine line, BenchOptions.Target first, String text) {
    int scheme = text.indexOf("://");
    int at = scheme < 0 ? -1 : text.lastIndexOf('@', scheme);
    String id = at > 0 ? text.substring(0, at) : scheme < 0 ? text : first.providerId();
    String url = scheme < 0 ? first.natsUrl() : text.substring(at + 1);
    Checks.subject(line, "--compare", id, false);
    if (scheme >= 0) {
      Checks.noSecret(line, "--compare", "NATS_URL", url);
      url = server(line, "--compare", url);
    }
    return new BenchOptions.Target(url, first.lattice(), id);
  }

  private Map<BenchOperation, Integer> mix(CommandLine line) {
    Map<BenchOperation, Integer> shares = new EnumMap<>(BenchOperation.class);
    for (String part : mix.split(",", -1)) {
      String[] pair = part.split("=", 2);
      try {
        var operation = BenchOperation.valueOf(pair[0].strip().toUpperCase(Locale.ROOT));
        int share = pair.length == 1 ? 1 : Integer.parseInt(pair[1].strip());
        if (share < 1 || share > 1_000_000 || shares.put(operation, share) != null) {
          throw Checks.wrong(
              line, "--mix", "each operation once, with a share from 1 to 1,000,000");
        }
      } catch (IllegalArgumentException e) {
        throw Checks.wrong(
            line, "--mix", "must be like get=80,set=20, of get, set, increment, exists, delete");
      }
    }
    return shares;
  }
}
