package org.natskvcache.cli.shell;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import org.jline.terminal.Size;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.jline.utils.Signals;
import org.natskvcache.cli.ExitCode;
import org.natskvcache.cli.Logging;
import org.natskvcache.cli.StandardInput;

/**
 * The way in: runs a script or a prompt on running caches. They stay open when a prompt returns; a
 * script leaves their groups, unless it may be alone.
 */
public final class Shell {
  private final ShellSession session;
  private final PrintWriter out;
  private final PrintWriter err;

  /**
   * @param out answers of a script; flushed
   * @param err errors; flushed
   */
  public Shell(ShellSession session, PrintWriter out, PrintWriter err) {
    this.session = session;
    this.out = out;
    this.err = err;
  }

  /**
   * Runs the commands in a stream, one a line, UTF-8. The answer is an {@link ExitCode}.
   *
   * @param alone whether it is fine that no other instance hears what is written
   */
  public int script(InputStream script, boolean alone) {
    return new Script(session, out, err, Script.LIVE_MILLIS_MAX, alone).run(script);
  }

  /**
   * Talks to the person at the terminal, however little that terminal can. The answer is an {@link
   * ExitCode}.
   */
  public int prompt() {
    try (Terminal terminal = terminal()) {
      // jline leaves SIGINT alone on a terminal it cannot put into raw mode, and Java's answer to
      // it is to exit
      if (isDumb(terminal)) Signals.register("INT", () -> terminal.raise(Terminal.Signal.INT));
      // a pseudo-terminal nobody has sized says 0 by 0, and jline then shows dots for the prompt
      if (terminal.getSize().getColumns() == 0) terminal.setSize(Size.of(80, 24));
      var prompt = new Prompt(session, terminal);
      if (StandardInput.isErrorTerminal()) Logging.divert(prompt::printAbove);
      return prompt.run();
    } catch (IOException e) {
      err.println("nats-kvcache: the terminal cannot be used: " + e.getMessage());
      err.flush();
      return ExitCode.FAILED;
    } finally {
      Logging.divert(null);
    }
  }

  private static Terminal terminal() throws IOException {
    return TerminalBuilder.builder()
        .name("nats-kvcache")
        .system(true)
        .dumb(true)
        .graphemeCluster(false) // else it asks the terminal questions, which some print as rubbish
        .encoding(StandardCharsets.UTF_8)
        .build();
  }

  private static boolean isDumb(Terminal terminal) {
    return terminal.getType().startsWith(Terminal.TYPE_DUMB);
  }
}
