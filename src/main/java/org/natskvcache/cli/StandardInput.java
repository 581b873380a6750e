package org.natskvcache.cli;

import java.io.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What is known of the process's standard streams without using them. */
public final class StandardInput {
  private static final Path FOLDER = Path.of("/proc/self/fd");

  private StandardInput() {}

  /**
   * Whether a person types into it. On Linux by the name of what is open there, because the JDK's
   * console looks at stdin and stdout together and {@code nats-kvcache >log} from a terminal is
   * still typed into.
   */
  public static boolean isTerminal() {
    return isTerminal("0");
  }

  /** Whether a person sees what is written to standard error. */
  public static boolean isErrorTerminal() {
    return isTerminal("2");
  }

  private static boolean isTerminal(String descriptor) {
    try {
      String target = Files.readSymbolicLink(FOLDER.resolve(descriptor)).toString();
      return target.startsWith("/dev/pts/")
          || target.startsWith("/dev/tty")
          || target.startsWith("/dev/console");
    } catch (IOException | UnsupportedOperationException e) {
      // no /proc here: the console is the next best witness
      return Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    }
  }
}
