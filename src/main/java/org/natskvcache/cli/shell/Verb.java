package org.natskvcache.cli.shell;

import java.util.List;
import java.util.function.Function;
import org.natskvcache.store.Bytes;

/**
 * A row of the table of commands.
 *
 * @param name in capitals
 * @param arguments as the help shows them
 * @param summary a sentence
 * @param argumentsMin fewest arguments
 * @param argumentsMax most arguments
 * @param parser from arguments within these bounds to what they ask for
 */
record Verb(
    String name,
    String arguments,
    String summary,
    int argumentsMin,
    int argumentsMax,
    Function<List<Bytes>, Action> parser) {
  /** Name and arguments. */
  String usage() {
    return arguments.isEmpty() ? name : name + " " + arguments;
  }
}
