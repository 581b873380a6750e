package org.natskvcache.chaos;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;

/** What the run did and when, in a file, a line each; the verdict goes to standard output too. */
final class ChaosLog implements AutoCloseable {
  final Path file;
  private final PrintWriter out;

  ChaosLog(Path file) {
    this.file = file;
    try {
      out = new PrintWriter(Files.newBufferedWriter(file), true);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Writes a line with the time, in the form that instances log it. */
  synchronized void line(String text) {
    out.println(Instant.now().truncatedTo(ChronoUnit.MILLIS) + " " + text);
  }

  /** A line for whoever watches, too. */
  void say(String text) {
    line(text);
    System.out.println("chaos: " + text);
  }

  @Override
  public void close() {
    out.close();
  }
}
