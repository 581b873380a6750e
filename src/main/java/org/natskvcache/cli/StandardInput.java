package org.natskvcache.cli;

import java.io.Console;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/** What is known of the process's standard input without reading it. */
public final class StandardInput {
  private static final Path LINK = Path.of("/proc/self/fd/0");

  private StandardInput() {}

  /**
   * Whether a person types into it. On Linux by the name of what is open there, because the JDK's
   * console looks at stdin and stdout together and {@code nats-kvcache >log} from a terminal is
   * still typed into.
   */
  public static boolean isTerminal() {
    try {
      String target = Files.readSymbolicLink(LINK).toString();
      return target.startsWith("/dev/pts/")
          || target.startsWith("/dev/tty")
          || target.startsWith("/dev/console");
    } catch (IOException | UnsupportedOperationException e) {
      // no /proc here: the console is the next best witness
      return Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    }
  }
}
