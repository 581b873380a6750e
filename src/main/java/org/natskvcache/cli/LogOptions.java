package org.natskvcache.cli;

import org.jspecify.annotations.Nullable;

/**
 * How the command line wants the log.
 *
 * @param level null when the command line does not say
 * @param structured whether each line is a JSON object
 */
public record LogOptions(@Nullable LogLevel level, boolean structured) {}
