package org.natskvcache;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.OutputStreamWriter;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import org.natskvcache.cli.Cli;
import org.natskvcache.cli.Commands;
import org.natskvcache.cli.ExitCode;
import org.natskvcache.cli.ServeOptions;
import org.natskvcache.cli.ShellOptions;
import org.natskvcache.cli.StandardInput;

/** Entry point: builds the objects of the job asked for, in start order, and closes them in reverse. */
public final class Main implements Commands {
  private final PrintWriter err;

  private Main(PrintWriter err) {
    this.err = err;
  }

  /** Ends the process with one of the {@link ExitCode}s. */
  public static void main(String[] args) {
    PrintWriter out = writer(FileDescriptor.out);
    PrintWriter err = writer(FileDescriptor.err);
    int code = new Cli(new Main(err), out, err, System.getenv(), StandardInput::isTerminal).run(args);
    out.flush();
    err.flush();
    System.exit(code);
  }

  /** UTF-8 whatever the locale: a host starts us with an empty environment, which means ASCII to the JDK. */
  private static PrintWriter writer(FileDescriptor descriptor) {
    return new PrintWriter(new OutputStreamWriter(new FileOutputStream(descriptor), StandardCharsets.UTF_8));
  }

  @Override
  public int provider() {
    return notAvailable("provider mode");
  }

  @Override
  public int serve(ServeOptions options) {
    return notAvailable("serve");
  }

  @Override
  public int shell(ShellOptions options) {
    return notAvailable("shell");
  }

  private int notAvailable(String job) {
    err.println("nats-kvcache: " + job + ": not available in this build");
    return ExitCode.FAILED;
  }
}
