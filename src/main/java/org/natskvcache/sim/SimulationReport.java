package org.natskvcache.sim;

/** What was done and checked, summed over schedules. */
public final class SimulationReport {
  public long schedules;
  public long mutations;
  public long sent;
  public long lost;
  public long repeated;
  public long damaged;
  public long cutMessages;
  public long partitions;
  public long disconnects;
  public long crashes;
  public long leaves;
  public long rejoins;
  public long pauses;
  public long clockJumps;
  public long snapshots;
  public long expired;
  public long refused;
  public long evicted;
  public long contentChecks;
  public long digestChecks;
  public long traceHash;

  /** Adds the counts of another report. */
  public void add(SimulationReport other) {
    schedules += other.schedules;
    mutations += other.mutations;
    sent += other.sent;
    lost += other.lost;
    repeated += other.repeated;
    damaged += other.damaged;
    cutMessages += other.cutMessages;
    partitions += other.partitions;
    disconnects += other.disconnects;
    crashes += other.crashes;
    leaves += other.leaves;
    rejoins += other.rejoins;
    pauses += other.pauses;
    clockJumps += other.clockJumps;
    snapshots += other.snapshots;
    expired += other.expired;
    refused += other.refused;
    evicted += other.evicted;
    contentChecks += other.contentChecks;
    digestChecks += other.digestChecks;
  }

  @Override
  public String toString() {
    return "schedules="
        + schedules
        + " mutations="
        + mutations
        + " messages="
        + sent
        + " lost="
        + lost
        + " repeated="
        + repeated
        + " damaged="
        + damaged
        + " cut="
        + cutMessages
        + " partitions="
        + partitions
        + " disconnects="
        + disconnects
        + " crashes="
        + crashes
        + " leaves="
        + leaves
        + " rejoins="
        + rejoins
        + " pauses="
        + pauses
        + " clockJumps="
        + clockJumps
        + " snapshots="
        + snapshots
        + " expired="
        + expired
        + " refused="
        + refused
        + " evicted="
        + evicted
        + " contentChecks="
        + contentChecks
        + " digestChecks="
        + digestChecks;
  }
}
