package org.natskvcache.cli;

/** What {@code bench} can call; both contracts have it. */
public enum BenchOperation {
  GET,
  SET,
  INCREMENT,
  EXISTS,
  DELETE
}
