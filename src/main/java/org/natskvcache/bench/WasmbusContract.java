package org.natskvcache.bench;

import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.natskvcache.cli.BenchOperation;
import org.natskvcache.cli.BenchOptions;
import org.natskvcache.rpc.SigningKey;
import org.natskvcache.rpc.wasmbus.InvocationResponse;
import org.natskvcache.rpc.wasmbus.InvocationSigner;
import org.natskvcache.rpc.wasmbus.MessagePackException;
import org.natskvcache.rpc.wasmbus.MessagePackWriter;
import org.natskvcache.rpc.wasmbus.Operation;

/** {@code wasmcloud:keyvalue}, as hosts 0.x call it: signed, one message each way. */
final class WasmbusContract implements Contract {
  private static final byte[] NO_HEADERS = {};

  private final InvocationSigner signer;
  private final byte[] subject;
  private final String value;

  WasmbusContract(BenchOptions.Target target, String link, SigningKey cluster, byte[] value) {
    signer = new InvocationSigner(cluster, target.providerId(), link);
    subject = ("wasmbus.rpc." + target + "." + link).getBytes(StandardCharsets.UTF_8);
    this.value = new String(value, StandardCharsets.US_ASCII);
  }

  @Override
  public Prepared prepare(BenchOperation operation, int key) {
    String name = Contract.name(operation, key);
    var out = new MessagePackWriter(64 + value.length());
    Operation called =
        switch (operation) {
          case GET -> Operation.GET;
          case SET -> Operation.SET;
          case INCREMENT -> Operation.INCREMENT;
          case EXISTS -> Operation.CONTAINS;
          case DELETE -> Operation.DEL;
        };
    switch (operation) {
      case GET, EXISTS, DELETE -> out.text(name);
      case SET -> {
        out.mapHeader(3).text("key").text(name).text("value").text(value);
        out.text("expires").integer(0);
      }
      case INCREMENT -> out.mapHeader(2).text("key").text(name).text("value").integer(1);
    }
    byte[] body = signer.sign(called, out.toByteArray(), UUID.randomUUID().toString());
    return new Prepared(operation, subject, NO_HEADERS, body);
  }

  @Override
  public boolean costly() {
    return true;
  }

  @Override
  public Progress received(
      WireMessage message, BenchOperation operation, Progress.Open before, Wire wire) {
    if (message.nobodyListens()) return Progress.Failed.NOBODY_LISTENS;
    try {
      String error = InvocationResponse.decode(message.body()).error();
      return error == null ? Progress.Done.DONE : Progress.Failed.refused(error);
    } catch (MessagePackException e) {
      return Progress.Failed.MALFORMED;
    }
  }
}
