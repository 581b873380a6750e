package org.natskvcache.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.Base64;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.jspecify.annotations.Nullable;
import org.natskvcache.rpc.SigningKey;

/**
 * A small NATS client: one blocking socket, no threads and no queues of its own. It does not
 * reconnect. What is written waits until {@link #flush}. One thread reads; whoever else writes must
 * share a lock with it. Source: the NATS client protocol.
 */
final class Wire implements AutoCloseable {
  /** Takes the messages of one read, on the reading thread. */
  interface Receiver {
    void message(WireMessage message) throws IOException;
  }

  private static final int CONNECT_MILLIS = 2_000;

  /** How long a read waits for something to come. */
  private static final int READ_MILLIS = 20;

  private static final int BUFFER_BYTES = 256 << 10;
  private static final int PORT = 4222;
  private static final byte[] CRLF = {'\r', '\n'};
  private static final byte[] PUB = {'P', 'U', 'B', ' '};
  private static final byte[] HPUB = {'H', 'P', 'U', 'B', ' '};

  private Socket socket;
  private InputStream in;
  private OutputStream out;
  private final WireMessage message = new WireMessage();
  private byte[] received = new byte[BUFFER_BYTES];
  private int position;
  private int end;
  private byte[] written = new byte[BUFFER_BYTES];
  private int size;
  private int subscription;
  private boolean ponged;
  private @Nullable String complaint;

  private Wire(Socket socket) throws IOException {
    this.socket = socket;
    in = socket.getInputStream();
    out = socket.getOutputStream();
    message.buffer = received;
  }

  /**
   * Connects and waits until the server has accepted us.
   *
   * @param url {@code [nats://|tls://][USER:PASSWORD@|TOKEN@]HOST[:PORT]}
   * @throws IOException also when the server wants what we cannot give; the message is one sentence
   *     without credentials
   */
  static Wire connect(String url, Access access) throws IOException {
    URI uri;
    try {
      uri = URI.create(url.contains("://") ? url : "nats://" + url);
    } catch (IllegalArgumentException e) {
      throw new IOException("the server's URL is none");
    }
    boolean tls = "tls".equals(uri.getScheme());
    if (!tls && !"nats".equals(uri.getScheme()) || uri.getHost() == null) {
      throw new IOException("the server's URL must be one nats://HOST[:PORT] or tls://HOST[:PORT]");
    }
    int port = uri.getPort() < 0 ? PORT : uri.getPort();
    Socket socket = new Socket();
    try {
      socket.setTcpNoDelay(true);
      socket.connect(new InetSocketAddress(uri.getHost(), port), CONNECT_MILLIS);
      socket.setSoTimeout(READ_MILLIS);
      Wire wire = new Wire(socket);
      JsonNode info = new ObjectMapper().readTree(wire.line().substring("INFO ".length()));
      if (tls || info.path("tls_required").asBoolean()) wire.encrypt(uri.getHost(), port, access);
      wire.introduce(info.path("nonce").asText(), uri.getUserInfo(), access);
      return wire;
    } catch (IOException e) {
      socket.close();
      throw new IOException(
          "no connection to " + uri.getHost() + ":" + port + ": " + e.getMessage(), e);
    }
  }

  private void encrypt(String host, int port, Access access) throws IOException {
    try {
      SSLContext context = access.tls() == null ? SSLContext.getDefault() : access.tls();
      SSLSocket over =
          (SSLSocket) context.getSocketFactory().createSocket(socket, host, port, true);
      SSLParameters parameters = over.getSSLParameters();
      parameters.setEndpointIdentificationAlgorithm("HTTPS");
      over.setSSLParameters(parameters);
      over.setSoTimeout(CONNECT_MILLIS);
      over.startHandshake();
      over.setSoTimeout(READ_MILLIS);
      socket = over;
      in = over.getInputStream();
      out = over.getOutputStream();
    } catch (NoSuchAlgorithmException e) {
      throw new IOException("no TLS: " + e.getMessage(), e);
    }
  }

  private void introduce(String nonce, @Nullable String userInfo, Access access)
      throws IOException {
    ObjectNode connect =
        new ObjectMapper()
            .createObjectNode()
            .put("verbose", false)
            .put("pedantic", false)
            .put("lang", "java")
            .put("version", "0")
            .put("name", "nats-kvcache bench")
            .put("protocol", 1)
            .put("headers", true)
            .put("no_responders", true);
    if (userInfo != null) {
      String[] login = userInfo.split(":", 2);
      if (login.length == 1) connect.put("auth_token", login[0]);
      else connect.put("user", login[0]).put("pass", login[1]);
    }
    SigningKey user = access.user();
    if (user != null) {
      byte[] signature = user.sign(nonce.getBytes(StandardCharsets.US_ASCII));
      connect.put("sig", Base64.getUrlEncoder().withoutPadding().encodeToString(signature));
      if (access.jwt() != null) connect.put("jwt", access.jwt());
      else connect.put("nkey", user.publicKey().text());
    }
    text("CONNECT " + connect + "\r\n");
    sync();
  }

  private String line() throws IOException {
    long deadline = System.nanoTime() + CONNECT_MILLIS * 1_000_000L;
    while (System.nanoTime() < deadline) {
      read();
      int eol = endOfLine();
      if (eol < 0) continue;
      String line = new String(received, position, eol - position, StandardCharsets.UTF_8);
      position = eol + 1;
      if (line.startsWith("INFO ")) return line;
      break;
    }
    throw new IOException("it is no NATS server");
  }

  /** Subscribes instead of what was subscribed before; what came for that is gone. */
  void subscribe(String subject) throws IOException {
    if (subscription > 0) text("UNSUB " + subscription + "\r\n");
    text("SUB " + subject + " " + ++subscription + "\r\n");
    sync();
  }

  /**
   * Waits until the server has done all that was written; messages that come meanwhile are gone.
   */
  void sync() throws IOException {
    text("PING\r\n");
    flush();
    ponged = false;
    long deadline = System.nanoTime() + CONNECT_MILLIS * 1_000_000L;
    while (!ponged) {
      read();
      dispatch(ignored -> {});
      if (complaint != null) throw new IOException("the server says " + complaint);
      if (System.nanoTime() > deadline) throw new IOException("the server does not answer");
    }
  }

  /** What the server complained about last; null for nothing. */
  @Nullable String complaint() {
    return complaint;
  }

  void text(String text) {
    raw(text.getBytes(StandardCharsets.UTF_8));
  }

  Wire raw(byte[] bytes) {
    return raw(bytes, 0, bytes.length);
  }

  Wire raw(byte[] bytes, int from, int length) {
    room(length);
    System.arraycopy(bytes, from, written, size, length);
    size += length;
    return this;
  }

  Wire space() {
    room(1);
    written[size++] = ' ';
    return this;
  }

  /** Writes a number, at least 0, in decimal. */
  Wire number(long number) {
    int digits = 1;
    for (long rest = number; rest >= 10; rest /= 10) digits++;
    room(digits);
    long rest = number;
    for (int i = size + digits - 1; i >= size; i--) {
      written[i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    size += digits;
    return this;
  }

  /** Begins a message; subject, and perhaps a reply subject, follow, then {@link #body}. */
  Wire publish(boolean headers) {
    return raw(headers ? HPUB : PUB);
  }

  /**
   * Ends a message.
   *
   * @param headers whole, with their version and end; empty for none, as begun
   */
  void body(byte[] headers, byte[] body) {
    space();
    if (headers.length > 0) number(headers.length).space();
    number((long) headers.length + body.length).raw(CRLF).raw(headers).raw(body).raw(CRLF);
  }

  private void room(int more) {
    if (more > written.length - size) {
      written = Arrays.copyOf(written, Math.max(2 * written.length, size + more));
    }
  }

  void flush() throws IOException {
    out.write(written, 0, size);
    size = 0;
  }

  /** Waits for more a moment; hands nothing out. */
  void read() throws IOException {
    if (position == end) {
      position = end = 0;
    } else if (end == received.length) {
      if (position > 0) {
        System.arraycopy(received, position, received, 0, end - position);
        end -= position;
        position = 0;
      } else {
        received = Arrays.copyOf(received, 2 * received.length);
        message.buffer = received;
      }
    }
    try {
      int count = in.read(received, end, received.length - end);
      if (count < 0) throw new EOFException("the server closed the connection");
      end += count;
    } catch (SocketTimeoutException e) {
      // nothing came: the caller looks at its clock
    }
  }

  /** Hands out what was read, and writes what the server asked for. */
  void dispatch(Receiver receiver) throws IOException {
    while (next(receiver)) {
      // one after the other
    }
  }

  private int endOfLine() {
    for (int i = position; i < end; i++) if (received[i] == '\n') return i;
    return -1;
  }

  private boolean next(Receiver receiver) throws IOException {
    int eol = endOfLine();
    if (eol < 0) return false;
    switch (received[position]) {
      case 'M' -> {
        return message(receiver, eol, false);
      }
      case 'H' -> {
        return message(receiver, eol, true);
      }
      case 'P' -> {
        if (received[position + 1] == 'I') text("PONG\r\n");
        else ponged = true;
      }
      case '-' ->
          complaint =
              new String(received, position, eol - position, StandardCharsets.UTF_8).strip();
      default -> {
        // INFO anew, which says nothing we need
      }
    }
    position = eol + 1;
    return true;
  }

  /** {@code MSG subject sid [reply] size}, {@code HMSG subject sid [reply] headers size}. */
  private boolean message(Receiver receiver, int eol, boolean headers) throws IOException {
    int at = position + (headers ? 5 : 4);
    message.subjectAt = at;
    at = endOfWord(at);
    message.subjectLength = at - message.subjectAt;
    at = endOfWord(at + 1) + 1; // the subscription's id
    int word = at;
    int words = 1;
    for (int i = at; i < eol; i++) if (received[i] == ' ') words++;
    boolean reply = words == (headers ? 3 : 2);
    message.replyAt = word;
    message.replyLength = reply ? endOfWord(word) - word : 0;
    if (reply) word = endOfWord(word) + 1;
    int headersLength = 0;
    if (headers) {
      headersLength = parse(word, endOfWord(word));
      word = endOfWord(word) + 1;
    }
    int total = parse(word, endOfWord(word));
    int body = eol + 1;
    if (body + total + 2 > end) return false;
    message.headersAt = body;
    message.headersLength = headersLength;
    message.bodyAt = body + headersLength;
    message.bodyLength = total - headersLength;
    position = body + total + 2;
    receiver.message(message);
    return true;
  }

  private int endOfWord(int from) {
    int at = from;
    while (received[at] != ' ' && received[at] != '\r' && received[at] != '\n') at++;
    return at;
  }

  private int parse(int from, int to) throws IOException {
    int number = 0;
    for (int i = from; i < to; i++) {
      if (received[i] < '0' || received[i] > '9')
        throw new IOException("the server sent no number");
      number = number * 10 + received[i] - '0';
    }
    return number;
  }

  @Override
  public void close() {
    try {
      socket.close();
    } catch (IOException e) {
      // it is gone, which is what we want
    }
  }
}
