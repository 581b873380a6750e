package org.natskvcache.provider;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.regex.Pattern;

/** Whether a text can name a file, which depends on the locale of the process. Opens nothing. */
final class FileName {
  /** The head of a PEM block, a URL, a seed, the head of a JWT. */
  private static final Pattern CONTENT =
      Pattern.compile("-----BEGIN|://|S[A-Z][A-Z2-7]{56}|^eyJ[A-Za-z0-9_-]+\\.");

  private FileName() {}

  /** What keeps a text from naming a file; empty when nothing does. May not exist. */
  static String problem(String text) {
    // whoever pastes the file's content must not see it in a log
    if (text.chars().anyMatch(Character::isISOControl) || CONTENT.matcher(text).find()) {
      return "is not the name of a file";
    }
    try {
      var _ = Path.of(text);
      return "";
    } catch (InvalidPathException e) {
      return "is no file name in this locale; with LC_ALL=C.UTF-8 it may be one";
    }
  }
}
