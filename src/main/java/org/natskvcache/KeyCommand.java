package org.natskvcache;

import java.io.PrintWriter;
import java.security.SecureRandom;
import java.util.List;
import org.natskvcache.cli.ExitCode;
import org.natskvcache.cli.KeyOptions;
import org.natskvcache.provider.InvalidSetting;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.SettingKey;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.replication.wire.ReplicationKey;

/** Prints keys. They go to standard output, and everything else to standard error. */
final class KeyCommand {
  private final PrintWriter out;
  private final PrintWriter err;

  KeyCommand(PrintWriter out, PrintWriter err) {
    this.out = out;
    this.err = err;
  }

  /** Returns the exit code. */
  int run(KeyOptions options) {
    return switch (options) {
      case KeyOptions.Fresh() -> fresh();
      case KeyOptions.Inspect(var values) -> inspect(values);
    };
  }

  private int fresh() {
    byte[] bytes = new byte[ReplicationKey.BYTES];
    new SecureRandom().nextBytes(bytes);
    out.println(ReplicationKey.of(bytes).text());
    return ExitCode.OK;
  }

  private int inspect(LinkValues values) {
    SettingKey key = SettingKey.REPLICATION_KEY;
    String text = values.value(key).orElseThrow();
    String wrong = FrameKeys.problem(text);
    if (wrong.isEmpty() && FrameKeys.replication(text).isNone()) {
      wrong = "is none: make a key with nats-kvcache key new";
    }
    if (!wrong.isEmpty()) {
      err.println(
          "nats-kvcache: " + new InvalidSetting(key, values.place(key).orElseThrow(), wrong));
      return ExitCode.FAILED;
    }
    FrameKeys keys = FrameKeys.replication(text);
    out.println(keys.inspectionSetting());
    List<String> ids = keys.ids();
    for (int i = 0; i < ids.size(); i++) err.println("key " + (i + 1) + ": " + ids.get(i));
    return ExitCode.OK;
  }
}
