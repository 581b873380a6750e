package org.natskvcache.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** The inputs kept of a target: {@code src/fuzz/resources/NAME.txt}, base64, one on a line. */
final class Corpus {
  private static final Path FOLDER = Path.of("src/fuzz/resources");

  /** Most characters kept of a target. */
  private static final int CHARS_MAX = 16 << 10;

  private Corpus() {}

  /** What is kept; nothing for a new target. */
  static List<byte[]> read(String target) throws IOException {
    Path file = file(target);
    if (!Files.exists(file)) return List.of();
    return Files.readAllLines(file).stream().map(Base64.getDecoder()::decode).toList();
  }

  /** Keeps these, the shortest first, as far as there is room. */
  static void write(String target, List<byte[]> inputs) throws IOException {
    List<String> lines = new ArrayList<>();
    int chars = 0;
    for (byte[] input : inputs.stream().sorted(Comparator.comparingInt(i -> i.length)).toList()) {
      String line = Base64.getEncoder().encodeToString(input);
      chars += line.length() + 1;
      if (chars > CHARS_MAX) break;
      lines.add(line);
    }
    Files.write(file(target), lines);
  }

  private static Path file(String target) {
    return FOLDER.resolve(target + ".txt");
  }

  /** The files of a folder, which Jazzer reads and writes inputs as. */
  static List<byte[]> unpacked(Path folder) throws IOException {
    List<byte[]> inputs = new ArrayList<>();
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.sorted().toList()) inputs.add(Files.readAllBytes(file));
    }
    return inputs;
  }

  /** Makes a folder hold these inputs and nothing else. */
  static void unpack(Path folder, List<byte[]> inputs) throws IOException {
    Files.createDirectories(folder);
    try (Stream<Path> old = Files.list(folder)) {
      for (Path file : old.toList()) Files.delete(file);
    }
    for (int i = 0; i < inputs.size(); i++) {
      Files.write(folder.resolve("%05d".formatted(i)), inputs.get(i));
    }
  }
}
