package org.natskvcache.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Formatter;
import java.util.List;
import java.util.Locale;
import java.util.function.ToDoubleFunction;
import org.HdrHistogram.Histogram;
import org.natskvcache.cli.BenchOperation;
import org.natskvcache.cli.BenchOptions;

/** What the turns came to, as text and as JSON. */
final class BenchReport {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final BenchOptions options;
  private final List<List<Load.Result>> turns = new ArrayList<>();

  BenchReport(BenchOptions options) {
    this.options = options;
    options.targets().forEach(target -> turns.add(new ArrayList<>()));
  }

  /** Adds a turn of the target of this index. */
  void add(int target, Load.Result result) {
    turns.get(target).add(result);
  }

  boolean allAnswered() {
    return turns.stream().flatMap(List::stream).allMatch(turn -> turn.tally().trouble().isEmpty());
  }

  private static double micros(Load.Result result, double percentile) {
    return result.tally().all().getValueAtPercentile(percentile) / 1e3;
  }

  private Tally sum(int target) {
    Tally sum = new Tally();
    turns.get(target).forEach(turn -> sum.add(turn.tally()));
    return sum;
  }

  /** Of the second target to the first, turn by turn; both have one turn at least. */
  private Spread ratio(ToDoubleFunction<Load.Result> figure) {
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < Math.min(turns.get(0).size(), turns.get(1).size()); i++) {
      double first = figure.applyAsDouble(turns.get(0).get(i));
      double second = figure.applyAsDouble(turns.get(1).get(i));
      if (first > 0) ratios.add(second / first);
    }
    return ratios.isEmpty() ? new Spread(0, 0, 0) : Spread.of(ratios);
  }

  private boolean comparable() {
    return turns.size() == 2 && !turns.get(1).isEmpty();
  }

  private Spread rate(int target) {
    return Spread.of(turns.get(target).stream().map(Load.Result::callsPerSecond).toList());
  }

  /** Lines of {@code name=value}. */
  String text(boolean interrupted) {
    var text = new Formatter(Locale.ROOT);
    for (int i = 0; i < turns.size() && !turns.get(i).isEmpty(); i++) {
      Tally sum = sum(i);
      text.format("target=%s turns=%d%n", options.targets().get(i), turns.get(i).size());
      text.format(
          "sent=%d answered=%d failed=%d warm-up-failed=%d%n",
          sum.sent, sum.answered(), sum.failed(), sum.warmUpFailures);
      sum.failures.forEach((kind, count) -> text.format("failed-%s=%d%n", kind, count));
      if (!sum.trouble().isEmpty()) text.format("first-failure=%s%n", sum.trouble());
      text.format("calls-per-second=%s%n", rate(i).text(0));
      for (BenchOperation operation : options.mix().keySet()) {
        latencies(text, operation.name().toLowerCase(Locale.ROOT), sum.of(operation));
      }
      if (options.mix().size() > 1) latencies(text, "all", sum.all());
    }
    if (comparable()) {
      text.format(
          "ratio of %s to %s: calls-per-second %s, p50 %s, p99 %s%n",
          options.targets().get(1),
          options.targets().get(0),
          ratio(Load.Result::callsPerSecond).text(2),
          ratio(result -> micros(result, 50)).text(2),
          ratio(result -> micros(result, 99)).text(2));
    }
    if (interrupted) text.format("interrupted=yes%n");
    return text.toString().stripTrailing();
  }

  private static void latencies(Formatter text, String name, Histogram of) {
    text.format(
        "op=%s answered=%d mean-us=%.0f p50-us=%.0f p90-us=%.0f p99-us=%.0f p99.9-us=%.0f max-us=%.0f%n",
        name,
        of.getTotalCount(),
        of.getMean() / 1e3,
        of.getValueAtPercentile(50) / 1e3,
        of.getValueAtPercentile(90) / 1e3,
        of.getValueAtPercentile(99) / 1e3,
        of.getValueAtPercentile(99.9) / 1e3,
        of.getMaxValue() / 1e3);
  }

  /** One object: the settings, each target with its turns, the ratios where there are two. */
  String json(boolean interrupted) {
    ObjectNode json = JSON.createObjectNode();
    ObjectNode settings = json.putObject("settings");
    settings.put("door", options.door().name().toLowerCase(Locale.ROOT));
    ObjectNode mix = settings.putObject("mix");
    options.mix().forEach((op, share) -> mix.put(op.name().toLowerCase(Locale.ROOT), share));
    settings
        .put("value_bytes", options.valueBytes())
        .put("keys", options.keys())
        .put("distribution", options.zipf() ? "zipf" : "uniform")
        .put("connections", options.connections())
        .put("in_flight", options.inFlight())
        .put("rate", options.rate())
        .put("warm_up_seconds", options.warmUpSeconds())
        .put("seconds", options.seconds())
        .put("calls", options.calls());
    var targets = json.putArray("targets");
    for (int i = 0; i < turns.size(); i++) {
      Tally sum = sum(i);
      ObjectNode target = targets.addObject().put("target", options.targets().get(i).toString());
      tally(target, sum);
      ObjectNode operations = target.putObject("operations");
      for (BenchOperation operation : options.mix().keySet()) {
        latencies(
            operations.putObject(operation.name().toLowerCase(Locale.ROOT)), sum.of(operation));
      }
      var list = target.putArray("turns");
      for (Load.Result turn : turns.get(i)) {
        ObjectNode one = list.addObject().put("calls_per_second", turn.callsPerSecond());
        tally(one, turn.tally());
        latencies(one, turn.tally().all());
      }
    }
    if (comparable()) {
      ObjectNode ratios = json.putObject("second_to_first");
      spread(ratios.putObject("calls_per_second"), ratio(Load.Result::callsPerSecond));
      spread(ratios.putObject("p50"), ratio(result -> micros(result, 50)));
      spread(ratios.putObject("p99"), ratio(result -> micros(result, 99)));
    }
    return json.put("interrupted", interrupted).toString();
  }

  private static void tally(ObjectNode json, Tally tally) {
    json.put("sent", tally.sent).put("answered", tally.answered()).put("failed", tally.failed());
    json.put("warm_up_failed", tally.warmUpFailures).put("first_failure", tally.trouble());
    ObjectNode kinds = json.putObject("failures");
    tally.failures.forEach(kinds::put);
  }

  private static void latencies(ObjectNode json, Histogram of) {
    json.put("latencies", of.getTotalCount()).put("mean_us", of.getMean() / 1e3);
    for (String percentile : List.of("50", "90", "99", "99.9")) {
      double value = of.getValueAtPercentile(Double.parseDouble(percentile)) / 1e3;
      json.put("p" + percentile.replace(".", "_") + "_us", value);
    }
    json.put("max_us", of.getMaxValue() / 1e3);
  }

  private static void spread(ObjectNode json, Spread spread) {
    json.put("median", spread.median()).put("least", spread.least()).put("most", spread.most());
  }
}
