package org.natskvcache.provider;

import java.util.List;

/** What a link put or deletion means. The table has changed accordingly when a caller sees it. */
public sealed interface LinkDecision {
  /**
   * First link of its link name: open the cache with these settings.
   *
   * @param keys the link's own
   */
  record Opened(CacheSettings settings, LinkKeys keys) implements LinkDecision {}

  /**
   * The cache is open already.
   *
   * @param keys the link's own
   * @param ignored cache keys this link sets otherwise than the cache runs; a warning names them
   */
  record Joined(LinkKeys keys, List<SettingKey> ignored) implements LinkDecision {}

  /** Put before with the same values: nothing to do. */
  record Duplicate() implements LinkDecision {}

  /**
   * Put before with other values: the link's own keys count from now on, cache keys do not.
   *
   * @param keys the link's own
   * @param ignored cache keys this link sets otherwise than the cache runs; a warning names them
   */
  record LinkKeysChanged(LinkKeys keys, List<SettingKey> ignored) implements LinkDecision {}

  /**
   * Nothing has changed; a former link of the same actor stays.
   *
   * @param reason a sentence without values, safe to log
   */
  record Refused(String reason) implements LinkDecision {}

  /**
   * The link is gone.
   *
   * @param last whether it was the last of its link name: the cache leaves its group and keeps its
   *     data
   */
  record Removed(boolean last) implements LinkDecision {}

  /** There was no such link to delete. */
  record Unknown() implements LinkDecision {}
}
