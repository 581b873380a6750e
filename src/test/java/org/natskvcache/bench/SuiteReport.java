package org.natskvcache.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.Formatter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.natskvcache.cli.BenchOperation;

/** The suite's figures as JSON, as Markdown tables and as a picture. */
final class SuiteReport {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int BAR = 18;
  private static final int WIDTH = 320;
  private static final int LABELS = 130;

  private final Suite.Settings settings;
  private final List<Suite.Row> rows;
  private final List<Responder> responders;

  SuiteReport(Suite.Settings settings, List<Suite.Row> rows, List<Responder> responders) {
    this.settings = settings;
    this.rows = rows;
    this.responders = responders;
  }

  String json() throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.putObject("settings")
        .put("seconds", settings.seconds())
        .put("warm_up_seconds", settings.warmUpSeconds())
        .put("turns", settings.turns())
        .put("java", Runtime.version().toString())
        .put("processors", Runtime.getRuntime().availableProcessors());
    var processes = json.putArray("processes");
    for (Responder responder : responders) {
      processes
          .addObject()
          .put("name", responder.label())
          .put("rss_idle_mib", responder.idleMiB())
          .put("rss_after_mib", responder.residentMiB())
          .set("start_ms", JSON.valueToTree(responder.startMillis()));
    }
    var measured = json.putArray("rows");
    for (Suite.Row row : rows) {
      ObjectNode one =
          measured
              .addObject()
              .put("door", row.door())
              .put("operation", name(row.operation()))
              .put("value_bytes", row.valueBytes())
              .put("in_flight", row.inFlight())
              .put("responder", row.responder())
              .put("failed", row.failed());
      one.set("calls_per_second", JSON.valueToTree(row.callsPerSecond()));
      one.set("p50_us", JSON.valueToTree(row.p50Micros()));
      one.set("p99_us", JSON.valueToTree(row.p99Micros()));
      one.set("cpu_us", JSON.valueToTree(row.cpuMicros()));
      one.set("ratio_to_echo", JSON.valueToTree(row.ratioToEcho()));
    }
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n";
  }

  private static String name(BenchOperation operation) {
    return operation.name().toLowerCase(Locale.ROOT);
  }

  /** Rows that differ in the responder only, under what they have in common. */
  private Map<String, List<Suite.Row>> groups() {
    return rows.stream()
        .collect(
            Collectors.groupingBy(
                row ->
                    row.door()
                        + " "
                        + name(row.operation())
                        + (row.operation() == BenchOperation.INCREMENT
                            ? ""
                            : ", " + row.valueBytes() + " B"),
                LinkedHashMap::new,
                Collectors.toList()));
  }

  String markdown() throws IOException {
    var text = new Formatter(Locale.ROOT);
    text.format(
        "| | start to first answer, ms | RSS idle, MiB | after all calls |%n|---|---|---|---|%n");
    for (Responder responder : responders) {
      text.format(
          "| %s | %s | %.0f | %.0f |%n",
          responder.label(),
          responder.startMillis().text(0),
          responder.idleMiB(),
          responder.residentMiB());
    }
    groups()
        .forEach((title, group) -> {
          text.format("%n**%s**%n%n", title);
          text.format(
              "| in flight | | calls/s | p50, us | p99, us | CPU, us a call | to the echo |%n|---|---|---|---|---|---|---|%n");
          for (Suite.Row row : group) {
            text.format(
                "| %d | %s%s | %.0f | %.0f | %.0f | %.1f | %s |%n",
                row.inFlight(),
                row.responder(),
                row.failed() == 0 ? "" : " (" + row.failed() + " calls failed)",
                row.callsPerSecond().median(),
                row.p50Micros().median(),
                row.p99Micros().median(),
                row.cpuMicros().median(),
                row.ratioToEcho().text(2));
          }
        });
    return text.toString();
  }

  /** Calls a second as bars, a column for each number in flight; each panel has its own scale. */
  String svg() {
    var body = new StringBuilder();
    int y = 20;
    for (var group : groups().entrySet()) {
      body.append(text(0, y, group.getKey() + ": calls/s, median and range", "bold"));
      Map<Integer, List<Suite.Row>> columns =
          group.getValue().stream()
              .collect(
                  Collectors.groupingBy(
                      Suite.Row::inFlight, LinkedHashMap::new, Collectors.toList()));
      int x = 0;
      int lines = 0;
      for (var column : columns.entrySet()) {
        body.append(text(x + LABELS, y + BAR, column.getKey() + " in flight", "normal"));
        panel(body, x, y + BAR + 6, column.getValue());
        x += WIDTH + LABELS;
        lines = Math.max(lines, column.getValue().size());
      }
      y += (lines + 2) * BAR + 20;
    }
    int width = settings.windows().length * (WIDTH + LABELS);
    return String.format(
        Locale.ROOT,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\""
            + " font-size=\"12\"><rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>%s</svg>%n",
        width,
        y,
        body);
  }

  private static void panel(StringBuilder body, int x, int y, List<Suite.Row> rows) {
    double most = rows.stream().mapToDouble(row -> row.callsPerSecond().most()).max().orElse(1);
    double scale = (WIDTH - 70) / most;
    int top = y;
    for (Suite.Row row : rows) {
      Spread calls = row.callsPerSecond();
      boolean ours = row.responder().startsWith("nats-kvcache");
      body.append(text(x, top + 13, row.responder(), "normal"));
      body.append(
          String.format(
              Locale.ROOT,
              "<rect x=\"%d\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>"
                  + "<path d=\"M%.1f %dH%.1f\" stroke=\"black\"/>",
              x + LABELS,
              top + 2,
              calls.median() * scale,
              BAR - 4,
              ours ? "#2b7bba" : "#b8c4ce",
              x + LABELS + calls.least() * scale,
              top + BAR / 2,
              x + LABELS + calls.most() * scale));
      int right = (int) (x + LABELS + calls.most() * scale) + 5;
      body.append(
          text(right, top + 13, String.format(Locale.ROOT, "%,.0f", calls.median()), "normal"));
      top += BAR;
    }
  }

  private static String text(int x, int y, String text, String weight) {
    return "<text x=\""
        + x
        + "\" y=\""
        + y
        + "\" font-weight=\""
        + weight
        + "\">"
        + text
        + "</text>";
  }
}
