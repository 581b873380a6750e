package org.natskvcache.rpc.wasmbus;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What is said of a large body, against the golden vectors. */
class StoredObjectTest {
  private static final byte[] BODY = new byte[300_000];

  static Stream<JsonNode> names() {
    return Vectors.entries("object_store_names");
  }

  @ParameterizedTest
  @MethodSource("names")
  void namesBecomeTheSubjectsOfBothClientGenerations(JsonNode vector) {
    String bucket = vector.get("bucket").textValue();
    String name = vector.get("object_name").textValue();
    assertEquals(vector.get("stream").textValue(), StoredObject.stream(bucket));
    assertEquals(
        List.of(
            vector.get("meta_subject_base64").textValue(),
            vector.get("meta_subject_raw").textValue()),
        StoredObject.metaSubjects(bucket, name));
  }

  @Test
  void digestIsThatOfTheClients() {
    JsonNode vector = Vectors.section("object_store_digest");
    byte[] data = HexFormat.of().parseHex(vector.get("data_hex").textValue());
    assertEquals(
        vector.get("digest").textValue(), StoredObject.of("b", "n", "nuid", data).digest());
  }

  @Test
  void resultsAreNamedAfterTheirInvocation() {
    String id = "5f0c6f5e-3c1b-4c8e-9a55-0d6a3f1f2b7c";
    assertEquals(id + "-r", StoredObject.resultName(id));
  }

  @Test
  void namesThatNoSubjectCanHoldHaveNoRawForm() {
    for (String name : List.of("a>", "*", "a\rb", "\u00e9", "x".repeat(256) + "")) {
      for (String subject : StoredObject.metaSubjects("b", name)) {
        assertTrue(subject.matches("\\$O\\.b\\.M\\.[A-Za-z0-9_=-]+"), subject);
      }
    }
    assertEquals("$O.b.M.a_b_c", StoredObject.metaSubjects("b", "a.b c").getLast());
    assertEquals(List.of(), StoredObject.metaSubjects("b", ""));
    assertEquals(List.of(), StoredObject.metaSubjects("b", "x".repeat(257)));
  }

  @Test
  void descriptionHasWhatAnyClientDemands() throws Exception {
    StoredObject object = StoredObject.of("default", "id-r", "NUID", BODY);
    JsonNode json = new ObjectMapper().readTree(object.encode(1_700_000_000));
    assertEquals("id-r", json.get("name").textValue());
    assertEquals("default", json.get("bucket").textValue());
    assertEquals("NUID", json.get("nuid").textValue());
    assertEquals(300_000, json.get("size").longValue());
    assertEquals(3, json.get("chunks").longValue());
    assertEquals("2023-11-14T22:13:20Z", json.get("modified").textValue());
    assertEquals("2023-11-14T22:13:20Z", json.get("mtime").textValue());
    assertEquals(131_072, json.get("options").get("max_chunk_size").longValue());
    assertTrue(json.get("link").isNull() && json.get("description").isNull());
    assertFalse(json.get("deleted").booleanValue());
    assertEquals(Optional.of(object), StoredObject.decode("default", object.encode(0)));
    assertEquals("$O.default.C.NUID", object.chunkSubject());
  }

  @Test
  void deletionIsAnEmptyObjectOfTheSameChunks() {
    StoredObject object = StoredObject.of("default", "id", "NUID", BODY).deletion();
    StoredObject read = StoredObject.decode("default", object.encode(0)).orElseThrow();
    assertTrue(read.deleted());
    assertEquals(0, read.size() + read.chunks());
    assertEquals("$O.default.C.NUID", read.chunkSubject());
  }

  @Test
  void anotherBodyIsNoticed() {
    StoredObject object = StoredObject.of("b", "n", "NUID", BODY);
    assertTrue(object.describes(BODY));
    assertFalse(object.describes(Arrays.copyOf(BODY, BODY.length - 1)));
    byte[] other = BODY.clone();
    other[7] = 1;
    assertFalse(object.describes(other));
    var old = StoredObject.decode("b", "{\"nuid\":\"N\",\"size\":300000}".getBytes(UTF_8));
    assertTrue(old.orElseThrow().describes(other), "clients before 0.21 write no digest");
    assertFalse(old.orElseThrow().describes(new byte[1]));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "junk",
        "[]",
        "null",
        "{}",
        "{\"nuid\":\"N\"}",
        "{\"nuid\":\"N\",\"size\":-1}",
        "{\"nuid\":\"N\",\"size\":1e30}",
        "{\"nuid\":\">\",\"size\":1}",
        "{\"nuid\":\"a.*\",\"size\":1}",
        "{\"nuid\":\"\",\"size\":1}"
      })
  void whatMakesNoSenseIsNothing(String json) {
    assertEquals(Optional.empty(), StoredObject.decode("b", json.getBytes(UTF_8)));
  }
}
