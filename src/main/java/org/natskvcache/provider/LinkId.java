package org.natskvcache.provider;

/**
 * What tells one of our links from the others.
 *
 * @param role whether the peer calls us or we call it
 * @param peer id of the actor or component at the other end
 * @param linkName name of the link, and so of its cache
 */
public record LinkId(Role role, String peer, String linkName) {
  /** Which end of a link we are. */
  public enum Role {
    /** The peer calls us. */
    CALLER,
    /** We tell the peer of changed keys. */
    WATCHER
  }

  /** The link by which {@code peer} calls us. */
  public static LinkId caller(String peer, String linkName) {
    return new LinkId(Role.CALLER, peer, linkName);
  }

  /** The link by which we tell {@code peer} of changed keys. */
  public static LinkId watcher(String peer, String linkName) {
    return new LinkId(Role.WATCHER, peer, linkName);
  }
}
