package org.natskvcache.cli.doctor;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.natskvcache.cli.shell.Quoted;
import org.natskvcache.crdt.OriginId;
import org.natskvcache.node.Diagnosis;
import org.natskvcache.node.Diagnosis.Difference;
import org.natskvcache.node.Diagnosis.Instance;
import org.natskvcache.node.Diagnosis.Pair;

/** A diagnosis in words. Instances are numbered in the order of their origins. */
public final class DoctorReport {
  private static final int MARKS_MAX = 20;

  private final String link;
  private final Diagnosis diagnosis;
  private final Map<OriginId, Integer> numbers = new TreeMap<>();

  public DoctorReport(String link, Diagnosis diagnosis) {
    this.link = link;
    this.diagnosis = diagnosis;
    for (Instance instance : diagnosis.instances()) {
      numbers.put(instance.origin(), numbers.size() + 1);
    }
  }

  /** For a person; lines are separated by {@code \n}, none at the end. */
  public String text() {
    List<String> lines = new ArrayList<>();
    lines.add("link " + link);
    if (!diagnosis.instances().isEmpty()) {
      table(lines, instances());
      missing(lines);
      if (diagnosis.instances().size() > 1) table(lines, agreement());
      table(lines, marks());
      differences(lines);
    }
    String shortfall = diagnosis.fewerThanExpected() ? shortfall() + "; " : "";
    lines.add("verdict: " + shortfall + verdict());
    return String.join("\n", lines);
  }

  private List<List<String>> instances() {
    List<List<String>> rows = new ArrayList<>();
    rows.add(
        List.of("", "instance", "state", "entries", "digest", "vector", "behind", "clock (ms)"));
    for (Instance one : diagnosis.instances()) {
      rows.add(
          List.of(
              number(one.origin()),
              one.origin().toString(),
              state(one) + (one.moving() ? ", moving" : ""),
              Long.toString(one.entries()),
              hex(one.digest()),
              hex(one.vectorHash()),
              Long.toString(one.behind()),
              "%+d ± %d".formatted(one.clockMillis(), (one.roundTripMillis() + 1) / 2)));
    }
    return rows;
  }

  private void missing(List<String> lines) {
    diagnosis
        .missing()
        .forEach((origin, by) ->
            lines.add(
                "no answer from "
                    + origin
                    + ", which counts as alive at "
                    + by.stream().map(this::number).toList().toString().replace(",", "")));
    if (!diagnosis.missing().isEmpty()) lines.add("");
  }

  private static String state(Instance one) {
    if (one.silent()) return "silent";
    if (one.live()) return "live";
    return one.outdated() ? "outdated" : "joining";
  }

  private List<List<String>> agreement() {
    List<List<String>> rows = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("agreement"));
    diagnosis.instances().forEach(one -> head.add(number(one.origin())));
    rows.add(head);
    for (Instance one : diagnosis.instances()) {
      List<String> row = new ArrayList<>(List.of(number(one.origin())));
      for (Instance other : diagnosis.instances()) row.add(agreement(one, other));
      rows.add(row);
    }
    return rows;
  }

  private String agreement(Instance one, Instance other) {
    for (Pair pair : diagnosis.pairs()) {
      boolean these =
          pair.one().equals(one.origin()) && pair.other().equals(other.origin())
              || pair.one().equals(other.origin()) && pair.other().equals(one.origin());
      if (!these) continue;
      return switch (pair.agreement()) {
        case EQUAL -> "equal";
        case MOVING ->
            "moving (" + pair.bucketsEqual() + " of " + diagnosis.buckets() + " buckets equal)";
        case BEHIND -> "other history";
        case DIVERGED -> "DIVERGED";
      };
    }
    return "-";
  }

  /** The marks that are not the same everywhere; all of them if all are the same. */
  private List<List<String>> marks() {
    TreeSet<OriginId> origins = new TreeSet<>();
    diagnosis.instances().forEach(one -> origins.addAll(one.vector().keySet()));
    List<OriginId> unequal = origins.stream().filter(origin -> !sameMark(origin)).toList();
    List<OriginId> shown = unequal.isEmpty() ? List.copyOf(origins) : unequal;
    List<List<String>> rows = new ArrayList<>();
    List<String> head =
        new ArrayList<>(List.of(unequal.isEmpty() ? "vector, the same" : "vectors, where unequal"));
    diagnosis.instances().forEach(one -> head.add(number(one.origin())));
    rows.add(head);
    int skipped = Math.max(0, shown.size() - MARKS_MAX); // the youngest matter most
    for (OriginId origin : shown.subList(skipped, shown.size())) {
      List<String> row = new ArrayList<>(List.of(origin.toString()));
      for (Instance one : diagnosis.instances()) {
        row.add(Long.toString(one.vector().getOrDefault(origin, 0L)));
      }
      rows.add(row);
    }
    if (skipped > 0) rows.add(List.of("and " + skipped + " older ones: see --json"));
    return rows;
  }

  private boolean sameMark(OriginId origin) {
    return diagnosis.instances().stream()
            .map(one -> one.vector().getOrDefault(origin, 0L))
            .distinct()
            .count()
        == 1;
  }

  private void differences(List<String> lines) {
    if (diagnosis.divergedBuckets().isEmpty()) return;
    lines.add("buckets that differ: " + join(diagnosis.divergedBuckets()));
    for (Difference each : diagnosis.differences()) {
      lines.add(
          "  bucket "
              + each.bucket()
              + "  key "
              + Quoted.of(each.key().raw())
              + "  "
              + holders(each.digests()));
    }
    if (diagnosis.differencesLeftOut() > 0) {
      lines.add("  and " + diagnosis.differencesLeftOut() + " more keys: see --keys");
    }
    if (diagnosis.bucketsLeftOut() > 0) {
      lines.add(
          "  and "
              + diagnosis.bucketsLeftOut()
              + " buckets whose keys were not compared: too many, or moving");
    }
    lines.add("");
  }

  private static String join(List<Integer> buckets) {
    String first =
        buckets.stream().limit(MARKS_MAX).map(String::valueOf).collect(Collectors.joining(", "));
    int more = buckets.size() - MARKS_MAX;
    return more > 0 ? first + " and " + more + " more" : first;
  }

  /** Who holds the same under a key, the most first: {@code [1 2] 00ab..., [3] nothing}. */
  private String holders(SortedMap<OriginId, Long> digests) {
    Map<Long, List<String>> byDigest = new TreeMap<>();
    digests.forEach((origin, digest) ->
        byDigest.computeIfAbsent(digest, d -> new ArrayList<>()).add(number(origin)));
    return byDigest.entrySet().stream()
        .sorted((a, b) -> b.getValue().size() - a.getValue().size())
        .map(group ->
            group.getValue().toString().replace(",", "")
                + " "
                + (group.getKey() == 0 ? "nothing" : hex(group.getKey())))
        .collect(Collectors.joining(", "));
  }

  private String shortfall() {
    int notLive = diagnosis.notLive();
    return "expected "
        + diagnosis.expected()
        + " instances, "
        + diagnosis.answered()
        + " answered"
        + (notLive == 0 ? "" : ", " + notLive + " of them not live");
  }

  private String verdict() {
    return switch (diagnosis.verdict()) {
      case AGREE ->
          diagnosis.instances().size() == 1
              ? "one instance, nobody to compare it with"
              : "all " + diagnosis.instances().size() + " instances agree";
      case NOBODY ->
          "no instance answered; if the cache has a REPLICATION_KEY, give its INSPECTION_KEY";
      case MOVING -> "moving: they are written to, and nothing that could be compared differs";
      case MISSING ->
          (diagnosis.missing().isEmpty()
                  ? ""
                  : "no answer from " + diagnosis.missing().size() + " that count as alive; ")
              + "those that answered do not differ";
      case BEHIND -> "not in step: some lack what others have, or do not answer any more";
      case OUTDATED -> "OUTDATED: some cannot follow their group, see docs/upgrade.md";
      case DIVERGED ->
          "DIVERGED: instances with the same history hold different data, "
              + diagnosis.divergedBuckets().size()
              + " buckets; a bug or a memory fault, see docs/operations.md";
    };
  }

  private String number(OriginId origin) {
    return String.valueOf(numbers.get(origin));
  }

  private static String hex(long word) {
    return String.format(Locale.ROOT, "%016x", word);
  }

  /** Adds rows with their columns aligned, and an empty line. */
  private static void table(List<String> lines, List<List<String>> rows) {
    int[] widths = new int[rows.getFirst().size()];
    for (List<String> row : rows) {
      if (row.size() < widths.length) continue;
      for (int i = 0; i < widths.length; i++) widths[i] = Math.max(widths[i], row.get(i).length());
    }
    for (List<String> row : rows) {
      StringBuilder line = new StringBuilder();
      for (int i = 0; i < row.size(); i++) {
        line.append(i == 0 ? "" : "  ").append(row.get(i));
        line.append(" ".repeat(Math.max(0, widths[i] - row.get(i).length())));
      }
      lines.add(line.toString().stripTrailing());
    }
    lines.add("");
  }

  /** For a program: one object on one line. 64-bit hashes and digests are hexadecimal. */
  public String json() {
    StringWriter text = new StringWriter();
    try (JsonGenerator out = new JsonFactory().createGenerator(text)) {
      out.writeStartObject();
      out.writeStringField("link", link);
      out.writeStringField("verdict", name(diagnosis.verdict()));
      if (diagnosis.expected() > 0) out.writeNumberField("expected", diagnosis.expected());
      out.writeNumberField("answered", diagnosis.answered());
      out.writeNumberField("buckets", diagnosis.buckets());
      out.writeArrayFieldStart("instances");
      for (Instance one : diagnosis.instances()) instance(one, out);
      out.writeEndArray();
      out.writeArrayFieldStart("missing");
      for (var missing : diagnosis.missing().entrySet()) {
        out.writeStartObject();
        out.writeStringField("origin", missing.getKey().toString());
        out.writeArrayFieldStart("aliveAt");
        for (OriginId by : missing.getValue()) out.writeString(by.toString());
        out.writeEndArray();
        out.writeEndObject();
      }
      out.writeEndArray();
      out.writeArrayFieldStart("pairs");
      for (Pair pair : diagnosis.pairs()) {
        out.writeStartObject();
        out.writeStringField("one", pair.one().toString());
        out.writeStringField("other", pair.other().toString());
        out.writeStringField("agreement", name(pair.agreement()));
        out.writeNumberField("bucketsEqual", pair.bucketsEqual());
        out.writeNumberField("bucketsDiverged", pair.bucketsDiverged());
        out.writeEndObject();
      }
      out.writeEndArray();
      out.writeArrayFieldStart("divergedBuckets");
      for (int bucket : diagnosis.divergedBuckets()) out.writeNumber(bucket);
      out.writeEndArray();
      out.writeArrayFieldStart("differences");
      for (Difference each : diagnosis.differences()) difference(each, out);
      out.writeEndArray();
      out.writeNumberField("differencesLeftOut", diagnosis.differencesLeftOut());
      out.writeNumberField("bucketsLeftOut", diagnosis.bucketsLeftOut());
      out.writeEndObject();
    } catch (IOException e) {
      throw new UncheckedIOException(e); // cannot happen: it is written to memory
    }
    return text.toString();
  }

  private static String name(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }

  private static void instance(Instance one, JsonGenerator out) throws IOException {
    out.writeStartObject();
    out.writeStringField("origin", one.origin().toString());
    out.writeStringField("state", state(one));
    out.writeBooleanField("moving", one.moving());
    out.writeNumberField("entries", one.entries());
    out.writeStringField("digest", hex(one.digest()));
    out.writeStringField("vectorHash", hex(one.vectorHash()));
    out.writeNumberField("behind", one.behind());
    out.writeNumberField("clockMillis", one.clockMillis());
    out.writeNumberField("roundTripMillis", one.roundTripMillis());
    out.writeObjectFieldStart("vector");
    for (var mark : one.vector().entrySet()) {
      out.writeNumberField(mark.getKey().toString(), mark.getValue());
    }
    out.writeEndObject();
    out.writeEndObject();
  }

  private static void difference(Difference each, JsonGenerator out) throws IOException {
    out.writeStartObject();
    out.writeNumberField("bucket", each.bucket());
    out.writeStringField("key", Quoted.of(each.key().raw()));
    out.writeStringField("keyHex", HexFormat.of().formatHex(each.key().raw().array()));
    out.writeObjectFieldStart("digests");
    for (var digest : each.digests().entrySet()) {
      out.writeStringField(digest.getKey().toString(), hex(digest.getValue()));
    }
    out.writeEndObject();
    out.writeEndObject();
  }
}
