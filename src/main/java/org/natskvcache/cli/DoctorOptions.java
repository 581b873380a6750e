package org.natskvcache.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code doctor} is to do.
 *
 * @param natsUrl servers of {@code --nats-url}, which count before those of a file and of the
 *     environment; null when it is not given
 * @param links at least one, names distinct, in the order given
 * @param waitMillis how long to look at each, milliseconds, at least 1
 * @param keysMax most differing keys to name for each, at least 0
 * @param expected how many live instances are to answer for each at least; 0 for any number
 * @param json whether to print JSON, an object a line for each link
 */
public record DoctorOptions(
    @Nullable String natsUrl,
    List<LinkOptions> links,
    long waitMillis,
    int keysMax,
    int expected,
    boolean json,
    LogOptions logging) {
  public DoctorOptions {
    links = List.copyOf(links);
  }

  /** Without the servers. */
  @Override
  public String toString() {
    return "DoctorOptions[links=" + links + "]";
  }
}
