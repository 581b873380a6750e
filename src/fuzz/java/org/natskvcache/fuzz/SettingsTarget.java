package org.natskvcache.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.natskvcache.provider.LinkSettings;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.ServerUrl;

/** Values of links. The input is lines of {@code KEY=VALUE}. */
public final class SettingsTarget implements FuzzTarget {
  @Override
  public void run(byte[] input) {
    Map<String, String> values = new TreeMap<>();
    for (String line : new String(input, StandardCharsets.UTF_8).split("\n")) {
      int equals = line.indexOf('=');
      if (equals >= 0) values.put(line.substring(0, equals), line.substring(equals + 1));
    }
    settings(values, values.getOrDefault("LINK", "default"));
  }

  /** Checks the values of one link as a door does. */
  static void settings(Map<String, String> values, String linkName) {
    LinkSettings.Parsed parsed = LinkSettings.parse(LinkValues.of(values), linkName);
    Check.that(!parsed.toString().isEmpty(), "settings print");
    if (!(parsed instanceof LinkSettings.Parsed.Valid(LinkSettings settings))) return;
    for (ServerUrl server : settings.cache().servers()) {
      Check.same(
          new ServerUrl.Parsed.Valid(List.of(server)), ServerUrl.parseList(server.url()), "server");
    }
  }

  @Override
  public List<byte[]> seeds() {
    return Stream.of(
            "NATS_URL=nats://user:secret@Host.example:4222/,tls://[::1]",
            "STATE_REPL_SUBJECT=a.b\nREPLAY_REQ_SUBJECT=a.c\nREPLAY_HEARTBEAT_SECS=30\nLINK=x y",
            "VALUE_BYTES_MAX=1000\nMUTATION_REPLIES=Default\nWATCH=SET@a,DEL@b",
            "WATCH=[\"key\", \"SET@key\", \"user:*\", \"DEL@odd\\\\*\"]",
            "NATS_CREDS=-----BEGIN NATS USER JWT----- a.b.c ------END SUAA\nNATS_CREDS_FILE=/a.creds",
            "CLIENT_JWT=a.b.c\nCLIENT_SEED=SUAA\nNATS_CA_FILE=/ca.pem\nNATS_CERT_FILE=/c.pem\nNATS_KEY_FILE=/k.pem",
            "REPLICATION_KEY=none,AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\nINSPECTION_KEY=none")
        .map(text -> text.getBytes(StandardCharsets.UTF_8))
        .toList();
  }
}
