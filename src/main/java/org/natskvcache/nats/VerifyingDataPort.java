package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.Options;
import io.nats.client.impl.SocketDataPort;
import java.io.IOException;
import java.net.URI;
import java.util.regex.Pattern;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;

/**
 * The NATS client's socket, with the check it leaves out (jnats 2.26.2, SocketDataPort): that the
 * server's certificate is for the host we meant to reach. Without it anybody with any certificate
 * of a trusted authority could stand in for the server.
 *
 * <p>Public, with a public constructor, because the client makes it by name.
 */
public class VerifyingDataPort extends SocketDataPort {
  private static final Pattern ADDRESS = Pattern.compile("[0-9.]+|\\[.*]");

  /** For the NATS client. */
  public VerifyingDataPort() {}

  @Override
  public void upgradeToSecure() throws IOException {
    Connection ours = connection; // its own class is not ours to name
    Options options = ours.getOptions();
    var factory = ConnectorEvents.tlsOf(ours).getSocketFactory();
    SSLSocket secure = (SSLSocket) factory.createSocket(socket, certifiedName(options), port, true);
    SSLParameters parameters = secure.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm(
        "HTTPS"); // RFC 2818: the names in the certificate
    secure.setSSLParameters(parameters);
    // Returns when done; the client bounds the time by closing the socket.
    secure.startHandshake();
    socket = secure;
    in = secure.getInputStream();
    out = secure.getOutputStream();
    isSecure = true;
  }

  /**
   * The name the certificate has to be for. Clusters tell clients of their other members by bare
   * address, which certificates seldom name; for those it is the name we were configured with, as
   * in the Go client.
   */
  private String certifiedName(Options options) {
    var configured = options.getServers().stream().map(URI::getHost).toList();
    boolean address = ADDRESS.matcher(host).matches();
    if (address && !configured.contains(host)) {
      return configured.stream()
          .filter(name -> !ADDRESS.matcher(name).matches())
          .findFirst()
          .orElse(unbracketed(host));
    }
    return unbracketed(host);
  }

  private static String unbracketed(String host) {
    return host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
  }
}
