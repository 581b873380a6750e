package org.natskvcache.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Runs targets one after the other, each in a process of its own with a small heap:
 *
 * <pre>
 *   mvn -q -Pfuzz test-compile exec:exec                                        all, a minute each
 *   mvn -q -Pfuzz test-compile exec:exec -Dfuzz=frame,peer -Dfuzz.seconds=900   these, a quarter of an hour each
 *   mvn -q -Pfuzz test-compile exec:exec -Dfuzz=frame -Dfuzz.input=FILE         one input, with its stack trace
 *   mvn -q -Pfuzz test-compile exec:exec -Dfuzz.keep=true                       what was found becomes the kept corpus
 * </pre>
 *
 * <p>Everything is below {@code target/fuzz}: {@code report.md}, and for each target the log, the
 * inputs that reached something new (a later run goes on from them), and findings. Exits with 1
 * when there is a finding.
 */
public final class FuzzRun {
  private static final Path FOLDER = Path.of("target/fuzz");
  private static final String INSTRUMENTED = "org.natskvcache.**:com.fasterxml.jackson.core.**";
  private static final int INPUT_BYTES_MAX = 4_096;
  private static final int INPUT_SECONDS_MAX = 10;

  /** {@code #12 DONE cov: 345 ft: 678 corp: 90/12Kb ...}, the last of its kind. */
  private static final Pattern STATUS =
      Pattern.compile("#(\\d+)\\s+\\w+\\s+cov: (\\d+) ft: (\\d+) corp: (\\d+)/");

  private static final Pattern EXECUTIONS =
      Pattern.compile("stat::number_of_executed_units:\\s*(\\d+)");

  private final String name;
  private final Path folder;

  private FuzzRun(String name) {
    this.name = name;
    folder = FOLDER.resolve(name);
  }

  public static void main(String[] args) throws Exception {
    String which = System.getProperty("fuzz");
    String input = System.getProperty("fuzz.input");
    Collection<String> names =
        which.equals("all") ? Targets.ALL.keySet() : Arrays.asList(which.split(","));
    if (!input.isEmpty()) {
      Targets.named(which).run(Files.readAllBytes(Path.of(input)));
      System.out.println("no finding");
      return;
    }
    if (Boolean.getBoolean("fuzz.keep")) {
      for (String name : names) new FuzzRun(name).keep();
      return;
    }
    List<String> report = new ArrayList<>();
    tell(report, "| target | seconds | executions | edges | features | corpus | findings |");
    tell(report, "|---|---|---|---|---|---|---|");
    boolean clean = true;
    for (String name : names) {
      var run = new FuzzRun(name);
      int code = run.fuzz(Integer.getInteger("fuzz.seconds"));
      clean &= code == 0;
      tell(report, run.row(code));
      Files.write(FOLDER.resolve("report.md"), report);
    }
    if (!clean) System.exit(1);
  }

  private static void tell(List<String> report, String line) {
    System.out.println(line);
    report.add(line);
  }

  private Path log() {
    return folder.resolve("log.txt");
  }

  private int fuzz(int seconds) throws IOException, InterruptedException {
    Path corpus = Files.createDirectories(folder.resolve("corpus"));
    Path findings = Files.createDirectories(folder.resolve("findings"));
    Path seeds = folder.resolve("seeds");
    Path kept = folder.resolve("kept");
    Corpus.unpack(seeds, Targets.named(name).seeds());
    Corpus.unpack(kept, Corpus.read(name));
    return jazzer(
        "-max_total_time=" + seconds,
        "-print_final_stats=1",
        "-artifact_prefix=" + findings + "/",
        "--reproducer_path=" + findings,
        corpus.toString(),
        findings.toString(),
        seeds.toString(),
        kept.toString());
  }

  /** Keeps the smallest inputs that together reach all code that the seeds do not. */
  private void keep() throws IOException, InterruptedException {
    Path merged = folder.resolve("merged");
    List<byte[]> seeds = Targets.named(name).seeds();
    Corpus.unpack(merged, seeds);
    Path kept = folder.resolve("kept");
    Corpus.unpack(kept, Corpus.read(name));
    Path corpus = Files.createDirectories(folder.resolve("corpus"));
    int code =
        jazzer(
            "-merge=1", "-use_counters=0", merged.toString(), kept.toString(), corpus.toString());
    if (code != 0) throw new IOException("Jazzer ended with " + code + ", see " + log());
    Set<String> given = seeds.stream().map(HexFormat.of()::formatHex).collect(Collectors.toSet());
    List<byte[]> inputs = new ArrayList<>(Corpus.unpacked(merged));
    inputs.removeIf(input -> given.contains(HexFormat.of().formatHex(input)));
    Corpus.write(name, inputs);
    System.out.println(name + ": " + Corpus.read(name).size() + " of " + inputs.size() + " kept");
  }

  private int jazzer(String... more) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-ea:org.natskvcache...",
                "-XX:+EnableDynamicAgentLoading",
                "--enable-native-access=ALL-UNNAMED",
                "--sun-misc-unsafe-memory-access=allow",
                "-Dfuzz.target=" + name,
                "-classpath",
                System.getProperty("java.class.path"),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + FuzzEntry.class.getName(),
                "--instrumentation_includes=" + INSTRUMENTED,
                "--custom_hook_includes=" + INSTRUMENTED,
                "--instrumentation_excludes=org.natskvcache.fuzz.**",
                "-max_len=" + INPUT_BYTES_MAX,
                "-timeout=" + INPUT_SECONDS_MAX));
    command.addAll(List.of(more));
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(log().toFile())
            .start();
    Thread stopWithUs = new Thread(process::destroy);
    Runtime.getRuntime().addShutdownHook(stopWithUs);
    int code = process.waitFor();
    Runtime.getRuntime().removeShutdownHook(stopWithUs);
    return code;
  }

  private String row(int code) throws IOException {
    String log = Files.readString(log());
    List<MatchResult> statuses = STATUS.matcher(log).results().toList();
    String executions =
        EXECUTIONS.matcher(log).results().map(m -> m.group(1)).findFirst().orElse("?");
    String reached = "? | ? | ?";
    if (!statuses.isEmpty()) {
      MatchResult last = statuses.getLast();
      reached = last.group(2) + " | " + last.group(3) + " | " + last.group(4);
    }
    String findings = code == 0 ? "none" : "**" + folder.resolve("findings") + "**, exit " + code;
    return "| %s | %s | %s | %s | %s |"
        .formatted(name, Integer.getInteger("fuzz.seconds"), executions, reached, findings);
  }
}
