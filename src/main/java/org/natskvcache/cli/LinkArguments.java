package org.natskvcache.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.Place;
import org.natskvcache.provider.SettingKey;
import picocli.CommandLine;
import picocli.CommandLine.Option;

/** The options that name servers and links. */
final class LinkArguments {
  private static final String DEFAULT_LINK = "default";

  @Option(
      names = "--nats-url",
      paramLabel = "URL",
      description =
          "Servers, separated by commas: [nats://|tls://|ws://|wss://]HOST[:PORT]. Default: NATS_URL of the"
              + " environment.")
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

  /** The servers that the option names; null when it is not given. */
  @Nullable String natsUrl(CommandLine line) {
    if (natsUrl == null) return null;
    if (natsUrl.isBlank()) throw Checks.wrong(line, "--nats-url", "must not be empty");
    Checks.noSecret(line, "--nats-url", "NATS_URL", natsUrl);
    return natsUrl.strip();
  }

  /** Whether the environment names servers. */
  static boolean isServerIn(Map<String, String> environment) {
    return LinkValues.of(Place.ENVIRONMENT, environment).value(SettingKey.NATS_URL).isPresent();
  }

  /** Whether a link names servers of its own. */
  static boolean namesServer(LinkOptions link) {
    return link.config().containsKey("NATS_URL") || link.file().containsKey("NATS_URL");
  }

  /**
   * Every link named by any option, in the order --link, --link-file, --link-config; one named
   * default if there is none.
   */
  List<LinkOptions> links(CommandLine line) {
    Map<String, LinkOptions> links = new LinkedHashMap<>();
    for (String name : names) {
      Checks.linkName(line, "--link", name);
      if (links.put(name, none(name)) != null)
        throw Checks.wrong(line, "--link", name + " is given twice");
    }
    for (Path file : files) {
      for (LinkOptions link : LinkFile.read(line, file)) {
        Checks.linkName(line, "--link-file " + file, link.name());
        LinkOptions former = links.getOrDefault(link.name(), none(link.name()));
        var both = new TreeMap<>(former.file());
        link.file()
            .forEach(
                (key, value) -> put(line, "--link-file " + file, both, link.name(), key, value));
        links.put(link.name(), new LinkOptions(link.name(), former.config(), both));
      }
    }
    for (String setting : settings) addSetting(line, links, setting);
    return links.isEmpty() ? List.of(none(DEFAULT_LINK)) : List.copyOf(links.values());
  }

  private static LinkOptions none(String name) {
    return new LinkOptions(name, new TreeMap<>(), new TreeMap<>());
  }

  private static void addSetting(CommandLine line, Map<String, LinkOptions> links, String setting) {
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
    LinkOptions former = links.getOrDefault(name, none(name));
    var all = new TreeMap<>(former.config());
    put(line, "--link-config", all, name, key, value);
    links.put(name, new LinkOptions(name, all, former.file()));
  }

  private static void put(
      CommandLine line,
      String option,
      Map<String, String> settings,
      String name,
      String key,
      String value) {
    if (settings.put(key, value) != null) {
      throw Checks.wrong(line, option, key + " of link " + name + " is given twice");
    }
  }
}
