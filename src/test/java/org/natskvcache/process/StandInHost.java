package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.UTF_8;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nats.client.Connection;
import io.nats.client.Message;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.natskvcache.Waiting;

/**
 * The control interface of a host, on NATS as a real one has it: the list of links, and
 * configurations by name. Sources: wasmCloud 1.9.2, {@code crates/host/src/wasmbus/ctl.rs}, and
 * 0.82.0, {@code crates/host/src/wasmbus/mod.rs}: {@code handle_links}, {@code handle_config_get}.
 */
final class StandInHost {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Connection connection;

  /** What it lists; a test may list what it never published. */
  final List<ObjectNode> links = new CopyOnWriteArrayList<>();

  final Map<String, Map<String, String>> configurations = new ConcurrentHashMap<>();

  /** Requests for all links so far. */
  final AtomicInteger asked = new AtomicInteger();

  private StandInHost(Connection connection) {
    this.connection = connection;
  }

  /** A host 1.x: links name configurations. */
  static StandInHost ofOne(Connection connection) throws Exception {
    var host = new StandInHost(connection);
    String prefix = "wasmbus.ctl.v1.default.";
    host.serve(prefix + "link.*", "link", message -> success(host.list()));
    host.serve(
        prefix + "config.>",
        "config",
        message -> {
          String name = message.getSubject().substring((prefix + "config.get.").length());
          Map<String, String> values = host.configurations.get(name);
          return values == null
              ? JSON.createObjectNode()
                  .put("success", true)
                  .put("message", "Configuration not found")
              : success(JSON.valueToTree(values));
        });
    return host;
  }

  /** A host 0.x: links hold their values. */
  static StandInHost ofZero(Connection connection) throws Exception {
    var host = new StandInHost(connection);
    host.serve(
        "wasmbus.ctl.default.get.*",
        "get",
        message -> {
          ObjectNode list = JSON.createObjectNode();
          list.set("links", host.list());
          return list;
        });
    return host;
  }

  private interface Answer {
    JsonNode to(Message message);
  }

  private void serve(String subject, String group, Answer answer) throws Exception {
    connection
        .createDispatcher(message ->
            connection.publish(message.getReplyTo(), answer.to(message).toString().getBytes(UTF_8)))
        .subscribe(subject, group);
    connection.flush(Waiting.PATIENCE);
  }

  private ArrayNode list() {
    asked.incrementAndGet();
    return JSON.createArrayNode().addAll(new ArrayList<>(links));
  }

  private static ObjectNode success(JsonNode response) {
    ObjectNode answer = JSON.createObjectNode().put("success", true).put("message", "");
    answer.set("response", response);
    return answer;
  }

  /** A published link as hosts 1.x list it: names for values, and no secrets. */
  static ObjectNode listed(ObjectNode link, List<String> source, List<String> target) {
    ObjectNode listed = link.deepCopy();
    listed.remove(List.of("source_secrets", "target_secrets"));
    listed.set("source_config", JSON.valueToTree(source));
    listed.set("target_config", JSON.valueToTree(target));
    return listed;
  }

  /** A link as hosts 0.x list it. */
  static ObjectNode listed(String actor, Provider provider, Map<String, String> values) {
    ObjectNode listed =
        JSON.createObjectNode()
            .put("actor_id", actor)
            .put("provider_id", provider.hostData.text("provider_key"))
            .put("link_name", provider.hostData.text("link_name"))
            .put("contract_id", "wasmcloud:keyvalue");
    listed.set("values", JSON.valueToTree(values));
    return listed;
  }
}
