package org.natskvcache.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.crdt.Defect;
import org.natskvcache.provider.SettingKey;
import org.natskvcache.rpc.Nkey;

class CliTest {
  private final StringWriter out = new StringWriter();
  private final StringWriter err = new StringWriter();
  private final Recorder commands = new Recorder();

  /** Notes what it was asked for and answers the given exit code. */
  private static final class Recorder implements Commands {
    int answer;
    boolean provider;
    ServeOptions serve;
    ShellOptions shell;
    ParOptions par;
    DoctorOptions doctor;
    KeyOptions key;
    SimOptions sim;
    BenchOptions bench;

    @Override
    public int bench(BenchOptions options) {
      bench = options;
      return answer;
    }

    @Override
    public int sim(SimOptions options) {
      sim = options;
      return answer;
    }

    @Override
    public int par(ParOptions options) {
      par = options;
      return answer;
    }

    @Override
    public int doctor(DoctorOptions options) {
      doctor = options;
      return answer;
    }

    @Override
    public int key(KeyOptions options) {
      key = options;
      return answer;
    }

    @Override
    public int provider() {
      provider = true;
      return answer;
    }

    @Override
    public int serve(ServeOptions options) {
      serve = options;
      return answer;
    }

    @Override
    public int shell(ShellOptions options) {
      shell = options;
      return answer;
    }

    boolean calledNothing() {
      return !provider
          && serve == null
          && shell == null
          && par == null
          && doctor == null
          && key == null
          && sim == null
          && bench == null;
    }
  }

  private int run(Map<String, String> environment, boolean terminal, String... args) {
    return new Cli(
            commands, new PrintWriter(out), new PrintWriter(err), environment, () -> terminal)
        .run(args);
  }

  private int run(String... args) {
    return run(Map.of(), false, args);
  }

  private void assertUsageError(String part, String... args) {
    assertEquals(2, run(args), () -> "exit code; stderr: " + err);
    assertTrue(err.toString().contains(part), () -> "stderr: " + err);
    assertTrue(err.toString().contains("--help"), () -> "stderr: " + err);
    assertEquals("", out.toString());
    assertTrue(commands.calledNothing());
  }

  @Test
  void noArgumentsFromPipeIsProviderMode() {
    commands.answer = 7;
    assertEquals(7, run());
    assertTrue(commands.provider);
    assertEquals("", out + "" + err);
  }

  @Test
  void noArgumentsFromTerminalPrintsUsageInsteadOfWaiting() {
    assertEquals(2, run(Map.of(), true));
    assertTrue(commands.calledNothing());
    assertEquals("", out.toString());
    assertTrue(err.toString().contains("Usage:"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--help",
        "help",
        "help serve",
        "help shell",
        "help doctor",
        "help key",
        "key --help",
        "key new --help",
        "key inspect --help",
        "help help",
        "serve --help",
        "shell --help",
        "serve -h"
      })
  void everyHelpTextHasExamplesAndIsAnAnswer(String args) {
    assertEquals(0, run(args.split(" ")));
    String text = out.toString();
    assertTrue(text.contains("Examples:\n  nats-kvcache "), text);
    assertFalse(text.contains("${"), text);
    text.lines().forEach(line -> assertTrue(line.length() <= 120, line));
    assertEquals("", err.toString());
    assertTrue(commands.calledNothing());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--help",
        "serve --help",
        "shell --help",
        "par --help",
        "key --help",
        "key new --help",
        "key inspect --help",
        "sim --help",
        "bench --help"
      })
  void exitCodesAreInTheHelp(String args) {
    run(args.split(" "));
    assertTrue(out.toString().contains("Exit codes:\n  0   "), out.toString());
    assertTrue(
        out.toString().contains("\n  1   ") && out.toString().contains("\n  2   "), out.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"serve", "shell"})
  void everyOptionIsExplained(String command) {
    run(command, "--help");
    for (String option :
        List.of(
            "--nats-url",
            "--link=",
            "--link-config",
            "--link-file",
            "--log-level",
            "--structured-logging")) {
      assertTrue(out.toString().contains(option), option);
    }
  }

  @Test
  void versionIsTheBuilds() {
    assertEquals(0, run("--version"));
    assertTrue(out.toString().matches("nats-kvcache \\d+\\.\\d+\\.\\d+\\S*\\R"), out.toString());
  }

  @Test
  void serveWithDefaults() {
    commands.answer = 1;
    assertEquals(1, run("serve", "--nats-url", "nats://127.0.0.1:4222"));
    ServeOptions serve = commands.serve;
    assertEquals("nats://127.0.0.1:4222", serve.natsUrl());
    assertEquals("default", serve.lattice());
    assertTrue(Nkey.isPublic(Nkey.Role.SERVICE, serve.providerId()), serve.providerId());
    assertEquals("provider-id=" + serve.providerId() + "\n", out.toString().replace("\r", ""));
    assertEquals(List.of("default"), serve.links().stream().map(LinkOptions::name).toList());
    LinkOptions link = serve.links().getFirst();
    assertTrue(link.config().isEmpty() && link.file().isEmpty());
    assertTrue(serve.actors().isEmpty() && serve.clusterIssuers().isEmpty());
    assertNull(serve.logging().level());
    assertFalse(serve.logging().structured());
  }

  @Test
  void serveWithEverything() {
    String issuer = Nkey.random(Nkey.Role.CLUSTER).text();
    String actor = Nkey.random(Nkey.Role.MODULE).text();
    assertEquals(
        0,
        run(
            "serve",
            "--nats-url=tls://a,b:4223",
            "--lattice",
            "prod.eu",
            "--provider-id",
            "VX_1-2",
            "--link",
            "b",
            "--link",
            "a",
            "--link-config",
            "a:replay_heartbeat_secs=5",
            "--link-config",
            "c:d:STATE_REPL_SUBJECT=x.y=z",
            "--cluster-issuer",
            issuer,
            "--actor",
            actor,
            "--log-level",
            "WARNING",
            "--structured-logging"));
    ServeOptions serve = commands.serve;
    assertEquals("tls://a,b:4223", serve.natsUrl());
    assertEquals("prod.eu", serve.lattice());
    assertEquals("VX_1-2", serve.providerId());
    assertEquals(List.of("b", "a", "c:d"), serve.links().stream().map(LinkOptions::name).toList());
    assertEquals("5", serve.links().get(1).config().get("REPLAY_HEARTBEAT_SECS"));
    assertEquals("x.y=z", serve.links().get(2).config().get("STATE_REPL_SUBJECT"));
    assertEquals(List.of(issuer), serve.clusterIssuers());
    assertEquals(List.of(actor), serve.actors());
    assertEquals(new LogOptions(LogLevel.WARN, true), serve.logging());
    assertEquals("", out.toString(), "a given provider id is not repeated");
  }

  @Test
  void serveWithoutServerSaysWhatIsMissing() {
    assertUsageError("--nats-url", "serve");
  }

  @Test
  void serverMayComeFromEnvironmentWithPassword() {
    assertEquals(0, run(Map.of("NATS_URL", "nats://u:p@h"), false, "serve"));
    assertNull(commands.serve.natsUrl(), "that is the environment's");
  }

  @Test
  void flagWinsOverEnvironmentForTheLattice() {
    run(Map.of("NATS_URL", "nats://other"), false, "serve", "--nats-url", "nats://this");
    assertEquals("nats://this", commands.serve.natsUrl());
  }

  @Test
  void blankServerInEnvironmentIsNone() {
    assertEquals(0, run(Map.of("NATS_URL", " "), false, "shell"));
    assertNull(commands.shell.natsUrl());
  }

  @Test
  void shellWithDefaultsIsStandalone() {
    assertEquals(0, run("shell"));
    assertNull(commands.shell.natsUrl());
    assertEquals(
        List.of("default"), commands.shell.links().stream().map(LinkOptions::name).toList());
    assertEquals("", out + "" + err);
  }

  @Test
  void shellTakesServerAndLinks() {
    assertEquals(0, run("shell", "--nats-url", "nats://h", "--link", "x", "--log-level", "debug"));
    assertEquals("nats://h", commands.shell.natsUrl());
    assertEquals("x", commands.shell.links().getFirst().name());
    assertEquals(LogLevel.DEBUG, commands.shell.logging().level());
  }

  @Test
  void doctorLooksForTwoSecondsUnlessToldOtherwise() {
    assertEquals(0, run("doctor", "--nats-url", "nats://h"));
    assertEquals(2_000, commands.doctor.waitMillis());
    assertEquals(20, commands.doctor.keysMax());
    assertEquals(0, commands.doctor.expected());
    assertFalse(commands.doctor.json());
    assertEquals("default", commands.doctor.links().getFirst().name());
    String[] more = {"--wait", "0.5", "--keys", "3", "--json", "--link-config", "x:NATS_URL=h"};
    assertEquals(
        0, run(Stream.concat(Stream.of("doctor"), Stream.of(more)).toArray(String[]::new)));
    assertNull(commands.doctor.natsUrl()); // each link names its own
    assertEquals(500, commands.doctor.waitMillis());
    assertEquals(3, commands.doctor.keysMax());
    assertTrue(commands.doctor.json());
  }

  @Test
  void doctorNeedsAServerAndNumbersThatMakeSense() {
    assertUsageError("NATS server", "doctor");
    assertUsageError("--wait", "doctor", "--nats-url", "h", "--wait", "0");
    assertUsageError("--wait", "doctor", "--nats-url", "h", "--wait", "NaN");
    assertUsageError("--keys", "doctor", "--nats-url", "h", "--keys", "-1");
    assertUsageError("--expect", "doctor", "--nats-url", "h", "--expect", "0");
    assertUsageError("--expect", "doctor", "--nats-url", "h", "--expect", "all");
    assertEquals(0, run("doctor", "--nats-url", "nats://h", "--expect", "3"));
    assertEquals(3, commands.doctor.expected());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "default:CLIENT_SEED=SUsecret",
        "default:client_seed=SUsecret",
        "default:CLIENT_JWT=secret",
        "default:Nats_Creds=SUsecret",
        "default:NATS_URL=nats://secret@h:4222",
        "default:NATS_URL=nats://a,tls://u:secret@h",
        "default:nats_url=u:secret@h"
      })
  void secretsOnTheCommandLineAreRefusedAndNotRepeated(String setting) {
    assertUsageError("--link-file", "serve", "--nats-url", "nats://h", "--link-config", setting);
    assertTrue(err.toString().contains("environment"));
    assertFalse(
        err.toString().contains("ecret@") || err.toString().contains("SUsecret"), err.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"nats://u:pw@h", "u:pw@h", "nats://a,token-pw@b"})
  void credentialsInTheServerOptionAreRefused(String url) {
    assertUsageError("environment", "shell", "--nats-url", url);
    assertFalse(err.toString().contains("pw"), err.toString());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "x", "a:b", "=v", ":K=v", "a:=v", "K=a:v", "a b:K=v"})
  void malformedLinkConfigIsRefused(String setting) {
    assertUsageError("--link-config", "shell", "--link-config", setting);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "a b", "a\nb"})
  void malformedLinkNameIsRefused(String name) {
    assertUsageError("--link", "shell", "--link", name);
  }

  @Test
  void repeatedLinkIsRefused() {
    assertUsageError("given twice", "shell", "--link", "a", "--link", "a");
  }

  @Test
  void repeatedSettingIsRefusedWhateverItsCase() {
    assertUsageError(
        "given twice", "shell", "--link-config", "a:KEY=1", "--link-config", "a:key=1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a b", "*", "a.>", ".a", "a..b"})
  void malformedLatticeIsRefused(String lattice) {
    assertUsageError("--lattice", "serve", "--nats-url", "h", "--lattice", lattice);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a.b", "V*"})
  void malformedProviderIdIsRefused(String id) {
    assertUsageError("--provider-id", "serve", "--nats-url", "h", "--provider-id", id);
  }

  @Test
  void keyOfAnotherKindIsRefused() {
    assertUsageError(
        "--actor", "serve", "--nats-url", "h", "--actor", Nkey.random(Nkey.Role.CLUSTER).text());
  }

  @Test
  void damagedKeyIsRefused() {
    String key = Nkey.random(Nkey.Role.CLUSTER).text();
    String damaged = key.substring(0, 20) + (key.charAt(20) == 'A' ? 'B' : 'A') + key.substring(21);
    assertUsageError("--cluster-issuer", "serve", "--nats-url", "h", "--cluster-issuer", damaged);
  }

  @Test
  void unknownLogLevelIsRefused() {
    assertUsageError("--log-level", "serve", "--nats-url", "h", "--log-level", "loud");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"bogus", "serve --bogus", "shell extra", "--nats-url h", "serve --nats-url"})
  void unknownArgumentsAreRefused(String args) {
    assertUsageError("nats-kvcache: ", args.split(" "));
  }

  @Test
  void keysAreMade() {
    assertEquals(0, run("key", "new"));
    assertEquals(new KeyOptions.Fresh(), commands.key);
  }

  @Test
  void inspectionKeyIsThatOfTheEnvironmentOrTheFile(@TempDir Path folder) throws Exception {
    assertEquals(0, run(Map.of("replication_key", "environment"), false, "key", "inspect"));
    assertEquals("environment", inspected());
    Path file =
        Files.writeString(
            folder.resolve("links.json"),
            """
            [{"name": "a", "config": {"REPLICATION_KEY": "a's"}},
             {"name": "b", "config": {"REPLICATION_KEY": "b's"}}, {"name": "none"}]\
            """);
    var environment = Map.of("REPLICATION_KEY", "environment");
    assertEquals(
        0, run(environment, false, "key", "inspect", "--link-file", "" + file, "--link", "b"));
    assertEquals("b's", inspected());
    assertFalse(commands.key.toString().contains("b's"), commands.key.toString());
    commands.key = null;
    assertUsageError("keys of their own", "key", "inspect", "--link-file", "" + file);
    String[] none = {"key", "inspect", "--link-file", "" + file, "--link", "none"};
    assertUsageError("needs the replication key", none);
    assertUsageError("no --link-file has", "key", "inspect", "--link", "default2");
  }

  private String inspected() {
    return ((KeyOptions.Inspect) commands.key)
        .values()
        .value(SettingKey.REPLICATION_KEY)
        .orElseThrow();
  }

  @Test
  void keyNeedsACommandAndAKey() {
    assertUsageError("a command is missing", "key");
    assertUsageError("in a --link-file or in the environment", "key", "inspect");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "serve --nats-url h --client-seed SUsecret",
        "serve --nats-url h --client-seed=SUsecret",
        "shell SUsecret",
        "SUsecret",
        "shell --link default:CLIENT_SEED=SUsecret",
        "shell --link-config default:replication_key=SUsecret",
        "doctor --nats-url h --link-config default:REPLICATION_KEY=SUsecret",
        "doctor --nats-url h --link-config default:Inspection_Key=SUsecret",
        "doctor --nats-url h --inspection-key=SUsecret",
        "key SUsecret",
        "key new SUsecret",
        "key inspect SUsecret",
        "key inspect --key=SUsecret",
        "key inspect --link=SUsecret",
        "shell --link default:nats_url=nats://SUsecret@h",
        "shell --log-level SUsecret"
      })
  void misplacedSecretsAreNotRepeated(String args) {
    assertUsageError("nats-kvcache: ", args.split(" "));
    assertFalse(err.toString().contains("SUsecret"), () -> "stderr: " + err);
  }

  @Test
  void argumentsThatBeginWithAtAreNoFiles(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("args"), "--help");
    assertUsageError("nats-kvcache: ", "@" + file);
  }

  @Test
  void linkFileGivesLinksAndSecrets(@TempDir Path folder) throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("links.json"),
            """
            [{"name": "default", "config": {"CLIENT_SEED": "SUsecret", "REPLAY_HEARTBEAT_SECS": 5, "X": true}},
             {"name": "other"}]\
            """);
    assertEquals(
        0,
        run(
            "shell",
            "--link",
            "first",
            "--link-config",
            "default:K=v",
            "--link-file",
            file.toString()));
    List<LinkOptions> links = commands.shell.links();
    assertEquals(
        List.of("first", "default", "other"), links.stream().map(LinkOptions::name).toList());
    assertEquals(
        Map.of("CLIENT_SEED", "SUsecret", "REPLAY_HEARTBEAT_SECS", "5", "X", "true"),
        Map.copyOf(links.get(1).file()));
    assertEquals(Map.of("K", "v"), Map.copyOf(links.get(1).config()));
    assertFalse(links.toString().contains("SUsecret"), links.toString());
    assertTrue(links.toString().contains("CLIENT_SEED"), links.toString());
  }

  @Test
  void optionAndFileMayHoldTheSameKey(@TempDir Path folder) throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("links.json"), "{\"name\": \"a\", \"config\": {\"KEY\": \"file\"}}");
    assertEquals(0, run("shell", "--link-config", "a:key=typed", "--link-file", "" + file));
    LinkOptions link = commands.shell.links().getFirst();
    assertEquals("typed", link.config().get("KEY"));
    assertEquals("file", link.file().get("KEY"));
    assertUsageErrorOf("given twice", "shell", "--link-file", "" + file, "--link-file", "" + file);
  }

  private void assertUsageErrorOf(String part, String... args) {
    commands.shell = null;
    assertUsageError(part, args);
  }

  @Test
  void linkFileMayHoldOneObject(@TempDir Path folder) throws Exception {
    Path file = Files.writeString(folder.resolve("link.json"), "{\"name\":\"a\",\"config\":{}}");
    assertEquals(0, run("shell", "--link-file", file.toString()));
    assertEquals(List.of("a"), commands.shell.links().stream().map(LinkOptions::name).toList());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "secret",
        "{\"name\": secret}",
        "[1]",
        "{}",
        "{\"name\": 5}",
        "{\"name\": \"\"}",
        "{\"name\": \"a\", \"secret\": {}}",
        "{\"name\": \"a\", \"config\": \"secret\"}",
        "{\"name\": \"a\", \"config\": {\"K\": null}}",
        "{\"name\": \"a\", \"config\": {\"K\": [\"secret\"]}}",
        "{\"name\": \"a\", \"config\": {\"K\": \"secret\", \"k\": \"secret\"}}",
        "{\"name\": \"a\"} secret"
      })
  void malformedLinkFileIsRefusedWithoutQuotingIt(String text, @TempDir Path folder)
      throws Exception {
    Path file = Files.writeString(folder.resolve("links.json"), text);
    assertUsageError("links.json", "shell", "--link-file", file.toString());
    assertFalse(err.toString().contains("secret"), err.toString());
  }

  @Test
  void absentLinkFileIsNamed() {
    assertUsageError("no-such.json does not exist", "shell", "--link-file", "no-such.json");
  }

  @Test
  void failureInsideACommandIsExitCodeOneWithATrace() {
    Commands broken =
        new Commands() {
          @Override
          public int provider() {
            throw new AssertionError();
          }

          @Override
          public int serve(ServeOptions options) {
            throw new AssertionError();
          }

          @Override
          public int shell(ShellOptions options) {
            throw new IllegalStateException("applied 7 after 9");
          }

          @Override
          public int doctor(DoctorOptions options) {
            throw new AssertionError();
          }

          @Override
          public int par(ParOptions options) {
            throw new AssertionError();
          }

          @Override
          public int key(KeyOptions options) {
            throw new AssertionError();
          }

          @Override
          public int sim(SimOptions options) {
            throw new AssertionError();
          }

          @Override
          public int bench(BenchOptions options) {
            throw new AssertionError();
          }
        };
    int code =
        new Cli(broken, new PrintWriter(out), new PrintWriter(err), Map.of(), () -> false)
            .run("shell");
    assertEquals(1, code);
    assertTrue(err.toString().contains("applied 7 after 9"));
    assertNotNull(Version.text());
  }

  @Test
  void archiveHasADefaultForAllButItsName() {
    assertEquals(0, run(Map.of("HOME", "/home/me"), true, "par", "--out", "a.par.gz"));
    assertEquals(Path.of("a.par.gz"), commands.par.out());
    assertEquals(Path.of("/home/me/.config/nats-kvcache/keys"), commands.par.keyFolder());
    assertTrue(commands.par.target().matches("[a-z0-9_]+-(linux|macos)"), commands.par::target);
    assertNull(commands.par.binary());
    assertNull(commands.par.issuerSeedFile());
    assertEquals(0, commands.par.revision());
    assertEquals("nats-kvcache", commands.par.name());
  }

  @Test
  void archiveOptionsAreTakenOver() {
    assertEquals(
        0,
        run(
            "par",
            "--out=a.par",
            "--issuer-seed-file=i",
            "--subject-seed-file=s",
            "--keys=k",
            "--binary=b",
            "--target=aarch64-linux",
            "--name=n",
            "--vendor=v",
            "--revision=3"));
    assertEquals(
        new ParOptions(
            Path.of("a.par"),
            Path.of("b"),
            "aarch64-linux",
            Path.of("i"),
            Path.of("s"),
            Path.of("k"),
            "n",
            "v",
            3),
        commands.par);
  }

  @Test
  void archiveNeedsANameAndAPlaceForKeys() {
    assertUsageError("--out is missing", "par");
    assertUsageError("give --keys", "par", "--out", "a");
    assertUsageError("--target", "par", "--out", "a", "--keys", "k", "--target", "../x");
    assertUsageError("--revision", "par", "--out", "a", "--keys", "k", "--revision", "-1");
  }

  @Test
  void componentsAreTakenOver() {
    assertEquals(
        0,
        run(
            "serve",
            "--nats-url",
            "h:1",
            "--provider-id",
            "p",
            "--component",
            "a",
            "--component",
            "b"));
    assertEquals(List.of("a", "b"), commands.serve.components());
    commands.serve = null;
    assertUsageError("--component", "serve", "--nats-url", "h:1", "--component", "a b");
  }

  @Test
  void simulationHasADefaultForAll() {
    assertEquals(0, run("sim"));
    int processors = Runtime.getRuntime().availableProcessors();
    assertEquals(new SimOptions(0, 1_000, 0, processors, 1_500, Defect.NONE, false), commands.sim);
    assertEquals(0, run("sim", "--minutes", "5", "--variant", "no_causal_wait", "--threads", "1"));
    assertEquals(
        new SimOptions(0, Long.MAX_VALUE, 5, 1, 1_500, Defect.NO_CAUSAL_WAIT, false), commands.sim);
  }

  @ParameterizedTest
  @ValueSource(strings = {"--schedules", "--minutes", "--threads", "--steps"})
  void simulationOfNothingIsRefused(String option) {
    assertUsageError(option, "sim", option, "0");
  }

  @Test
  void unknownVariantIsRefusedAndKnownOnesAreListed() {
    assertUsageError("--variant", "sim", "--variant", "NONE");
    assertUsageError("go together", "sim", "--variant", "ARRIVAL_ORDER", "--variants");
    assertEquals(0, run("sim", "--help"));
    assertTrue(out.toString().contains("ARRIVAL_ORDER"), out::toString);
    assertFalse(out.toString().contains("NONE"), out::toString);
  }

  private BenchOptions bench(String... more) {
    List<String> args = new ArrayList<>(List.of("bench", "--nats-url", "h:1", "--target", "kv"));
    args.addAll(List.of(more));
    assertEquals(0, run(args.toArray(String[]::new)), err::toString);
    return commands.bench;
  }

  @Test
  void benchHasADefaultForAllButServerAndTarget() {
    BenchOptions options = bench();
    var target = new BenchOptions.Target("nats://h:1", "default", "kv");
    assertEquals(
        new BenchOptions(
            BenchOptions.Door.WRPC,
            List.of(target),
            "default",
            "bench",
            Map.of(BenchOperation.GET, 80, BenchOperation.SET, 20),
            64,
            1_000,
            false,
            1,
            16,
            0,
            2,
            10,
            0,
            1,
            2_000,
            new BenchOptions.Login(null, null, null, null),
            null,
            false),
        options);
    assertUsageErrorOfBench("NATS_URL", "--target", "kv");
    assertUsageErrorOfBench("--target", "--nats-url", "h:1");
  }

  @Test
  void benchNamesTheServerItCannotTake() {
    String[] wrong = {
      "nats://a_b", "is wrong: the host name a_b", "a,b", "names several servers", "ws://a", "only"
    };
    for (int i = 0; i < wrong.length; i += 2) {
      assertUsageErrorOfBench("--nats-url", "--nats-url", wrong[i], "--target", "kv");
      assertTrue(err.toString().contains(wrong[i + 1]), err::toString);
    }
    assertEquals(2, run(Map.of("NATS_URL", "a:x"), false, "bench", "--target", "kv"));
    assertTrue(err.toString().contains("NATS_URL of the environment is wrong"), err::toString);
    assertUsageErrorOfBench(
        "--compare is wrong", "--nats-url", "h", "--target", "kv", "--compare", "o@nats://a_b");
  }

  private void assertUsageErrorOfBench(String part, String... args) {
    commands.bench = null;
    List<String> all = new ArrayList<>(List.of("bench"));
    all.addAll(List.of(args));
    assertUsageError(part, all.toArray(String[]::new));
  }

  @Test
  void benchComparesIdsAndServers() {
    assertEquals(
        List.of(
            new BenchOptions.Target("nats://h:1", "default", "kv"),
            new BenchOptions.Target("nats://h:1", "default", "other")),
        bench("--compare", "other").targets());
    assertEquals(5, commands.bench.turns());
    assertEquals(
        new BenchOptions.Target("nats://b:2", "default", "kv"),
        bench("--compare", "nats://b:2").targets().getLast());
    assertEquals(
        new BenchOptions.Target("nats://b:2", "default", "o"),
        bench("--compare", "o@nats://b:2").targets().getLast());
    assertUsageErrorOfBench(
        "secret", "--nats-url", "h:1", "--target", "kv", "--compare", "nats://u:p@b:2");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--mix get=0",
        "--mix get=1,get=2",
        "--mix list=1",
        "--mix get=x",
        "--keys 0",
        "--in-flight 0",
        "--rate 0",
        "--calls 0",
        "--timeout 0",
        "--door http",
        "--distribution normal",
        "--connections 0",
        "--seconds NaN",
        "--turns 0"
      })
  void benchOfNonsenseIsRefused(String arguments) {
    String[] pair = arguments.split(" ");
    assertUsageErrorOfBench(pair[0], "--nats-url", "h:1", "--target", "kv", pair[0], pair[1]);
  }

  @Test
  void benchWaitsForMoreAnswersWhenCallsBeginOnTime() {
    assertEquals(4_096, bench("--rate", "5000").inFlight());
    assertEquals(5_000, commands.bench.rate());
    assertEquals(
        Path.of("keys", "nats-kvcache", "keys", "bench.nk"),
        benchOfWasmbus(Map.of("XDG_CONFIG_HOME", "keys")).signingKey());
  }

  private BenchOptions benchOfWasmbus(Map<String, String> environment) {
    assertEquals(
        0,
        run(environment, false, "bench", "--door", "wasmbus", "--nats-url", "h", "--target", "k"));
    return commands.bench;
  }
}
