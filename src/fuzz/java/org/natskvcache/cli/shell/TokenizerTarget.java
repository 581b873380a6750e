package org.natskvcache.cli.shell;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.natskvcache.fuzz.Bounds;
import org.natskvcache.fuzz.Check;
import org.natskvcache.fuzz.FuzzTarget;

/** Lines of a script. Words that are printed quoted can be typed again. */
public final class TokenizerTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 128;

  @Override
  public void run(byte[] line) throws Exception {
    Tokenizer.Line read =
        Bounds.allocating(line.length, BYTES_PER_BYTE, () -> Tokenizer.split(line));
    if (!(read instanceof Tokenizer.Line.Words(var words))) return;
    String typed = words.stream().map(Quoted::of).collect(Collectors.joining(" "));
    Check.same(
        new Tokenizer.Line.Words(words),
        Tokenizer.split(typed.getBytes(StandardCharsets.UTF_8)),
        "words");
  }

  @Override
  public List<byte[]> seeds() {
    return Stream.of(
            "SET greeting \"hello \\\"world\\\"\" EX 60",
            "rpush 'a list' \"\\x00\\xfF\\n\\r\\t\\0\\\\\" é",
            "KEYS user:*\t\r",
            "\"not closed",
            "a\"b c\"d",
            "\"\\q\"")
        .map(line -> line.getBytes(StandardCharsets.UTF_8))
        .toList();
  }
}
