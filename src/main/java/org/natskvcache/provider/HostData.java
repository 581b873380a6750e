package org.natskvcache.provider;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import org.natskvcache.rpc.LinkDefinition;
import org.natskvcache.rpc.Nkey;

/**
 * What a host of 0.50 to 0.82 tells us at start: one line on standard input, base64 of a JSON
 * object. Fields that are missing or null read as empty. Prints without secrets.
 *
 * @param hostId public key of the host; shutdown requests name it
 * @param lattice the token after {@code wasmbus.rpc.}
 * @param linkName name of this provider instance
 * @param providerKey our public key
 * @param instanceId opaque
 * @param latticeServers where the lattice is; the local server when the host names none
 * @param userJwt NATS user JWT for the lattice; empty for none
 * @param userSeed NATS user seed for the lattice; empty for none
 * @param clusterIssuers keys that may sign invocations; none refuses every call
 * @param links what is linked already
 * @param config the operator's start configuration, {@code config_json}
 * @param structuredLogging whether log lines are to be JSON
 * @param logLevel as sent; empty for none
 */
public record HostData(
    String hostId,
    String lattice,
    String linkName,
    String providerKey,
    String instanceId,
    List<ServerUrl> latticeServers,
    String userJwt,
    String userSeed,
    Set<String> clusterIssuers,
    List<LinkDefinition> links,
    SortedMap<String, String> config,
    boolean structuredLogging,
    String logLevel) {
  /** Longest line we read, bytes. */
  public static final int LINE_BYTES_MAX = 16 << 20;

  private static final int CHUNK_BYTES = 8192;

  /**
   * Reads the first line and nothing after it. The stream stays open: an Elixir host keeps the
   * other end for our whole life, a Rust host has closed it already; its end means nothing.
   */
  public static HostData read(InputStream in) throws HostDataException {
    try {
      return HostDataParser.parse(firstLine(in));
    } catch (IOException e) {
      throw new HostDataException("host data could not be read from standard input");
    }
  }

  private static byte[] firstLine(InputStream in) throws IOException, HostDataException {
    var line = new ByteArrayOutputStream();
    byte[] chunk = new byte[CHUNK_BYTES];
    for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
      int end = 0;
      while (end < read && chunk[end] != '\n') {
        end++;
      }
      line.write(chunk, 0, end);
      if (line.size() > LINE_BYTES_MAX) {
        throw new HostDataException("host data is longer than " + LINE_BYTES_MAX + " bytes");
      }
      if (end < read) {
        break;
      }
    }
    return line.toByteArray();
  }

  /** Checks what a provider cannot run without; what the smallest readable object leaves out. */
  public HostData checkedForStart() throws HostDataException {
    var missing = new ArrayList<String>();
    Map.of("lattice_rpc_prefix", lattice, "link_name", linkName, "provider_key", providerKey)
        .forEach((name, value) -> {
          if (value.isEmpty()) {
            missing.add(name);
          }
        });
    if (!missing.isEmpty()) {
      missing.sort(null);
      throw new HostDataException("host data lacks " + String.join(", ", missing));
    }
    String wrong = Subjects.problem("wasmbus.rpc." + lattice + "." + providerKey + "." + linkName);
    if (!wrong.isEmpty()) {
      throw new HostDataException(
          "the subject of lattice_rpc_prefix, provider_key and link_name " + wrong);
    }
    if (!userSeed.isEmpty() && Nkey.parseSeed(userSeed).isEmpty()) {
      throw new HostDataException("lattice_rpc_user_seed is not an nkey seed");
    }
    return this;
  }

  @Override
  public String toString() {
    return "host="
        + hostId
        + " lattice="
        + lattice
        + " link="
        + linkName
        + " provider="
        + providerKey
        + " servers="
        + latticeServers
        + " issuers="
        + clusterIssuers.size()
        + " links="
        + links.size()
        + " config="
        + config.keySet();
  }
}
