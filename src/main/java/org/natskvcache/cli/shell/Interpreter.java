package org.natskvcache.cli.shell;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import org.natskvcache.node.Replica;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Reply;

/**
 * Runs one line after the other, and remembers which cache is in use. For one thread; when it is
 * interrupted, the command ends early with an error.
 */
final class Interpreter {
  /** Longest wait for an answer, milliseconds; a joining cache holds a call for one second. */
  private static final long ANSWER_MILLIS_MAX = 10_000;

  /** Keys asked for at once when all are listed. */
  private static final int PAGE_KEYS = 1_000;

  /** Of a word that is no command, so many characters are shown. */
  private static final int SHOWN_MAX = 40;

  private static final Reply INTERRUPTED =
      new Reply.Rejected(Reply.Reason.BAD_ARGUMENT, "interrupted before the answer");

  private final ShellSession session;
  private final boolean repeatsWords;
  private String link;

  /**
   * What came of a line.
   *
   * @param text to be printed, without the last line end; may be empty
   * @param error why it failed; null if it did not
   * @param quit whether the shell is to end
   */
  record Outcome(String text, @Nullable String error, boolean quit) {
    static Outcome printed(String text) {
      return new Outcome(text, null, false);
    }

    static Outcome failed(String error) {
      return new Outcome("(error) " + error, error, false);
    }
  }

  /**
   * @param repeatsWords whether an error may repeat any word of the line, which may be a value: to
   *     one who typed it, not on the standard error of a script
   */
  Interpreter(ShellSession session, boolean repeatsWords) {
    this.session = session;
    this.repeatsWords = repeatsWords;
    this.link = session.links().getFirst();
  }

  /** The link whose cache is in use. */
  String link() {
    return link;
  }

  /** Runs one line, without its line end. Blank lines do nothing. */
  Outcome run(byte[] line) {
    return switch (Tokenizer.split(line)) {
      case Tokenizer.Line.Malformed(var reason) -> Outcome.failed("ERR " + reason);
      case Tokenizer.Line.Words(var words) ->
          words.isEmpty() ? Outcome.printed("") : run(Verbs.parse(words));
    };
  }

  private Outcome run(Action action) {
    return switch (action) {
      case Action.Call(var command, var answer) -> outcome(answer.apply(ask(command)));
      case Action.ListKeys(var prefix) -> outcome(listKeys(prefix));
      case Action.Help(var verb) -> help(verb);
      case Action.Use(var name) -> use(name);
      case Action.Links() -> Outcome.printed(Reports.links(session.links(), link));
      case Action.Status() -> Outcome.printed(Reports.status(link, cache().status()));
      case Action.Peers() -> Outcome.printed(Reports.peers(cache().status()));
      case Action.Quit() -> new Outcome("", null, true);
      case Action.Unknown(var word) -> Outcome.failed(unknown(word));
      case Action.Refuse(var reason) -> Outcome.failed(reason);
    };
  }

  private static Outcome outcome(Answer answer) {
    return new Outcome(answer.render(), answer.failure(), false);
  }

  private Outcome help(@Nullable String name) {
    if (name == null) return Outcome.printed(Reports.help());
    Verb verb = Verbs.named(name);
    if (verb == null) return Outcome.failed(unknown(name));
    return Outcome.printed(verb.usage() + "\n  " + verb.summary());
  }

  private String unknown(String word) {
    String nearest = NearestName.to(word, Verbs.names());
    String shown = nearest != null || repeatsWords ? " '" + shown(word) + "'" : "";
    String advice =
        nearest == null ? "; HELP lists the commands" : ", did you mean " + nearest + "?";
    return "ERR unknown command" + shown + advice;
  }

  private static String shown(String word) {
    String quoted = Quoted.of(Bytes.utf8(word));
    String inside = quoted.substring(1, quoted.length() - 1);
    return inside.length() <= SHOWN_MAX ? inside : inside.substring(0, SHOWN_MAX) + "...";
  }

  private Outcome use(String name) {
    if (!session.links().contains(name))
      return Outcome.failed("ERR no such link; LINKS lists the links");
    link = name;
    return Outcome.printed("OK");
  }

  private Answer listKeys(Bytes prefix) {
    List<Bytes> keys = new ArrayList<>();
    long cursor = 0;
    while (true) {
      Reply reply = ask(new Command.Keys(prefix, cursor, PAGE_KEYS));
      if (!(reply instanceof Reply.Page page)) return Answer.of(reply);
      keys.addAll(page.keys());
      if (page.last()) break;
      if (Thread.currentThread().isInterrupted()) return Answer.of(INTERRUPTED);
      cursor = page.next();
    }
    keys.sort(null);
    return Answer.of(new Reply.Values(keys));
  }

  private Replica cache() {
    return session.cache(link);
  }

  /** Waits for the answer, which a joining cache gives on another thread. */
  private Reply ask(Command command) {
    CompletableFuture<Reply> answer = new CompletableFuture<>();
    cache().call(command, answer::complete);
    try {
      return answer.get(ANSWER_MILLIS_MAX, TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      return new Reply.Rejected(Reply.Reason.BAD_ARGUMENT, "the cache did not answer within 10 s");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return INTERRUPTED;
    } catch (ExecutionException e) {
      throw new IllegalStateException(e); // nobody completes it with an exception
    }
  }
}
