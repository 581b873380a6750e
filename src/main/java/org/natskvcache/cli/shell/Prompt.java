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
import org.natskvcache.cli.ExitCode;
import org.natskvcache.cli.Version;

/**
 * Reads lines from a person until Ctrl-D or QUIT. Ctrl-C clears the line, Tab completes command and
 * link names, errors do not end it. The history stays in memory: the lines hold values.
 */
final class Prompt {
  private final ShellSession session;
  private final Terminal terminal;
  private final Interpreter interpreter;

  Prompt(ShellSession session, Terminal terminal) {
    this.session = session;
    this.terminal = terminal;
    this.interpreter = new Interpreter(session);
  }

  /** Runs to the end of the session; the answer is an {@link ExitCode}. */
  int run() {
    PrintWriter out = terminal.writer();
    out.println("nats-kvcache " + Version.text() + ": HELP lists the commands, QUIT leaves");
    LineReader reader = reader();
    while (true) {
      try {
        String line = reader.readLine(interpreter.link() + "> ");
        Interpreter.Outcome outcome = interpreter.run(line.getBytes(StandardCharsets.UTF_8));
        if (!outcome.text().isEmpty()) out.println(outcome.text());
        out.flush();
        if (outcome.quit()) return ExitCode.OK;
      } catch (UserInterruptException e) {
        // Ctrl-C gives the line up, not the session
      } catch (EndOfFileException e) {
        return ExitCode.OK;
      }
    }
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
    Stream<String> verbs = Verbs.all().stream().map(Verb::name);
    if (line.wordIndex() == 0) return verbs;
    if (line.wordIndex() > 1) return Stream.empty();
    return switch (line.words().getFirst().toUpperCase(Locale.ROOT)) {
      case "USE" -> session.links().stream();
      case "HELP" -> verbs;
      default -> Stream.empty();
    };
  }
}
