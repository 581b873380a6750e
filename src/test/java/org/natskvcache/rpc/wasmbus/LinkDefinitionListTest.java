package org.natskvcache.rpc.wasmbus;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.rpc.LinkDefinition;

/** What hosts 0.x answer to a request for all links. */
class LinkDefinitionListTest {
  private static Optional<List<LinkDefinition>> read(String json) {
    return LinkDefinitionCodec.list(json.getBytes(StandardCharsets.UTF_8));
  }

  /** As wasmCloud 0.82.0 writes it. */
  @Test
  void linksAreReadWithTheirValues() {
    assertEquals(
        Optional.of(
            List.of(
                new LinkDefinition(
                    "M1", "V1", "default", "wasmcloud:keyvalue", Map.of("K", "v", "L", "")))),
        read(
            "{\"links\":[{\"actor_id\":\"M1\",\"provider_id\":\"V1\",\"link_name\":\"default\","
                + "\"contract_id\":\"wasmcloud:keyvalue\",\"values\":{\"K\":\"v\",\"L\":\"\"}}]}"));
    assertEquals(Optional.of(List.of()), read("{\"links\":[]}"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "[]", "null", "{}", "{\"links\":{}}", "{\"accepted\":false}"})
  void otherAnswersAreNoListOfLinks(String answer) {
    assertEquals(Optional.empty(), read(answer));
  }
}
