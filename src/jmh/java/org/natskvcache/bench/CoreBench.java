package org.natskvcache.bench;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.Result;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/**
 * Runs the microbenchmarks of the core and prints time and allocation of one operation: medians of
 * the iterations.
 *
 * <pre>
 *   mvn -q -Pbench process-classes exec:exec@core                  # all, some minutes
 *   mvn -q -Pbench process-classes exec:exec@core -Djmh=CallBench  # those that match
 *   mvn -q -Pbench process-classes exec:exec@core -Djmh=smoke      # do they run? seconds
 * </pre>
 */
public final class CoreBench {
  private static final String SMOKE = "smoke";

  private CoreBench() {}

  public static void main(String[] args) throws RunnerException {
    boolean smoke = args[0].equals(SMOKE);
    ChainedOptionsBuilder options =
        new OptionsBuilder()
            .shouldFailOnError(true)
            .addProfiler(GCProfiler.class)
            .addProfiler(ProcessorTime.class);
    if (smoke) moment(options);
    else options.include(args[0]);
    Collection<RunResult> results = new Runner(options.build()).run();
    if (results.isEmpty()) throw new IllegalArgumentException("no benchmark matches " + args[0]);
    System.out.println(smoke ? "All run; the figures mean nothing:" : "");
    System.out.printf("%-44s %11s %11s %-6s %12s%n", "", "time", "CPU time", "", "allocates B");
    for (RunResult result : results) print(result);
  }

  /** In this process, on little data; others may measure meanwhile. */
  private static void moment(ChainedOptionsBuilder options) {
    System.setProperty("jmh.ignoreLock", "true");
    TimeValue moment = TimeValue.milliseconds(20);
    options
        .forks(0)
        .warmupIterations(0)
        .measurementIterations(1)
        .measurementTime(moment)
        .param("keys", "1000");
  }

  private static void print(RunResult result) {
    String[] name = result.getParams().getBenchmark().split("\\.");
    List<String> what = new ArrayList<>(List.of(name[name.length - 1]));
    for (String key : result.getParams().getParamsKeys()) {
      what.add(key + "=" + result.getParams().getParam(key));
    }
    Result<?> time = result.getPrimaryResult();
    Result<?> allocated = result.getSecondaryResults().get("gc.alloc.rate.norm");
    System.out.printf(
        Locale.ROOT,
        "%-44s %11.1f %11.1f %-6s %12.0f%n",
        String.join(" ", what),
        median(time),
        median(result.getSecondaryResults().get(ProcessorTime.LABEL)),
        time.getScoreUnit(),
        median(allocated));
  }

  private static double median(Result<?> of) {
    return of.getStatistics().getPercentile(50);
  }
}
