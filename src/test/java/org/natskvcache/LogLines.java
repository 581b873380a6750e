package org.natskvcache;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.slf4j.LoggerFactory;

/** What one class logs while a test runs, kept and not printed. */
public final class LogLines implements AutoCloseable {
  private final List<ILoggingEvent> events = new CopyOnWriteArrayList<>();
  private final Logger logger;
  private final AppenderBase<ILoggingEvent> appender =
      new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
          events.add(event);
        }
      };

  private LogLines(Class<?> source) {
    var context = (LoggerContext) LoggerFactory.getILoggerFactory();
    logger = context.getLogger(source);
    logger.setLevel(Level.INFO);
    logger.setAdditive(false);
    appender.setContext(context);
    appender.start();
    logger.addAppender(appender);
  }

  public static LogLines of(Class<?> source) {
    return new LogLines(source);
  }

  /** The messages of this level, arguments filled in. */
  public List<String> at(Level level) {
    return events.stream()
        .filter(event -> event.getLevel() == level)
        .map(ILoggingEvent::getFormattedMessage)
        .toList();
  }

  /** Everything, as a reader of the log would see it. */
  public List<String> all() {
    return events.stream()
        .map(event -> event.getLevel() + " " + event.getFormattedMessage())
        .toList();
  }

  /** The stack traces of those that have one. */
  public List<String> traces() {
    return events.stream()
        .filter(event -> event.getThrowableProxy() != null)
        .map(event -> ThrowableProxyUtil.asString(event.getThrowableProxy()))
        .toList();
  }

  public boolean anyStackTrace() {
    return events.stream().anyMatch(event -> event.getThrowableProxy() != null);
  }

  @Override
  public void close() {
    logger.detachAppender(appender);
    logger.setAdditive(true);
    logger.setLevel(null);
  }
}
