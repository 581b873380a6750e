package org.natskvcache.cli;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code doctor} is to do.
 *
 * @param natsUrl the default {@code NATS_URL} of every link; null where each link names its own;
 *     holds credentials when it came from the environment
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

  /** Leaves out the URL, which may hold a password. */
  @Override
  public String toString() {
    return "DoctorOptions[links=" + links + "]";
  }
}
