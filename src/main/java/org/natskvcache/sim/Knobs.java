package org.natskvcache.sim;

import java.util.random.RandomGenerator;
import org.natskvcache.crdt.Defect;
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
 * @param heartbeatMillis heartbeat period, milliseconds
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
    long heartbeatMillis,
    Limits limits,
    Defect defect) {
  static Knobs draw(RandomGenerator random, Defect defect) {
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
            100);
    return new Knobs(
        2 + random.nextInt(4),
        1 + random.nextInt(5),
        random.nextBoolean() ? 3 : 30,
        random.nextInt(4) * 0.1,
        random.nextInt(3) * 0.1,
        random.nextInt(3) * 0.02,
        1 + random.nextInt(80),
        random.nextInt(3) * 500,
        300 + random.nextInt(1_500),
        limits,
        defect);
  }
}
