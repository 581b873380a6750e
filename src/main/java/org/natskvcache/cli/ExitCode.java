package org.natskvcache.cli;

/** What the process ends with; the help texts repeat these. */
public final class ExitCode {
  /** Ended as asked. */
  public static final int OK = 0;

  /** Did not start, or a script met an error, or nobody heard what it wrote. */
  public static final int FAILED = 1;

  /** The command line makes no sense; nothing was started. */
  public static final int USAGE = 2;

  private ExitCode() {}
}
