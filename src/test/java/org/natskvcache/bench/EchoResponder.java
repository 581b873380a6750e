package org.natskvcache.bench;

import io.nats.client.Connection;
import io.nats.client.Nats;
import java.time.Duration;

/** Answers every message on a subject with so many bytes. Arguments: url, subject, bytes. */
final class EchoResponder {
  private EchoResponder() {}

  public static void main(String[] args) throws Exception {
    Connection connection = Nats.connect(args[0]);
    byte[] answer = new byte[Integer.parseInt(args[2])];
    connection
        .createDispatcher(m -> connection.publish(m.getReplyTo(), answer))
        .subscribe(args[1], "rpc");
    connection.flush(Duration.ofSeconds(2));
    System.out.println("ready");
    while (System.in.read() >= 0) {
      // until the one who started us is gone
    }
  }
}
