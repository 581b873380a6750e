package org.natskvcache.rpc.wasmbus;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;

/**
 * The body of a shutdown request: empty from hosts before 0.59, later {@code {"host_id":"N..."}}.
 * All instances on all hosts get each request.
 */
public final class ShutdownRequest {
  /** What to answer once everything that must survive is done. */
  public static final String REPLY = "shutting down";

  private static final ObjectMapper JSON = new ObjectMapper();

  private ShutdownRequest() {}

  /**
   * Whether the instance started by {@code hostId} is meant.
   *
   * @param hostId empty for an instance that no host started: nobody may stop that
   * @param hostNamesItself whether that host is known to name itself. Else a body that names nobody
   *     is from an older host, and means all
   */
  public static boolean isFor(String hostId, boolean hostNamesItself, byte[] body) {
    if (hostId.isEmpty()) return false;
    String named = hostNamedBy(body);
    return named.equals(hostId) || named.isEmpty() && !hostNamesItself;
  }

  private static String hostNamedBy(byte[] body) {
    try {
      JsonNode node = JSON.readTree(body);
      return node == null ? "" : node.path("host_id").asText("");
    } catch (IOException notJson) {
      return ""; // names nobody, as in the reference
    }
  }
}
