package org.natskvcache.cli;

import java.nio.file.Path;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What {@code bench} is to measure.
 *
 * @param targets one, or two to be compared
 * @param mix shares of the operations, each at least 1
 * @param valueBytes size of the values that are set, from 0
 * @param keys how many keys there are, at least 1
 * @param zipf whether low keys are called more often (exponent 0.99), instead of all alike
 * @param connections at least 1
 * @param inFlight calls that wait for an answer at most, on all connections together, at least one
 *     for each
 * @param rate calls a second, begun on time whether or not others are answered; 0: the end of one
 *     begins the next
 * @param warmUpSeconds from 0
 * @param seconds how long to measure in each turn; 0: as long as {@code calls} take
 * @param calls how many to measure in each turn; 0: as many as there are in {@code seconds}
 * @param turns at least 1
 * @param timeoutMillis how long to wait for an answer, at least 1
 * @param login files for the connections
 * @param signingKey file of the key that signs wasmbus calls
 * @param json whether to print one JSON object
 */
public record BenchOptions(
    Door door,
    List<Target> targets,
    String link,
    String component,
    Map<BenchOperation, Integer> mix,
    int valueBytes,
    int keys,
    boolean zipf,
    int connections,
    int inFlight,
    double rate,
    double warmUpSeconds,
    double seconds,
    long calls,
    int turns,
    long timeoutMillis,
    Login login,
    @Nullable Path signingKey,
    boolean json) {
  /** Which contract is spoken. */
  public enum Door {
    WRPC,
    WASMBUS
  }

  /**
   * A provider on a server.
   *
   * @param natsUrl holds credentials when it came from the environment
   */
  public record Target(String natsUrl, String lattice, String providerId) {
    /** Leaves out the URL, which may hold a password. */
    @Override
    public String toString() {
      return lattice + "." + providerId;
    }
  }

  /**
   * What the servers of all targets are connected to with; each null where there is none.
   *
   * @param credentials a user's JWT and seed, or the seed alone
   * @param ca PEM certificates to trust instead of the system's
   * @param certificate PEM certificate chain of ours
   * @param key its private key, PEM PKCS#8
   */
  public record Login(
      @Nullable Path credentials,
      @Nullable Path ca,
      @Nullable Path certificate,
      @Nullable Path key) {}

  public BenchOptions {
    targets = List.copyOf(targets);
    mix = Collections.unmodifiableMap(new EnumMap<>(mix));
  }
}
