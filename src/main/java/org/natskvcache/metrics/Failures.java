package org.natskvcache.metrics;

import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where exceptions and errors end that nobody foresaw. Each border of the process (a call, a
 * control message, a link, a timer) catches every {@link Throwable}, reports it here and carries
 * on. Any thread may use it.
 */
public final class Failures {
  private static final Logger LOG = LoggerFactory.getLogger(Failures.class);

  /** Kinds of failure that are logged, for the life of the process; others are only counted. */
  private static final int LOGGED_MAX = 64;

  private static final int FRAMES_MAX = 40;
  private static final int CAUSES_MAX = 4;

  private static final Failures OF_PROCESS = new Failures();

  private final Set<String> logged = ConcurrentHashMap.newKeySet();

  Failures() {}

  /**
   * Counts a failure, and logs the first of its kind with a stack trace. Never throws.
   *
   * @param where the border that caught it, one of a small set
   */
  public static void caught(String where, Throwable thrown) {
    OF_PROCESS.take(where, thrown);
  }

  void take(String where, Throwable thrown) {
    String kind = null;
    try {
      Counter.FAILURES.increment();
      kind = where + " " + thrown.getClass().getName();
      if (logged.size() < LOGGED_MAX && logged.add(kind)) {
        LOG.error(
            "event=failure where=\"{}\" cause={}; more of these are only counted",
            where,
            thrown.getClass().getSimpleName(),
            new Told(thrown, 0));
      }
    } catch (Throwable worse) {
      // Without memory there may be no log line. The next failure of this kind tries again.
      if (kind != null) logged.remove(kind);
    }
  }

  /**
   * What a log may show of a throwable: classes and stack frames. A message may hold a value or a
   * secret. Those of the virtual machine's own errors hold none, and name what is missing.
   */
  private static final class Told extends Throwable {
    private static final long serialVersionUID = 1;

    Told(Throwable thrown, int depth) {
      super(text(thrown), cause(thrown, depth), false, true);
      StackTraceElement[] frames = thrown.getStackTrace();
      setStackTrace(Arrays.copyOf(frames, Math.min(frames.length, FRAMES_MAX)));
    }

    private static String text(Throwable thrown) {
      boolean safe = thrown instanceof LinkageError || thrown instanceof VirtualMachineError;
      return safe ? thrown.toString() : thrown.getClass().getName();
    }

    private static @Nullable Throwable cause(Throwable thrown, int depth) {
      Throwable cause = thrown.getCause();
      return cause == null || depth == CAUSES_MAX ? null : new Told(cause, depth + 1);
    }

    @Override
    public synchronized Throwable fillInStackTrace() {
      return this; // the frames are those of the other
    }
  }
}
