package org.natskvcache;

import ch.qos.logback.classic.BasicConfigurator;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.core.spi.ContextAwareBase;
import org.slf4j.Logger;

/**
 * Logging while tests run: errors only, since tests cause every other kind of trouble on purpose.
 * {@code -DargLine=-Dtest.log=DEBUG} shows more. Logback finds this class by its service file.
 */
public final class QuietLogging extends ContextAwareBase implements Configurator {
  @Override
  public ExecutionStatus configure(LoggerContext context) {
    var basic = new BasicConfigurator();
    basic.setContext(context);
    basic.configure(context);
    Level level = Level.toLevel(System.getProperty("test.log"), Level.ERROR);
    context.getLogger(Logger.ROOT_LOGGER_NAME).setLevel(level);
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }
}
