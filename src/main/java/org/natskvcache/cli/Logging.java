package org.natskvcache.cli;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import ch.qos.logback.core.status.NopStatusListener;
import org.slf4j.LoggerFactory;

/**
 * The process's log: to stderr, one event one line, as text or as JSON. Set up in code, because
 * looking for and parsing XML files would lengthen every start.
 */
public final class Logging {
  private Logging() {}

  /**
   * Sets level and form for the whole process; may be called again, when the host data has said
   * what it wants.
   */
  public static void configure(LogLevel level, boolean structured) {
    install((LoggerContext) LoggerFactory.getILoggerFactory(), level, structured);
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
    ConsoleAppender<ILoggingEvent> stderr = new ConsoleAppender<>();
    stderr.setContext(context);
    stderr.setName("stderr");
    stderr.setTarget("System.err");
    stderr.setEncoder(encoder);
    stderr.start();
    Logger root = context.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    root.setLevel(Level.toLevel(level.name(), Level.INFO));
    root.detachAndStopAllAppenders();
    root.addAppender(stderr);
  }
}
