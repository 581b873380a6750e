package org.natskvcache.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.OutputStreamAppender;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.status.NopStatusListener;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * The process's log: to stderr, one event one line, as text or as JSON. Set up in code, because
 * looking for and parsing XML files would lengthen every start.
 */
public final class Logging {
  private static volatile @Nullable Consumer<String> diverted;

  private Logging() {}

  /**
   * Sets level and form for the whole process; may be called again, when the host data has said
   * what it wants.
   */
  public static void configure(LogLevel level, boolean structured) {
    install((LoggerContext) LoggerFactory.getILoggerFactory(), level, structured);
  }

  /**
   * Hands every line, with its end, to {@code lines} instead of writing it to stderr, while a
   * prompt has the terminal; null for stderr again. Called on whatever thread logs.
   */
  public static void divert(@Nullable Consumer<String> lines) {
    diverted = lines;
  }

  /** Standard error of the moment, or where lines are diverted to. */
  private static final class Lines extends OutputStream {
    @Override
    public void write(int b) {
      write(new byte[] {(byte) b}, 0, 1);
    }

    @Override
    public void write(byte[] bytes, int from, int length) {
      Consumer<String> to = diverted;
      if (to == null) System.err.write(bytes, from, length);
      else to.accept(new String(bytes, from, length, StandardCharsets.UTF_8));
    }

    @Override
    public void flush() {
      System.err.flush();
    }
  }

  static void install(LoggerContext context, LogLevel level, boolean structured) {
    context.getStatusManager().clear();
    if (context.getStatusManager().getCopyOfStatusListenerList().isEmpty()) {
      context
          .getStatusManager()
          .add(new NopStatusListener()); // else logback prints its own story at times
    }
    Encoder<ILoggingEvent> encoder = structured ? new JsonLineEncoder() : new TextLineEncoder();
    encoder.setContext(context);
    encoder.start();
    OutputStreamAppender<ILoggingEvent> stderr = new OutputStreamAppender<>();
    stderr.setContext(context);
    stderr.setName("stderr");
    stderr.setEncoder(encoder);
    stderr.setOutputStream(new Lines());
    stderr.start();
    Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.setLevel(Level.toLevel(level.name(), Level.INFO));
    root.detachAndStopAllAppenders();
    root.addAppender(stderr);
  }
}
