package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** What looks for secrets finds them. */
class SecretsTest {
  private final Secrets secrets = new Secrets();
  private final String made = secrets.make("password");

  @Test
  void everyShapeIsFoundInsideOtherText() {
    for (String before : List.of("", "a", "ab", "abc", "{\"x\":\"")) {
      byte[] whole = (before + made + "after").getBytes(UTF_8);
      assertEquals(Optional.of("password"), secrets.in(new String(whole, UTF_8)));
      assertEquals(
          Optional.of("password in base64"), secrets.in(Base64.getEncoder().encodeToString(whole)));
      assertEquals(
          Optional.of("password in base64"),
          secrets.in("{" + Base64.getUrlEncoder().encodeToString(whole) + "}"));
      assertEquals(
          Optional.of("password in hexadecimal"), secrets.in(HexFormat.of().formatHex(whole)));
      assertEquals(Optional.of("password as numbers"), secrets.in(Arrays.toString(whole)));
    }
  }

  @Test
  void bothEndsOfALongTextAreFoundAndNothingElseIs() {
    String text = secrets.add("token", "begin-of-a-long-text-and-the-end-of-this-long-text");
    assertEquals(Optional.of("token"), secrets.in(text.substring(0, 30) + "..."));
    assertEquals(Optional.of("token"), secrets.in(text.substring(20)));
    assertEquals(Optional.empty(), secrets.in("neither of them: " + made.substring(1)));
  }
}
