package org.natskvcache.cli.shell;

import java.io.IOException;
import java.io.InputStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;
import org.natskvcache.cli.ExitCode;

/** The way in: runs a script or a prompt on running caches, which stay open when it returns. */
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

  /** Runs the commands in a stream, one a line, UTF-8. The answer is an {@link ExitCode}. */
  public int script(InputStream script) {
    return new Script(session, out, err, Script.LIVE_MILLIS_MAX).run(script);
  }

  /** Talks to the person at the terminal, however little that terminal can. The answer is an {@link ExitCode}. */
  public int prompt() {
    try (Terminal terminal =
        TerminalBuilder.builder().name("nats-kvcache").system(true).dumb(true).encoding(StandardCharsets.UTF_8).build()) {
      return new Prompt(session, terminal).run();
    } catch (IOException e) {
      err.println("nats-kvcache: the terminal cannot be used: " + e.getMessage());
      err.flush();
      return ExitCode.FAILED;
    }
  }
}
