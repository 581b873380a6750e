package org.natskvcache.direct;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which messages of a connection are answered where they are read, over all its reconnects. Its
 * user subscribes at the client too, so that everything else is as without it: messages that come
 * before {@link #answer}, or on a connection that was made without a line, go that way.
 */
public final class DirectLine {
  private record Route(Object owner, byte[] subject, boolean prefix, Receiver receiver) {}

  private record WhenHandled(Object owner, Runnable what) {}

  private volatile Route[] routes = {};
  private volatile @Nullable WhenHandled whenHandled;
  private volatile @Nullable DirectSession current;

  /** A line nobody answers yet. */
  public DirectLine() {}

  /** From now on messages on this very subject go to the receiver. */
  public void answer(Object owner, String subject, Receiver receiver) {
    add(new Route(owner, bytes(subject), false, receiver));
  }

  /** From now on messages on all subjects that begin so go to the receiver. */
  public void answerUnder(Object owner, String prefix, Receiver receiver) {
    add(new Route(owner, bytes(prefix), true, receiver));
  }

  /**
   * From now on this runs when the messages of one read have been handled, on the thread that did,
   * before their answers leave. Must neither wait for the network nor throw.
   */
  public synchronized void whenHandled(Object owner, Runnable what) {
    whenHandled = new WhenHandled(owner, what);
  }

  void handled() {
    WhenHandled then = whenHandled;
    if (then != null) then.what.run();
  }

  private static byte[] bytes(String subject) {
    return subject.getBytes(StandardCharsets.UTF_8);
  }

  private synchronized void add(Route route) {
    List<Route> all = new ArrayList<>(List.of(routes));
    all.add(route);
    routes = all.toArray(Route[]::new);
  }

  /** Gives back to the client what this owner answered. */
  public synchronized void forget(Object owner) {
    routes = List.of(routes).stream().filter(r -> !r.owner.equals(owner)).toArray(Route[]::new);
    if (whenHandled != null && whenHandled.owner.equals(owner)) whenHandled = null;
  }

  @Nullable Receiver receiver(Incoming message) {
    for (Route route : routes) {
      if (route.prefix ? message.isUnder(route.subject) : message.isOn(route.subject)) {
        return route.receiver;
      }
    }
    return null;
  }

  /**
   * Publishes on the socket that brought the last message answered here, after all that was
   * published before; on the reading thread it leaves before the next read, together with what else
   * is answered. The array is given away. For any thread.
   *
   * @return false when there is no such socket, so that the client has to publish it
   * @throws IllegalStateException when the connection broke under it
   */
  public boolean publish(String subject, @Nullable String replyTo, byte[] body) {
    DirectSession session = current;
    return session != null && session.publish(subject, replyTo, body);
  }

  void use(DirectSession session) {
    if (current != session) current = session;
  }

  synchronized void lost(DirectSession session) {
    if (current == session) current = null;
  }
}
