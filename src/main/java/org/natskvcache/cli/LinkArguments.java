package org.natskvcache.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** The options that name servers and links. */
final class LinkArguments {
  private static final String DEFAULT_LINK = "default";

  @Option(
      names = "--nats-url",
      paramLabel = "URL",
      description =
          "Servers, separated by commas: [nats://|tls://]HOST[:PORT]. Default: NATS_URL of the environment.")
  @Nullable String natsUrl;

  @Option(
      names = "--link",
      paramLabel = "NAME",
      description = "A link, which is one cache. Repeatable. Default: one link named default.")
  List<String> names = new ArrayList<>();

  @Option(
      names = "--link-config",
      paramLabel = "NAME:KEY=VALUE",
      description = "A setting of a link, which is opened if --link does not name it. Repeatable.")
  List<String> settings = new ArrayList<>();

  @Option(
      names = "--link-file",
      paramLabel = "FILE",
      description = "Links and their settings as JSON, secrets allowed. Repeatable.")
  List<Path> files = new ArrayList<>();

  /**
   * The servers to connect to by default, from the option, else from the environment; null for
   * none.
   */
  @Nullable String natsUrl(CommandLine line, Map<String, String> environment) {
    if (natsUrl != null) {
      if (natsUrl.isBlank()) throw Checks.wrong(line, "--nats-url", "must not be empty");
      Checks.noSecret(line, "--nats-url", "NATS_URL", natsUrl);
      return natsUrl.strip();
    }
    String inherited = environment.get("NATS_URL");
    return inherited == null || inherited.isBlank() ? null : inherited.strip();
  }

  /**
   * Every link named by any option, in the order --link, --link-file, --link-config; one named
   * default if there is none.
   */
  List<LinkOptions> links(CommandLine line) {
    Map<String, SortedMap<String, String>> links = new LinkedHashMap<>();
    for (String name : names) {
      Checks.linkName(line, "--link", name);
      if (links.put(name, newConfig()) != null)
        throw Checks.wrong(line, "--link", name + " is given twice");
    }
    for (Path file : files) {
      for (LinkOptions link : LinkFile.read(line, file)) {
        Checks.linkName(line, "--link-file " + file, link.name());
        link.config()
            .forEach(
                (key, value) -> put(line, "--link-file " + file, links, link.name(), key, value));
        links.computeIfAbsent(link.name(), name -> newConfig());
      }
    }
    for (String setting : settings) addSetting(line, links, setting);
    if (links.isEmpty()) links.put(DEFAULT_LINK, newConfig());
    return links.entrySet().stream().map(e -> new LinkOptions(e.getKey(), e.getValue())).toList();
  }

  private static void addSetting(
      CommandLine line, Map<String, SortedMap<String, String>> links, String setting) {
    int equals = setting.indexOf('=');
    int colon =
        equals < 0
            ? -1
            : setting.lastIndexOf(':', equals); // a link name may hold colons, a key none
    if (colon < 1 || equals == colon + 1) {
      throw Checks.wrong(line, "--link-config", "must be NAME:KEY=VALUE");
    }
    String name = setting.substring(0, colon);
    String key = setting.substring(colon + 1, equals);
    String value = setting.substring(equals + 1);
    Checks.linkName(line, "--link-config", name);
    Checks.noSecret(line, "--link-config", key, value);
    put(line, "--link-config", links, name, key, value);
  }

  private static void put(
      CommandLine line,
      String option,
      Map<String, SortedMap<String, String>> links,
      String name,
      String key,
      String value) {
    if (links.computeIfAbsent(name, absent -> newConfig()).put(key, value) != null) {
      throw Checks.wrong(line, option, key + " of link " + name + " is given twice");
    }
  }

  private static SortedMap<String, String> newConfig() {
    return new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
  }
}
