package org.natskvcache.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The suite in its shortest form: all of it runs, every call is answered. Never a time. */
class SuiteIT {
  @Test
  void everyResponderAnswersEveryCall(@TempDir Path folder) throws Exception {
    String tables = Suite.run(Suite.Settings.SMOKE, folder);
    JsonNode json = new ObjectMapper().readTree(folder.resolve("bench.json").toFile());
    Set<String> names = new TreeSet<>();
    for (JsonNode process : json.get("processes")) {
      names.add(process.get("name").asText());
      assertTrue(process.get("start_ms").get("least").asDouble() > 0, process::toString);
    }
    assertTrue(
        names.containsAll(
            Set.of(
                "nats-kvcache",
                "nats-kvcache, standalone",
                "echo, jnats",
                "echo, raw wire",
                "JetStream KV",
                "nats-kvcache, claims",
                "echo, claims")),
        names::toString);
    int wrpc = names.size() - 3; // Redis is one of them where there is a redis-server
    assertEquals(3 * wrpc + 2, json.get("rows").size());
    for (JsonNode row : json.get("rows")) {
      assertEquals(0, row.get("failed").asInt(), row::toString);
      assertTrue(row.get("calls_per_second").get("least").asDouble() > 0, row::toString);
      assertTrue(row.get("p50_us").get("median").asDouble() > 0, row::toString);
      assertTrue(tables.contains("| " + row.get("responder").asText() + " |"), tables);
    }
    var picture =
        DocumentBuilderFactory.newInstance()
            .newDocumentBuilder()
            .parse(folder.resolve("bench.svg").toFile());
    assertTrue(picture.getElementsByTagName("rect").getLength() > json.get("rows").size());
    assertEquals(tables, Files.readString(folder.resolve("bench.md")));
  }
}
