package org.natskvcache.cli.shell;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.ReplicaStatus;
import org.natskvcache.store.Capacity;

/**
 * The longer answers: help, links, status, peers. Lines are separated by {@code \n}, none at the
 * end.
 */
final class Reports {
  private Reports() {}

  static String help() {
    int width = Verbs.all().stream().mapToInt(verb -> verb.usage().length()).max().orElse(0);
    List<String> lines = new ArrayList<>();
    for (Verb verb : Verbs.all()) lines.add(padded(verb.usage(), width) + "  " + verb.summary());
    lines.add("");
    lines.add(
        "Names in any case. \"double quotes\" with \\\" \\\\ \\n \\r \\t \\0 \\xHH, 'single quotes' literally.");
    return String.join("\n", lines);
  }

  static String links(List<String> links, String inUse) {
    List<String> lines = new ArrayList<>();
    for (String link : links) lines.add((link.equals(inUse) ? "* " : "  ") + link);
    return String.join("\n", lines);
  }

  static String status(String link, ReplicaStatus status) {
    List<String> lines = new ArrayList<>();
    row(lines, "link", link);
    row(lines, "state", status.state() + " for " + duration(status.stateMillis()));
    row(lines, "connected", connection(status));
    row(lines, "origin", status.origin().toString());
    row(lines, "entries", Long.toString(status.entries()));
    row(lines, "memory", memory(status.memory()));
    row(lines, "digest", String.format(Locale.ROOT, "%016x", status.digest()));
    row(lines, "held back", Integer.toString(status.heldBack()));
    row(lines, "peers", Integer.toString(status.peers().size()));
    if (status.state() == ReplicaStatus.State.OUTDATED) {
      row(lines, "outdated", String.valueOf(status.hindrance()));
    }
    String alarm = status.alarm();
    row(lines, "alarm", alarm == null ? "none" : alarm);
    for (String problem : status.problems()) row(lines, "problem", problem);
    for (String loss : status.losses()) row(lines, "refused", loss);
    String label = "vector";
    for (Map.Entry<OriginId, Long> mark : status.versionVector().entrySet()) {
      row(lines, label, mark.getKey() + " " + mark.getValue());
      label = "";
    }
    if (status.versionVector().isEmpty()) row(lines, label, "empty");
    return String.join("\n", lines);
  }

  static String peers(ReplicaStatus status) {
    if (status.peers().isEmpty()) return "(no peers)";
    List<String> lines = new ArrayList<>();
    for (ReplicaStatus.Peer peer : status.peers()) {
      lines.add(
          peer.origin()
              + "  "
              + padded(peer.state().toString(), 10)
              + "  "
              + padded(agreement(peer.agreement()), 19)
              + "  heard "
              + duration(peer.silentMillis())
              + " ago"
              + (peer.features() == 0 ? "" : "  features " + Long.toHexString(peer.features())));
    }
    return String.join("\n", lines);
  }

  private static String memory(ReplicaStatus.Memory memory) {
    return memory.bytes()
        + " bytes of "
        + (memory.bytesMax() == Capacity.NONE ? "any number" : memory.bytesMax())
        + ", "
        + memory.evicted()
        + " keys evicted, "
        + memory.refused()
        + " writes refused";
  }

  private static String connection(ReplicaStatus status) {
    if (status.state() == ReplicaStatus.State.STANDALONE) return "not replicated";
    if (status.connected()) return "yes";
    return status.hindrance() == null ? "no" : "no, " + status.hindrance();
  }

  private static String agreement(ReplicaStatus.Agreement agreement) {
    return switch (agreement) {
      case EQUAL -> "equal";
      case DIFFERENT_VECTORS -> "different vectors";
      case DIVERGED -> "DIVERGED";
      case UNKNOWN -> "not compared yet";
    };
  }

  private static String duration(long millis) {
    return millis < 10_000 ? millis + " ms" : millis / 1000 + " s";
  }

  private static void row(List<String> lines, String label, String value) {
    lines.add(padded(label, 11) + value);
  }

  private static String padded(String text, int width) {
    return text + " ".repeat(Math.max(0, width - text.length()));
  }
}
