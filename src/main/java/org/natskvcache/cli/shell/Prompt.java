package org.natskvcache.cli.shell;

import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;
import org.jline.reader.Candidate;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.ParsedLine;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Terminal;
import org.jspecify.annotations.Nullable;
import org.natskvcache.cli.ExitCode;
import org.natskvcache.cli.Version;

/**
 * Reads lines from a person until Ctrl-D or QUIT. Ctrl-C clears the line, or cancels the command
 * that runs or prints. Tab completes command and link names, errors do not end it. The history
 * stays in memory: the lines hold values.
 */
final class Prompt {
  /** Printed at once, characters; between two of these Ctrl-C is looked for. */
  private static final int PRINTED_AT_ONCE = 4_096;

  private final ShellSession session;
  private final Terminal terminal;
  private final Interpreter interpreter;
  private final LineReader reader;

  /** The thread that waits for an answer; null while none does. Guarded by this. */
  private @Nullable Thread asking;

  /** Whether Ctrl-C came since the last line was read. */
  private volatile boolean cancelled;

  Prompt(ShellSession session, Terminal terminal) {
    this.session = session;
    this.terminal = terminal;
    this.interpreter = new Interpreter(session, true);
    this.reader = reader();
  }

  /** Runs to the end of the session; the answer is an {@link ExitCode}. */
  int run() {
    PrintWriter out = terminal.writer();
    out.println("nats-kvcache " + Version.text() + ": HELP lists the commands, QUIT leaves");
    // while a line is read the reader has a handler of its own
    terminal.handle(Terminal.Signal.INT, signal -> cancel());
    while (true) {
      try {
        String line = reader.readLine(interpreter.link() + "> ");
        Interpreter.Outcome outcome = ask(line);
        print(out, outcome);
        if (outcome.quit()) return ExitCode.OK;
      } catch (UserInterruptException e) {
        // Ctrl-C gives the line up, not the session
      } catch (EndOfFileException e) {
        return ExitCode.OK;
      }
    }
  }

  /** Shows a line with its end above the one that is being edited. For any thread. */
  void printAbove(String line) {
    reader.printAbove(line);
  }

  private Interpreter.Outcome ask(String line) {
    synchronized (this) {
      cancelled = false;
      asking = Thread.currentThread();
    }
    try {
      return interpreter.run(line.getBytes(StandardCharsets.UTF_8));
    } finally {
      synchronized (this) {
        asking = null;
        boolean _ = Thread.interrupted(); // it was for this command
      }
    }
  }

  private synchronized void cancel() {
    cancelled = true;
    Thread waiting = asking;
    if (waiting != null) waiting.interrupt();
  }

  private void print(PrintWriter out, Interpreter.Outcome outcome) {
    String text = outcome.text();
    if (text.isEmpty()) return;
    int printed = 0;
    while (printed < text.length() && !cancelled) {
      int end = Math.min(text.length(), printed + PRINTED_AT_ONCE);
      out.write(text, printed, end - printed);
      out.flush();
      printed = end;
    }
    if (printed < text.length()) {
      if (printed > 0) out.println();
      out.print(printed > 0 ? "(cancelled)" : "(cancelled: what it changes may be changed)");
    }
    out.println();
    out.flush();
  }

  private LineReader reader() {
    // this parser only finds the word to complete; the line itself goes to our own tokenizer as
    // typed
    DefaultParser words = new DefaultParser();
    words.setQuoteChars(new char[0]);
    words.setEscapeChars(new char[0]);
    return LineReaderBuilder.builder()
        .terminal(terminal)
        .appName("nats-kvcache")
        .parser(words)
        .completer((reader, line, candidates) -> complete(line, candidates))
        .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
        .option(LineReader.Option.CASE_INSENSITIVE, true)
        .build();
  }

  private void complete(ParsedLine line, List<Candidate> candidates) {
    names(line).map(Candidate::new).forEach(candidates::add);
  }

  private Stream<String> names(ParsedLine line) {
    Stream<String> verbs = Verbs.names().stream();
    if (line.wordIndex() == 0) return verbs;
    if (line.wordIndex() > 1) return Stream.empty();
    return switch (line.words().getFirst().toUpperCase(Locale.ROOT)) {
      case "USE" -> session.links().stream();
      case "HELP" -> verbs;
      default -> Stream.empty();
    };
  }
}
