package org.natskvcache.bench;

import io.nats.client.Connection;
import io.nats.client.Nats;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * Goes through the exchange of a wRPC call (handshake, result, end marker) without looking at it.
 * Arguments: url, subject, bytes of the result.
 */
final class WrpcEchoResponder {
  private WrpcEchoResponder() {}

  public static void main(String[] args) throws Exception {
    Connection connection = Nats.connect(args[0]);
    byte[] result = "r".repeat(Integer.parseInt(args[2])).getBytes(StandardCharsets.US_ASCII);
    byte[] nothing = {};
    String inbox = connection.createInbox();
    connection
        .createDispatcher(m -> {
          if (m.getReplyTo() == null) return; // the end of the params
          String results = m.getReplyTo() + ".results";
          connection.publish(m.getReplyTo(), inbox + ".1", nothing);
          connection.publish(results, result);
          connection.publish(results, nothing);
        })
        .subscribe(args[1], "rpc")
        .subscribe(inbox + ".>");
    connection.flush(Duration.ofSeconds(2));
    System.out.println("ready");
    while (System.in.read() >= 0) {
      // until the one who started us is gone
    }
  }
}
