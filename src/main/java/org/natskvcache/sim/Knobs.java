package org.natskvcache.sim;

import java.util.random.RandomGenerator;
import org.natskvcache.crdt.Defect;
import org.natskvcache.node.ClockLimits;
import org.natskvcache.store.Capacity;
import org.natskvcache.store.Limits;

/**
 * How much trouble one schedule makes; drawn anew for each, so that different faults meet.
 *
 * @param nodes how many instances, 2 to 5
 * @param keys how many keys they quarrel over
 * @param values how many values, members and items there are; with many, a list or set takes more
 *     than one chunk, which are small here
 * @param loss share of messages lost
 * @param repeat share of messages delivered twice
 * @param damage share of messages with a flipped bit or a missing end
 * @param delayMillisMax longest ordinary delay, milliseconds; the spread reorders
 * @param skewMillisMax how far clocks may be from true time, milliseconds
 * @param jumpMillisMax how far a clock may jump from true time until all heals, milliseconds; in
 *     some schedules many times the longest time to live
 * @param ttlMillisMax longest time to live, milliseconds
 * @param crashes how many of 1,000 actions are a crash, and how many an instance that leaves
 * @param heartbeatMillis heartbeat period, milliseconds
 * @param clocks in some schedules so tight that clocks in their range just pass
 */
record Knobs(
    int nodes,
    int keys,
    int values,
    double loss,
    double repeat,
    double damage,
    int delayMillisMax,
    int skewMillisMax,
    int jumpMillisMax,
    int ttlMillisMax,
    int crashes,
    long heartbeatMillis,
    ClockLimits clocks,
    Limits limits,
    Defect defect) {
  /** Of 1,000 actions, in schedules in which no instance lives long. */
  private static final int CRASHES_MANY = 25;

  static final int CRASHES_FEW = 3;

  private static final int JUMP_MILLIS_MAX = 30_000;

  /** Longer than a message is under way when all is calm. */
  private static final int SLACK_MILLIS = 10;

  static Knobs draw(RandomGenerator random, Defect defect) {
    boolean shortLives = random.nextInt(4) == 0;
    Limits limits =
        new Limits(
                1 << 10,
                1 << 16,
                1 << 20,
                6 + random.nextInt(60),
                1 << 20,
                5 + random.nextInt(40),
                1_000,
                200 + random.nextInt(2_000),
                300 + random.nextInt(4_000),
                20 + random.nextInt(300),
                1 + random.nextInt(3),
                2,
                100,
                2 + random.nextInt(shortLives ? 4 : 12))
            .withCapacity(capacity(random));
    boolean tight = random.nextInt(3) == 0;
    int skewMillisMax = random.nextInt(3) * 500;
    return new Knobs(
        2 + random.nextInt(4),
        1 + random.nextInt(5),
        random.nextBoolean() ? 3 : 30,
        random.nextInt(4) * 0.1,
        random.nextInt(3) * 0.1,
        random.nextInt(3) * 0.02,
        1 + random.nextInt(80),
        skewMillisMax,
        random.nextInt(6) == 0 ? JUMP_MILLIS_MAX : skewMillisMax,
        1 + random.nextInt(random.nextBoolean() ? 300 : 3_000),
        shortLives ? CRASHES_MANY : CRASHES_FEW,
        shortLives ? 100 + random.nextInt(200) : 300 + random.nextInt(1_500),
        tight ? new ClockLimits(1, 2L * skewMillisMax + SLACK_MILLIS) : ClockLimits.DEFAULTS,
        limits,
        defect);
  }

  /** Every third schedule is short of room. */
  private static Capacity capacity(RandomGenerator random) {
    if (random.nextInt(3) > 0) return Capacity.UNLIMITED;
    boolean byEntries = random.nextInt(4) == 0;
    return new Capacity(
        byEntries ? Capacity.NONE : 300 + random.nextInt(1_500),
        byEntries ? 1 + random.nextInt(4) : Capacity.NONE,
        random.nextBoolean() ? Capacity.Eviction.LRU : Capacity.Eviction.NONE);
  }
}
