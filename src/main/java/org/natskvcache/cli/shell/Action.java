package org.natskvcache.cli.shell;

import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Reply;

/** What a line asks for. */
sealed interface Action {
  /** One command to the cache in use, and how its reply is answered. */
  record Call(Command command, Function<Reply, Answer> answer) implements Action {}

  /** All keys of the cache in use that begin with {@code prefix}. */
  record ListKeys(Bytes prefix) implements Action {}

  /**
   * @param verb what to explain; null for the whole table
   */
  record Help(@Nullable String verb) implements Action {}

  /** Uses another cache from here on. */
  record Use(String link) implements Action {}

  record Links() implements Action {}

  record Status() implements Action {}

  record Peers() implements Action {}

  record Quit() implements Action {}

  /**
   * Nothing: there is no such command.
   *
   * @param word as it was given; may be a value that stands where no value belongs
   */
  record Unknown(String word) implements Action {}

  /** Nothing: the line makes no sense. */
  record Refuse(String reason) implements Action {}
}
