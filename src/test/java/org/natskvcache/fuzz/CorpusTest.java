package org.natskvcache.fuzz;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertFalse;

import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What fuzzing found worth keeping, through the targets once more. */
class CorpusTest {
  static Stream<String> targets() {
    return Targets.ALL.keySet().stream();
  }

  @ParameterizedTest
  @MethodSource("targets")
  void keptInputsAndSeedsGiveNoFinding(String name) throws Exception {
    FuzzTarget target = Targets.named(name);
    List<byte[]> inputs = new ArrayList<>(target.seeds());
    assertFalse(inputs.isEmpty());
    inputs.addAll(Corpus.read(name));
    inputs.add(new byte[0]);
    for (byte[] input : inputs) {
      assertDoesNotThrow(() -> target.run(input), () -> Base64.getEncoder().encodeToString(input));
    }
  }
}
