package org.natskvcache.nats;

import io.nats.client.Connection;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Counter;
import org.natskvcache.provider.LinkDecision;
import org.natskvcache.provider.LinkId;
import org.natskvcache.provider.LinkTable;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.rpc.Texts;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps a door's links equal to those of its host.
 *
 * <p>A host publishes a link once. Nobody repeats a link that is published while the process starts
 * or while NATS is away. So this asks the host's control interface for all links when the server
 * has our subscriptions. It asks again 1 s and 5 s later, and every 5 s while a link is missing:
 *
 * <ul>
 *   <li>A host publishes a link shortly before it lists it.
 *   <li>One host of the lattice answers for all. Its list may be a moment old.
 * </ul>
 *
 * <p>A missing link is put, if its values can be had. Else it is a health problem until it arrives,
 * is deleted, or is no longer listed. A link that was heard of since the connection came up is left
 * alone, since the message is newer than the list. A link that is not listed is never deleted: a
 * host that has just started lists none.
 *
 * <p>The control interface may be on another NATS server, under another prefix, or not allowed to
 * us. Then nobody answers, and that is no problem.
 */
final class HostLinks implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(HostLinks.class);

  private static final Duration ANSWER_MAX = Duration.ofSeconds(1);

  /** Pauses after the first and the second look. */
  private static final List<Duration> FIRST_PAUSES =
      List.of(Duration.ofSeconds(1), Duration.ofSeconds(4));

  private static final Duration PAUSE = Duration.ofSeconds(5);

  /** Looks in all while nobody answers: a host needs a while after an outage, too. */
  private static final int UNANSWERED_LOOKS_MAX = 24;

  /** Longest answer that is read. */
  private static final int ANSWER_BYTES_MAX = 16 << 20;

  /** Missing links that are dealt with at one look. */
  private static final int MISSING_MAX = 1_000;

  /** Changes to links that wait for {@link #open}. */
  private static final int WAITING_MAX = LinkTable.LINKS_MAX;

  /** Asks the host. */
  interface Host {
    /** The body of the answer to an empty request; null when nobody answers within 1 s. */
    byte @Nullable [] ask(String subject) throws InterruptedException;
  }

  /** The control interface of one generation of hosts. */
  interface Generation {
    /** Subject of the request for all links. */
    String subject();

    /**
     * Those links of an answer that are ours and may be missing; empty when it is no list of links.
     */
    Optional<List<Listed>> links(byte[] answer);
  }

  /** A link that the host has. */
  interface Listed {
    LinkId id();

    /** What puts the link; null when its values cannot be had. */
    @Nullable Supplier<LinkDecision> rebuilt(Host host) throws InterruptedException;
  }

  private final Connection connection;
  private final LinkedCaches links;
  private final Generation generation;

  /** Names this door in health, and its problems among all. */
  private final String door;

  /** Changes that came before the links that exist at start were applied; null afterwards. */
  private @Nullable List<Runnable> waiting = new ArrayList<>();

  /** Links that messages spoke of since the connection came up; null when nobody compares. */
  private @Nullable Set<LinkId> heard = new HashSet<>();

  /** The missing links, and the keys of their problems. */
  private final Map<LinkId, String> missing = new HashMap<>();

  private @Nullable Thread looking;

  /**
   * Not open yet: health says that the door is starting.
   *
   * @param door its subject
   */
  HostLinks(Connection connection, LinkedCaches links, Generation generation, String door) {
    this.connection = connection;
    this.links = links;
    this.generation = generation;
    this.door = door;
    links.problems().set(starting(), "starting, no calls are taken yet");
  }

  private String starting() {
    return "starting " + door;
  }

  /** Makes a change that a message asks for, or keeps it until {@link #open}. */
  synchronized void change(Runnable change) {
    if (waiting == null) Guarded.run("link", change);
    else if (waiting.size() < WAITING_MAX) waiting.add(change);
  }

  /** The links that exist at start are applied: makes the changes that wait, in their order. */
  synchronized void open() {
    List<Runnable> changes = waiting == null ? List.of() : waiting;
    waiting = null;
    changes.forEach(change -> Guarded.run("link", change));
  }

  /** The door takes calls. */
  void serving() {
    links.problems().clear(starting());
  }

  /** A link was put or deleted: what the host lists of it counts no more. */
  synchronized void heard(LinkId id) {
    clear(id);
    if (heard == null) return;
    heard.add(id);
    if (heard.size() > LinkTable.LINKS_MAX) heard = null;
  }

  private void clear(LinkId id) {
    String key = missing.remove(id);
    if (key != null) links.problems().clear(key);
  }

  /** Begins to look, in the background. */
  synchronized void up() {
    stop();
    looking = Thread.ofVirtual().name("host-links").start(this::run);
  }

  /** What the host does from now on is not heard of. */
  synchronized void down() {
    stop();
    heard = new HashSet<>();
  }

  private void stop() {
    if (looking != null) looking.interrupt();
    looking = null;
  }

  private void run() {
    try {
      boolean answered = false;
      for (int looks = 0; ; looks++) {
        answered |= look();
        boolean first = looks < FIRST_PAUSES.size();
        if (!first && !worthwhile(answered, looks)) return;
        Thread.sleep(first ? FIRST_PAUSES.get(looks) : PAUSE);
      }
    } catch (InterruptedException e) {
      // the connection is lost, or the door closes
    }
  }

  private synchronized boolean worthwhile(boolean answered, int looks) {
    if (heard != null && (!missing.isEmpty() || !answered && looks < UNANSWERED_LOOKS_MAX)) {
      return true;
    }
    if (!answered) LOG.debug("event=host_links_unanswered subject={}", generation.subject());
    if (looking == Thread.currentThread()) heard = null;
    return false;
  }

  /** Compares once; false when there was no answer. */
  private boolean look() throws InterruptedException {
    byte[] answer = ask(generation.subject());
    if (answer == null) return false;
    Optional<List<Listed>> listed =
        answer.length > ANSWER_BYTES_MAX ? Optional.empty() : generation.links(answer);
    if (listed.isEmpty()) {
      Counter.MALFORMED_LINKS.increment();
      LOG.debug("event=host_links_unread subject={} bytes={}", generation.subject(), answer.length);
      return false;
    }
    var ids = new HashSet<LinkId>();
    for (Listed link : listed.get()) {
      if (ids.size() >= MISSING_MAX || wasHeard(link.id()) || !ids.add(link.id())) continue;
      apply(link.id(), link.rebuilt(this::ask));
    }
    if (ids.size() < MISSING_MAX) forgetAllBut(ids);
    return true;
  }

  private synchronized boolean wasHeard(LinkId id) {
    return heard == null || heard.contains(id);
  }

  private synchronized void apply(LinkId id, @Nullable Supplier<LinkDecision> put)
      throws InterruptedException {
    if (Thread.interrupted()) throw new InterruptedException();
    if (wasHeard(id)) return; // while its values were fetched
    if (put != null) {
      heard(id);
      if (!(put.get() instanceof LinkDecision.Duplicate)) {
        LOG.info(
            "event=link_recovered link={} peer={} role={} reason=\"the host has it, its message was"
                + " lost\"",
            id.linkName(),
            Texts.shortened(id.peer()),
            id.role());
      }
    } else if (!missing.containsKey(id)) {
      String name = Texts.shortened(id.linkName()) + " of " + Texts.shortened(id.peer());
      String key = "missing " + door + " " + id;
      missing.put(id, key);
      links
          .problems()
          .set(
              key,
              "the host has link "
                  + name
                  + ", this provider never got it: delete it and put it again");
      LOG.warn(
          "event=link_missing link={} peer={} role={} reason=\"the host has it, this provider never"
              + " got it; delete it and put it again\"",
          id.linkName(),
          Texts.shortened(id.peer()),
          id.role());
    }
  }

  private synchronized void forgetAllBut(Set<LinkId> listed) throws InterruptedException {
    if (Thread.interrupted()) throw new InterruptedException();
    for (LinkId id : List.copyOf(missing.keySet())) if (!listed.contains(id)) clear(id);
  }

  private byte @Nullable [] ask(String subject) throws InterruptedException {
    try {
      var answer = connection.request(subject, new byte[0]);
      return bytes(answer);
    } catch (IllegalStateException e) {
      return null; // not connected
    }
  }

  private static byte @Nullable [] bytes(CompletableFuture<io.nats.client.Message> answer)
      throws InterruptedException {
    try {
      return answer.get(ANSWER_MAX.toMillis(), TimeUnit.MILLISECONDS).getData();
    } catch (TimeoutException e) {
      answer.cancel(true);
    } catch (CancellationException | ExecutionException e) {
      // the server says that nobody listens there
    }
    return null;
  }

  /** Looks no more, and takes its problems back. */
  @Override
  public synchronized void close() {
    stop();
    heard = null;
    serving();
    for (LinkId id : List.copyOf(missing.keySet())) clear(id);
  }
}
