package org.natskvcache.fuzz;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;
import org.natskvcache.cli.shell.TokenizerTarget;
import org.natskvcache.node.PeerTarget;
import org.natskvcache.node.SnapshotTarget;

/** What is fuzzed, by name. */
public final class Targets {
  /** In the order a run of all takes. */
  public static final Map<String, Supplier<FuzzTarget>> ALL = new LinkedHashMap<>();

  static {
    ALL.put("frame", FrameTarget::new);
    ALL.put("replayed", ReplayedTarget::new);
    ALL.put("peer", PeerTarget::new);
    ALL.put("snapshot", SnapshotTarget::new);
    ALL.put("socket", SocketTarget::new);
    ALL.put("messagepack", MessagePackTarget::new);
    ALL.put("invocation", InvocationTarget::new);
    ALL.put("claims", ClaimsTarget::new);
    ALL.put("keyvalue-wasmbus", WasmbusKeyValueTarget::new);
    ALL.put("link-wasmbus", WasmbusLinkTarget::new);
    ALL.put("value", ValueTarget::new);
    ALL.put("keyvalue-wrpc", WrpcKeyValueTarget::new);
    ALL.put("control-wrpc", WrpcControlTarget::new);
    ALL.put("secrets", SecretsTarget::new);
    ALL.put("nkey", NkeyTarget::new);
    ALL.put("hostdata", HostDataTarget::new);
    ALL.put("settings", SettingsTarget::new);
    ALL.put("shell", TokenizerTarget::new);
  }

  private Targets() {}

  static FuzzTarget named(String name) {
    Supplier<FuzzTarget> target = ALL.get(name);
    if (target == null) throw new IllegalArgumentException(name + " is none of " + ALL.keySet());
    return target.get();
  }
}
