package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.rpc.wasmbus.SigningCaller.struct;
import static org.natskvcache.rpc.wasmbus.SigningCaller.text;
import static org.natskvcache.rpc.wasmbus.SigningCaller.withoutBody;

import io.nats.client.ObjectStore;
import io.nats.client.api.ObjectMeta;
import io.nats.client.api.ObjectStoreConfiguration;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.NatsForTests;
import org.natskvcache.rpc.wasmbus.Invocation;
import org.natskvcache.rpc.wasmbus.SigningCaller;

/** Bodies over 900 KiB through the executable, whose Java runtime holds only what it needs. */
class LargeBodiesIT {
  /** With a key of one byte, the largest that a server with default settings replicates. */
  private static final int VALUE_BYTES = (1 << 20) - (16 << 10) - 1;

  private final ProviderFixture fixture =
      new ProviderFixture(NatsForTests.startWithJetStream(), "");

  @AfterEach
  void close() {
    fixture.close();
  }

  @Test
  void aLargeValueIsSetOnOneInstanceAndReadFromAnother() throws Exception {
    Provider[] group = fixture.startGroup(2);
    String bucket = group[0].hostData.text("lattice_rpc_prefix");
    fixture.host.objectStoreManagement().create(ObjectStoreConfiguration.builder(bucket).build());
    ObjectStore store = fixture.host.objectStore(bucket);
    byte[] argument = struct("key", "k", "value", "x".repeat(VALUE_BYTES), "expires", 0);
    Invocation whole = group[0].caller().signed("KeyValue.Set", argument);
    store.put(ObjectMeta.objectName(whole.id()), new ByteArrayInputStream(argument));
    assertEquals("", group[0].send(SigningCaller.encode(withoutBody(whole))).error());

    until("the value on the other instance", () -> group[1].calls.contains("k"));
    Invocation get = group[1].caller().signed("KeyValue.Get", text("k"));
    SigningCaller.Response response = group[1].send(SigningCaller.encode(get));
    assertEquals("", response.error());
    var result = new ByteArrayOutputStream();
    store.get(get.id() + "-r", result);
    assertEquals(VALUE_BYTES + 20, response.contentLength());
    assertEquals(VALUE_BYTES + 20, result.size());
    group[1].shutDown();
    assertEquals(0, group[1].process.awaitExit());
  }
}
