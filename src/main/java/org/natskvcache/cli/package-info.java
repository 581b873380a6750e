/**
 * The command line: from arguments and environment to one job, and from its outcome to an exit
 * code.
 *
 * <p>In: the argument array, the environment, whether stdin is a terminal. Out: one call on {@link
 * org.natskvcache.cli.Commands} with plain option records, or a message on stderr and exit code 2.
 * Start reading at {@link org.natskvcache.cli.Cli}. {@link org.natskvcache.cli.Logging} sets up
 * what the whole process logs with.
 *
 * <p>Always true: without arguments no command line library is loaded (a host waits for the
 * provider's start); a secret on the command line is refused, and no message repeats the value of a
 * setting.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.cli;
