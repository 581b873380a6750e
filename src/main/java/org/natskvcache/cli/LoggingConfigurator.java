package org.natskvcache.cli;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.Configurator;
import ch.qos.logback.core.spi.ContextAwareBase;

/**
 * What logback finds by {@code META-INF/services} when the first logger is asked for. It keeps
 * logback from looking for files, and gives what is logged before {@link Logging#configure} a place
 * to go. It bears no rank, because logback would load ninety classes to read the annotation; among
 * equals the class path decides, so that one which tests bring comes first.
 */
public final class LoggingConfigurator extends ContextAwareBase implements Configurator {
  @Override
  public ExecutionStatus configure(LoggerContext context) {
    Logging.install(context, LogLevel.choose(null, null, System.getenv("RUST_LOG")), false);
    return ExecutionStatus.DO_NOT_INVOKE_NEXT_IF_ANY;
  }
}
