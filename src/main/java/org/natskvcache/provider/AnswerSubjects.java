package org.natskvcache.provider;

import java.util.function.Predicate;

/**
 * Decides where an answer may go. A caller names the subject of its answer, and we may publish
 * where it may not: on subjects of hosts, of the server, of calls, of replication, and on our own
 * inboxes. For any thread.
 */
public final class AnswerSubjects {
  /** Behind the reply subject of a call over wRPC, for its result. */
  private static final String RESULTS = ".results";

  private final String lattice;
  private final String ownInboxes;
  private final Predicate<String> replication;

  /**
   * Answers on one connection.
   *
   * @param lattice calls over wRPC are below it
   * @param ownInboxes begins all inboxes of the connection
   * @param replication whether a subject is one of a cache's own, see {@link
   *     LinkedCaches#isReplicationSubject}
   */
  public AnswerSubjects(String lattice, String ownInboxes, Predicate<String> replication) {
    this.lattice = lattice;
    this.ownInboxes = ownInboxes;
    this.replication = replication;
  }

  /** Whether an answer may go to this subject, and a result to the subject derived from it. */
  public boolean allows(String subject) {
    return !(subject.startsWith("$")
        || isAtOrBelow(subject, "wasmbus")
        || isAtOrBelow(subject, lattice)
        || subject.startsWith(ownInboxes)
        || isOfReplication(subject));
  }

  /** A subject above one of these becomes it by what is put behind it. */
  private static boolean isAtOrBelow(String subject, String parent) {
    return subject.startsWith(parent)
        && (subject.length() == parent.length() || subject.charAt(parent.length()) == '.');
  }

  private boolean isOfReplication(String subject) {
    for (int dot = subject.indexOf('.'); dot >= 0; dot = subject.indexOf('.', dot + 1)) {
      if (replication.test(subject.substring(0, dot))) return true;
    }
    return replication.test(subject) || replication.test(subject + RESULTS);
  }
}
