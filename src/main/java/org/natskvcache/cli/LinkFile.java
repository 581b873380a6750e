package org.natskvcache.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import picocli.CommandLine;

/**
 * Reads links from JSON, so that secrets need not be on the command line:
 *
 * <pre>{"name": "default", "config": {"NATS_URL": "tls://a:4222", "CLIENT_SEED": "SU..."}}</pre>
 *
 * or an array of such objects. {@code config} may be left out; numbers and booleans in it count as
 * their text.
 */
final class LinkFile {
  /** Longest file read, bytes. */
  private static final long FILE_BYTES_MAX = 1 << 20;

  private LinkFile() {}

  static List<LinkOptions> read(CommandLine line, Path file) {
    JsonNode root = parse(line, file);
    List<LinkOptions> links = new ArrayList<>();
    if (root.isArray()) {
      for (JsonNode link : root) links.add(link(line, file, link));
    } else {
      links.add(link(line, file, root));
    }
    return links;
  }

  private static JsonNode parse(CommandLine line, Path file) {
    try {
      if (Files.size(file) > FILE_BYTES_MAX) throw wrong(line, file, "is over 1 MiB");
      return new ObjectMapper()
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .readTree(Files.readAllBytes(file));
    } catch (JsonProcessingException e) {
      // the parser's own message can quote the file, and the file may hold secrets
      var at = e.getLocation();
      throw wrong(
          line,
          file,
          "is not JSON"
              + (at == null ? "" : ": line " + at.getLineNr() + ", column " + at.getColumnNr()));
    } catch (NoSuchFileException e) {
      throw wrong(line, file, "does not exist");
    } catch (IOException e) {
      throw wrong(line, file, "cannot be read");
    }
  }

  private static LinkOptions link(CommandLine line, Path file, JsonNode node) {
    JsonNode name = node.path("name");
    if (!node.isObject() || !name.isTextual()) {
      throw wrong(line, file, "must hold objects with a \"name\" and a \"config\"");
    }
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      if (!field.getKey().equals("name") && !field.getKey().equals("config")) {
        throw wrong(line, file, "knows only \"name\" and \"config\" in a link");
      }
    }
    JsonNode config = node.path("config");
    if (!config.isMissingNode() && !config.isObject())
      throw wrong(line, file, "\"config\" must be an object");
    SortedMap<String, String> values = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    for (Map.Entry<String, JsonNode> entry : config.properties()) {
      JsonNode value = entry.getValue();
      if (!value.isValueNode() || value.getNodeType() == JsonNodeType.NULL) {
        throw wrong(line, file, entry.getKey() + " must be a text, a number or a boolean");
      }
      if (values.put(entry.getKey(), value.asText()) != null)
        throw wrong(line, file, entry.getKey() + " is there twice");
    }
    return new LinkOptions(name.asText(), new TreeMap<>(), values);
  }

  private static CommandLine.ParameterException wrong(CommandLine line, Path file, String reason) {
    return Checks.wrong(line, null, "--link-file " + file + " " + reason);
  }
}
