package org.natskvcache.cli.shell;

import java.util.List;
import org.natskvcache.node.Replica;

/** The caches a shell works on. Called from the shell's one thread. */
public interface ShellSession {
  /** Names of the links, at least one, always the same; the first is in use at the start. */
  List<String> links();

  /** The running cache of one of the {@link #links()}. */
  Replica cache(String link);
}
