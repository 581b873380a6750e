package org.natskvcache.provider;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.natskvcache.rpc.Credentials;
import org.natskvcache.rpc.LinkDefinition;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.wrpc.InterfaceLink;

/**
 * What a host tells us at start: one line on standard input, base64 of a JSON object. Fields that
 * are missing or null read as empty. Prints without secrets.
 *
 * @param hostId public key of the host; shutdown requests name it
 * @param lattice the token after {@code wasmbus.rpc.}
 * @param providerKey our id: a public key from hosts before 1.0, any text since
 * @param instanceId opaque
 * @param latticeServers where the lattice is; the local server when the host names none
 * @param userJwt NATS user JWT for the lattice; empty for none
 * @param userSeed NATS user seed for the lattice; empty for none
 * @param config the operator's configuration of this provider
 * @param secrets the operator's secrets for this provider, as text; none from hosts before 1.1
 * @param structuredLogging whether log lines are to be JSON
 * @param logLevel as sent; empty for none
 * @param contract what only hosts of one generation tell
 * @param malformedLinks a clause for each link that cannot be read and was left out; never a secret
 */
public record HostData(
    String hostId,
    String lattice,
    String providerKey,
    String instanceId,
    List<ServerUrl> latticeServers,
    String userJwt,
    String userSeed,
    SortedMap<String, String> config,
    SortedMap<String, String> secrets,
    boolean structuredLogging,
    String logLevel,
    Contract contract,
    List<String> malformedLinks) {
  /** What only hosts of one generation tell. */
  public sealed interface Contract {
    /**
     * Hosts 0.50 to 0.82: one process for each link name.
     *
     * @param linkName name of this provider instance
     * @param clusterIssuers keys that may sign invocations; none refuses every call
     * @param links what is linked already
     * @param jetStreamDomain where the lattice's JetStream is; empty for the server's own
     * @param hostNamesItself whether the host is one since 0.61, which names itself when it asks us
     *     to stop. Hosts before 0.59 send an empty message; those between cannot be told from them
     */
    record Wasmbus(
        String linkName,
        Set<String> clusterIssuers,
        List<LinkDefinition> links,
        String jetStreamDomain,
        boolean hostNamesItself)
        implements Contract {}

    /**
     * Hosts 1.0 to 1.9: one process for all link names.
     *
     * @param hostXkey the key that seals links' secrets, {@code X...}; empty from 1.0
     * @param providerXkeySeed ours, {@code SX...}; empty from 1.0
     * @param links what is linked already, as source or as target
     * @param otel what the host says of traces and metrics; null when it says nothing
     */
    record Wrpc(
        String hostXkey,
        String providerXkeySeed,
        List<InterfaceLink> links,
        @Nullable OtelConfig otel)
        implements Contract {
      @Override
      public String toString() {
        return "host_xkey=" + hostXkey + " links=" + links.size();
      }
    }
  }

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
    var names = new TreeMap<String, String>();
    names.put("lattice_rpc_prefix", lattice);
    names.put("provider_key", providerKey);
    if (contract instanceof Contract.Wasmbus wasmbus) names.put("link_name", wasmbus.linkName());
    List<String> missing =
        names.keySet().stream().filter(name -> names.getOrDefault(name, "").isEmpty()).toList();
    if (!missing.isEmpty()) {
      throw new HostDataException("host data lacks " + String.join(", ", missing));
    }
    String wrong = Subjects.problem("wasmbus.rpc." + String.join(".", names.values()));
    if (!wrong.isEmpty()) {
      throw new HostDataException(
          "the subject of " + String.join(", ", names.keySet()) + " " + wrong);
    }
    if (!userSeed.isEmpty() && !Credentials.isUserSeed(userSeed)) {
      throw new HostDataException("lattice_rpc_user_seed is not the seed of a user (SU...)");
    }
    if (!userJwt.isEmpty() && userSeed.isEmpty()) {
      throw new HostDataException("lattice_rpc_user_jwt needs lattice_rpc_user_seed beside it");
    }
    if (contract instanceof Contract.Wrpc wrpc) checkXkeys(wrpc);
    return this;
  }

  private static void checkXkeys(Contract.Wrpc wrpc) throws HostDataException {
    if (wrpc.hostXkey.isEmpty() && wrpc.providerXkeySeed.isEmpty()) {
      return; // a 1.0 host
    }
    if (!Nkey.isPublic(Nkey.Role.CURVE, wrpc.hostXkey)) {
      throw new HostDataException("host_xkey_public_key is not a public key X...");
    }
    if (Nkey.parseSeed(wrpc.providerXkeySeed).filter(s -> s.role() == Nkey.Role.CURVE).isEmpty()) {
      throw new HostDataException("provider_xkey_private_key is not a seed SX...");
    }
  }

  @Override
  public String toString() {
    return "host="
        + hostId
        + " lattice="
        + lattice
        + " provider="
        + providerKey
        + " servers="
        + latticeServers
        + " config="
        + config.keySet()
        + " secrets="
        + secrets.keySet()
        + " "
        + contract;
  }
}
