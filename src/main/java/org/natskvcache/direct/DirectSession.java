package org.natskvcache.direct;

import java.io.IOException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Failures;

/**
 * What goes through one socket. Reads are the client's reading thread's; writes are anybody's, each
 * of whole messages.
 *
 * <p>The client's reader ends at some bytes that any publisher may send, and tells nobody. So a
 * message whose headers the client cannot read gets question marks in place of the bytes that are
 * not ASCII. If that does not help, or if its first line is one the client cannot read, the message
 * is dropped.
 *
 * <pre>
 *   socket ──read──► messages of the line ──► receiver ──publish──┐
 *          │                                                      ▼
 *          └───────► all other bytes ──► the client ──write──► buffer ──► socket
 * </pre>
 */
public final class DirectSession {
  /** The socket. */
  public interface Wire {
    /** As {@link java.io.InputStream#read(byte[], int, int)}. */
    int read(byte[] into, int at, int length) throws IOException;

    /** Writes the first bytes of an array. */
    void write(byte[] bytes, int length) throws IOException;

    /** Ends it, so that a read in progress fails. */
    void close() throws IOException;
  }

  /** What the client makes of messages. */
  public interface Client {
    /** Whether it can read these headers. */
    boolean reads(byte[] headers);

    /** A message was dropped, or its headers changed. */
    void spared();
  }

  /** Some hundred calls fit; buffers that had to be larger for one message go back to this. */
  private static final int BUFFER_BYTES = 1 << 18;

  /**
   * So many messages leave before the rest of what was read is handled, if they are small: with
   * many calls in flight the server would wait for us and we for it. Larger ones are worth no
   * writes of their own.
   */
  private static final int MESSAGES_TOGETHER = 96;

  private static final int SMALL_BYTES = 1 << 15;

  /** Longest line of a server, its list of other servers. */
  private static final int LINE_BYTES_MAX = 1 << 20;

  private static final byte[] NOTHING = {};

  private static final byte[] OPERATION = {'P', 'U', 'B', ' '};

  /** What a PUB line takes besides its subjects: the words, the digits, both CRLFs. */
  private static final int LINE_BYTES = 4 + 1 + 1 + 10 + 4;

  private final DirectLine line;
  private final Wire wire;
  private final Client client;

  // of the reading thread
  private final Incoming incoming = new Incoming();
  private byte[] in;
  private int at;
  private int limit;
  private int passing;
  private int dropping;
  private int wanted;

  private final ReentrantLock lock = new ReentrantLock();
  // under the lock
  private byte[] out = NOTHING;
  private int waiting;
  private int waitingMessages;
  private @Nullable Thread collecting;
  private boolean broken;

  /**
   * Nothing went through it yet.
   *
   * @param line null when all messages are the client's
   */
  public DirectSession(@Nullable DirectLine line, Wire wire, Client client) {
    this.line = line == null ? new DirectLine() : line;
    this.wire = wire;
    this.client = client;
    in = new byte[line == null ? SMALL_BYTES : BUFFER_BYTES];
  }

  /**
   * Reads for the client. Messages of the line are handled here meanwhile; all their answers have
   * left when this returns or waits for more bytes.
   *
   * @return how many bytes, 1 at least, or -1 at the end
   */
  public int read(byte[] into, int from, int length) throws IOException {
    try {
      while (true) {
        int passed = advance(into, from, length);
        flush();
        if (passed > 0) return passed;
        int count = passing >= in.length ? readBody(into, from, length) : fill() ? 0 : -1;
        if (count < 0) end();
        if (count != 0) return count;
      }
    } catch (IOException | RuntimeException e) {
      end();
      throw e;
    }
  }

  /** What is left of a large body goes to where it is wanted. Nothing else has been read. */
  private int readBody(byte[] into, int from, int length) throws IOException {
    int count = wire.read(into, from, Math.min(length, passing));
    if (count > 0) passing -= count;
    return count;
  }

  /** Whether bytes were read that nobody has yet: there must be none when TLS begins. */
  public boolean holdsBytes() {
    return at < limit;
  }

  /** Handles and passes on what is there; how many bytes were passed on. */
  private int advance(byte[] into, int from, int length) throws IOException {
    int passed = 0;
    while (true) {
      int dropped = Math.min(dropping, limit - at);
      at += dropped;
      dropping -= dropped;
      if (passing > 0) {
        int some = Math.min(Math.min(passing, limit - at), length - passed);
        System.arraycopy(in, at, into, from + passed, some);
        at += some;
        passing -= some;
        passed += some;
        if (passing > 0) return passed; // no room, or no more bytes
      }
      int lineEnd = line(passed);
      if (lineEnd == limit) return passed;
      int size = incoming.size();
      Receiver receiver = size == 0 || !incoming.hasReadableLine() ? null : line.receiver(incoming);
      int needed = receiver == null ? incoming.sizeToBody() : size;
      if (limit - at < needed) {
        wanted = needed;
        return passed;
      }
      if (receiver != null) {
        at += size;
        handle(receiver);
      } else if (size == 0) {
        passing = lineEnd + 1 - at;
      } else if (isReadable()) {
        passing = size;
      } else {
        dropping = size;
      }
    }
  }

  /** As {@link Incoming#line}; fails only when all that came before was passed on. */
  private int line(int passed) throws IOException {
    try {
      int lineEnd = incoming.line(in, at, limit);
      if (lineEnd == limit && limit - at > LINE_BYTES_MAX) {
        throw new IOException("the server sent a line without an end");
      }
      return lineEnd;
    } catch (IOException e) {
      if (passed > 0) return limit;
      throw e;
    }
  }

  /** Whether the client can read this message, or can now. */
  private boolean isReadable() {
    boolean readable = incoming.hasReadableLine();
    boolean headers = incoming.sizeToBody() > 0;
    if (readable && (!headers || client.reads(incoming.headerBytes()))) return true;
    client.spared();
    if (!readable) return false;
    incoming.replaceInHeaders();
    return client.reads(incoming.headerBytes());
  }

  private void handle(Receiver receiver) {
    line.use(this);
    Thread thread = Thread.currentThread();
    if (collecting != thread) collect(thread);
    try {
      receiver.received(incoming);
    } catch (Throwable failure) {
      Failures.caught("call", failure);
    }
  }

  private void collect(@Nullable Thread thread) {
    lock.lock();
    try {
      collecting = thread;
    } finally {
      lock.unlock();
    }
  }

  private boolean fill() throws IOException {
    if (at == limit) {
      at = 0;
      limit = 0;
      if (in.length > BUFFER_BYTES) in = new byte[BUFFER_BYTES];
    } else if (limit == in.length || at > 0 && wanted > in.length - at) {
      // twice what came, not what a size says: that is but a number yet
      byte[] to = at > 0 ? in : new byte[2 * in.length];
      System.arraycopy(in, at, to, 0, limit - at);
      in = to;
      limit -= at;
      at = 0;
    }
    wanted = 0;
    int count = wire.read(in, limit, in.length - limit);
    if (count < 0) return false;
    limit += count;
    return true;
  }

  /** Sends what was answered since the last read. */
  private void flush() throws IOException {
    if (collecting == null) return; // nothing was handled
    line.handled();
    lock.lock();
    try {
      collecting = null;
      send();
    } finally {
      lock.unlock();
    }
  }

  private void end() {
    line.lost(this);
    lock.lock();
    try {
      broken = true;
    } finally {
      lock.unlock();
    }
  }

  /** Writes for the client, whole messages, after what is waiting. */
  public void write(byte[] bytes, int length) throws IOException {
    lock.lock();
    try {
      send();
      wire.write(bytes, length);
    } finally {
      lock.unlock();
    }
  }

  boolean publish(String subject, @Nullable String replyTo, byte[] body) {
    lock.lock();
    try {
      if (broken) return false;
      int most =
          LINE_BYTES + subject.length() + (replyTo == null ? 0 : replyTo.length()) + body.length;
      if (most > out.length - waiting) {
        send();
        if (most > out.length) out = new byte[Math.max(most, BUFFER_BYTES)];
      }
      put(OPERATION);
      put(subject);
      out[waiting++] = ' ';
      if (replyTo != null) {
        put(replyTo);
        out[waiting++] = ' ';
      }
      putNumber(body.length);
      putLineEnd();
      put(body);
      putLineEnd();
      waitingMessages++;
      boolean enough = waitingMessages == MESSAGES_TOGETHER && waiting <= SMALL_BYTES;
      if (enough || collecting != Thread.currentThread()) send();
      return true;
    } catch (IOException e) {
      throw new IllegalStateException("the connection is lost", e);
    } finally {
      lock.unlock();
    }
  }

  private void put(byte[] bytes) {
    System.arraycopy(bytes, 0, out, waiting, bytes.length);
    waiting += bytes.length;
  }

  /** Subjects are made of what came as a subject, so nothing in them ends the line. */
  @SuppressWarnings("deprecation") // one byte for each char is what is meant, and it is a mere copy
  private void put(String subject) {
    subject.getBytes(0, subject.length(), out, waiting);
    waiting += subject.length();
  }

  private void putNumber(int number) {
    int digits = 1;
    for (int rest = number; rest > 9; rest /= 10) digits++;
    int rest = number;
    for (int i = digits - 1; i >= 0; i--) {
      out[waiting + i] = (byte) ('0' + rest % 10);
      rest /= 10;
    }
    waiting += digits;
  }

  private void putLineEnd() {
    out[waiting++] = '\r';
    out[waiting++] = '\n';
  }

  /** Under the lock. */
  private void send() throws IOException {
    if (waiting == 0) return;
    int length = waiting;
    waiting = 0;
    waitingMessages = 0;
    try {
      wire.write(out, length);
    } catch (IOException e) {
      broken = true;
      wire.close();
      throw e;
    }
    if (out.length > BUFFER_BYTES) out = new byte[BUFFER_BYTES];
  }
}
