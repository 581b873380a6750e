package org.natskvcache.nats;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NkeyAuthTest {
  @Test
  void derivesThePublicKeyOfEverySeed() {
    for (int i = 0; i < 50; i++) {
      TestNkeys user = TestNkeys.user();
      assertEquals(user.publicKey(), new String(NkeyAuth.of(user.seed(), null).getID()));
    }
  }

  /** The example pair of the nkeys library's documentation. */
  @Test
  void derivesThePublishedPair() {
    String seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    assertEquals(
        "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4",
        new String(NkeyAuth.of(seed, null).getID()));
  }

  @Test
  void handsOutTheJwtWithoutTheLineEndOfItsFile() {
    String seed = TestNkeys.user().seed();
    assertEquals("a.b.c", new String(NkeyAuth.of(seed, "a.b.c\n").getJWT()));
    assertArrayEquals(new char[0], NkeyAuth.of(seed, null).getJWT());
  }

  @Test
  void acceptsTheLineEndOfAFile() {
    TestNkeys user = TestNkeys.user();
    assertEquals(user.publicKey(), new String(NkeyAuth.of(user.seed() + "\n", null).getID()));
  }

  @Test
  void refusesOtherKindsOfSeeds() {
    assertRefused(TestNkeys.account().seed());
    assertRefused(TestNkeys.operator().seed());
    assertRefused(TestNkeys.user().publicKey());
  }

  @Test
  void refusesASeedWithAnyCharacterChanged() {
    String seed = TestNkeys.user().seed();
    for (int i = 0; i < seed.length(); i++) {
      char other = seed.charAt(i) == 'A' ? 'B' : 'A';
      assertRefused(seed.substring(0, i) + other + seed.substring(i + 1));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "S",
        "SU",
        "password",
        "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3V"
      })
  void refusesOtherText(String text) {
    assertRefused(text);
  }

  @Test
  void refusesNoiseOfTheRightLength() {
    var random = new Random(1);
    for (int i = 0; i < 200; i++) {
      var noise = new StringBuilder();
      random.ints(58, ' ', '~').forEach(c -> noise.append((char) c));
      assertRefused(noise.toString());
    }
  }

  private static void assertRefused(String seed) {
    var e = assertThrows(IllegalArgumentException.class, () -> NkeyAuth.of(seed, null));
    assertFalse(seed.length() > 8 && e.getMessage().contains(seed), "the message repeats the seed");
  }
}
