package org.natskvcache.cli;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.SettingKey;
import org.natskvcache.provider.SettingOrder;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;

/** The commands below {@code key}. */
@Command(
    name = "key",
    description = {
      "Makes what REPLICATION_KEY and INSPECTION_KEY hold.",
      "",
      "Instances with a replication key sign what they say to each other, and take nothing that is not signed. An"
          + " inspection key lets doctor ask them, and nothing more. Both are secrets: keep them where seeds and"
          + " passwords are kept."
    },
    synopsisHeading = "Usage: ",
    descriptionHeading = "%n",
    optionListHeading = "%nOptions:%n",
    commandListHeading = "%nCommands:%n",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:a key was printed",
      "1:REPLICATION_KEY makes no sense, or is none",
      "2:the command line makes no sense, or there is no REPLICATION_KEY"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  nats-kvcache key new >replication.key",
      "  REPLICATION_KEY=$(cat replication.key) nats-kvcache key inspect"
    })
@SuppressWarnings("UnusedVariable") // help: for its text; picocli acts on it itself
final class KeyArguments {
  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Print this text.")
  boolean help;

  /** The command with those below it. */
  static CommandLine commandLine() {
    CommandLine line = new CommandLine(new KeyArguments());
    line.addSubcommand("new", new Fresh());
    line.addSubcommand("inspect", new Inspect());
    return line;
  }

  @Command(
      name = "new",
      description = {
        "Prints a fresh replication key, 43 characters, and nothing else.",
        "",
        "Give it to all instances of a cache as REPLICATION_KEY: as a secret of a link or of the provider, in a"
            + " --link-file, or in the environment. docs/security.md says how to change from one key to another."
      },
      synopsisHeading = "Usage: ",
      descriptionHeading = "%n",
      optionListHeading = "%nOptions:%n",
      exitCodeListHeading = "%nExit codes:%n",
      exitCodeList = {
        "0:the key was printed",
        "1:there is no randomness to be had",
        "2:the command line makes no sense"
      },
      footerHeading = "%nExamples:%n",
      footer = {"  nats-kvcache key new >replication.key"})
  @SuppressWarnings("UnusedVariable") // help: for its text; picocli acts on it itself
  static final class Fresh {
    @Option(
        names = {"-h", "--help"},
        usageHelp = true,
        description = "Print this text.")
    boolean help;
  }

  @Command(
      name = "inspect",
      description = {
        "Prints the INSPECTION_KEY that belongs to REPLICATION_KEY, which it takes from --link-file or the"
            + " environment only.",
        "",
        "If REPLICATION_KEY has two entries, so has what is printed. The ids of the keys go to stderr: they are no"
            + " secrets, and tell whether two places hold the same key."
      },
      synopsisHeading = "Usage: ",
      descriptionHeading = "%n",
      optionListHeading = "%nOptions:%n",
      sortOptions = false,
      exitCodeListHeading = "%nExit codes:%n",
      exitCodeList = {
        "0:the key was printed",
        "1:REPLICATION_KEY makes no sense, or is none",
        "2:the command line makes no sense, or there is no REPLICATION_KEY"
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  nats-kvcache key inspect --link-file links.json",
        "  REPLICATION_KEY=$(cat replication.key) nats-kvcache key inspect"
      })
  @SuppressWarnings("UnusedVariable") // help: for its text; picocli acts on it itself
  static final class Inspect {
    @Option(
        names = "--link",
        paramLabel = "NAME",
        description = "Which link's key, where the links of the files have several.")
    @Nullable String name;

    @Option(
        names = "--link-file",
        paramLabel = "FILE",
        description = "Links and their settings as JSON, as serve takes them. Repeatable.")
    List<Path> files = new ArrayList<>();

    @Option(
        names = {"-h", "--help"},
        usageHelp = true,
        description = "Print this text.")
    boolean help;

    KeyOptions options(CommandLine line, Map<String, String> environment) {
      var links = new LinkArguments();
      links.files = files;
      boolean known = name == null;
      Map<String, LinkValues> byKey = new LinkedHashMap<>();
      for (LinkOptions link : links.links(line)) {
        if (name != null && !link.name().equals(name)) continue;
        known = true;
        LinkValues values = SettingOrder.ofLinkUsed(Map.of(), null, link.file(), environment);
        values.value(SettingKey.REPLICATION_KEY).ifPresent(key -> byKey.put(key, values));
      }
      if (!known) throw Checks.wrong(line, "--link", "no --link-file has a link of this name");
      if (byKey.size() > 1) {
        throw Checks.wrong(
            line, "--link", "is missing: the links of --link-file have keys of their own");
      }
      if (byKey.isEmpty()) {
        throw new ParameterException(
            line,
            "key inspect needs the replication key: put REPLICATION_KEY in a --link-file or in the environment");
      }
      return new KeyOptions.Inspect(byKey.values().iterator().next());
    }
  }
}
