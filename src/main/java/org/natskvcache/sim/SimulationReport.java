package org.natskvcache.sim;

import java.util.LinkedHashMap;
import java.util.Map;
import org.natskvcache.crdt.Hash64;

/** What was done and checked, summed over schedules. */
public final class SimulationReport {
  public long schedules;
  public long shortLived;
  public long mutations;
  public long sent;
  public long lost;
  public long repeated;
  public long damaged;
  public long cutMessages;
  public long partitions;
  public long disconnects;
  public long toldAlone;
  public long forged;
  public long renamed;
  public long crashes;
  public long leaves;
  public long rejoins;
  public long pauses;
  public long clockJumps;
  public long snapshots;
  public long expired;
  public long writesUnderExpired;
  public long forgotten;
  public long startedOver;
  public long strangers;

  /** Instances that met an operation of a later release. */
  public long outdated;

  public long refused;
  public long evicted;
  public long lies;
  public long liesRefused;
  public long payloadChanges;
  public long announced;
  public long contentChecks;
  public long digestChecks;

  /** A hash of every frame published, of one schedule after the other. */
  public long traceHash;

  /** Adds the counts of another report. */
  public void add(SimulationReport other) {
    schedules += other.schedules;
    shortLived += other.shortLived;
    mutations += other.mutations;
    sent += other.sent;
    lost += other.lost;
    repeated += other.repeated;
    damaged += other.damaged;
    cutMessages += other.cutMessages;
    partitions += other.partitions;
    disconnects += other.disconnects;
    toldAlone += other.toldAlone;
    forged += other.forged;
    renamed += other.renamed;
    crashes += other.crashes;
    leaves += other.leaves;
    rejoins += other.rejoins;
    pauses += other.pauses;
    clockJumps += other.clockJumps;
    snapshots += other.snapshots;
    expired += other.expired;
    writesUnderExpired += other.writesUnderExpired;
    forgotten += other.forgotten;
    startedOver += other.startedOver;
    strangers += other.strangers;
    outdated += other.outdated;
    refused += other.refused;
    evicted += other.evicted;
    lies += other.lies;
    liesRefused += other.liesRefused;
    payloadChanges += other.payloadChanges;
    announced += other.announced;
    contentChecks += other.contentChecks;
    digestChecks += other.digestChecks;
    traceHash = Hash64.chain(traceHash, other.traceHash);
  }

  /** The counts by name, in the order they are told in. */
  public Map<String, Long> counts() {
    Map<String, Long> counts = new LinkedHashMap<>();
    counts.put("schedules", schedules);
    counts.put("shortLived", shortLived);
    counts.put("mutations", mutations);
    counts.put("messages", sent);
    counts.put("lost", lost);
    counts.put("repeated", repeated);
    counts.put("damaged", damaged);
    counts.put("cut", cutMessages);
    counts.put("partitions", partitions);
    counts.put("disconnects", disconnects);
    counts.put("toldAlone", toldAlone);
    counts.put("forged", forged);
    counts.put("renamed", renamed);
    counts.put("crashes", crashes);
    counts.put("leaves", leaves);
    counts.put("rejoins", rejoins);
    counts.put("pauses", pauses);
    counts.put("clockJumps", clockJumps);
    counts.put("snapshots", snapshots);
    counts.put("expired", expired);
    counts.put("writesUnderExpired", writesUnderExpired);
    counts.put("refused", refused);
    counts.put("evicted", evicted);
    counts.put("forgotten", forgotten);
    counts.put("startedOver", startedOver);
    counts.put("outdated", outdated);
    counts.put("lies", lies);
    counts.put("liesRefused", liesRefused);
    counts.put("strangers", strangers);
    counts.put("payloadChanges", payloadChanges);
    counts.put("announced", announced);
    counts.put("contentChecks", contentChecks);
    counts.put("digestChecks", digestChecks);
    return counts;
  }

  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    counts().forEach((name, count) -> text.append(name).append('=').append(count).append(' '));
    return text.toString().strip();
  }
}
