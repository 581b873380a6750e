package org.natskvcache.provider;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;

/** Reads {@code otel_config}; never fails. */
final class OtelConfigParser {
  private final JsonNode object;
  private final List<String> problems = new ArrayList<>();

  private OtelConfigParser(JsonNode object) {
    this.object = object;
  }

  static OtelConfig parse(JsonNode object) {
    return new OtelConfigParser(object).parse();
  }

  private OtelConfig parse() {
    boolean all = flag("enable_observability", false);
    if (flag("enable_logs", false)) {
      problems.add("enable_logs is not supported: logs go to standard error");
    }
    return new OtelConfig(
        flag("enable_traces", all),
        flag("enable_metrics", all),
        grpc(),
        text("observability_endpoint"),
        text("traces_endpoint"),
        text("metrics_endpoint"),
        caFiles(),
        text("traces_sampler"),
        text("traces_sampler_arg"),
        queuedSpansMax(),
        problems);
  }

  private boolean flag(String name, boolean otherwise) {
    JsonNode node = object.path(name);
    if (isAbsent(node)) return otherwise;
    if (node.isBoolean()) return node.booleanValue();
    problems.add(name + " is neither true nor false");
    return otherwise;
  }

  private boolean grpc() {
    String protocol = text("protocol");
    if (protocol.equalsIgnoreCase("grpc")) return true;
    if (!protocol.isEmpty() && !protocol.equalsIgnoreCase("http")) {
      problems.add("protocol is neither Http nor Grpc");
    }
    return false;
  }

  private String text(String name) {
    JsonNode node = object.path(name);
    if (node.isTextual()) return node.textValue().strip();
    if (!isAbsent(node)) problems.add(name + " is no text");
    return "";
  }

  private List<String> caFiles() {
    JsonNode list = object.path("additional_ca_paths");
    List<String> files = new ArrayList<>();
    for (JsonNode file : list) {
      if (file.isTextual() && !file.textValue().isBlank()) files.add(file.textValue());
    }
    if (!isAbsent(list) && (!list.isArray() || files.size() < list.size())) {
      problems.add("additional_ca_paths is no list of file names");
    }
    return files;
  }

  private int queuedSpansMax() {
    JsonNode node = object.path("max_batch_queue_size");
    if (isAbsent(node)) return 0;
    if (node.canConvertToInt() && node.isIntegralNumber() && node.intValue() > 0) {
      return node.intValue();
    }
    problems.add("max_batch_queue_size is no number above 0");
    return 0;
  }

  private static boolean isAbsent(JsonNode node) {
    return node.isMissingNode() || node.isNull();
  }
}
