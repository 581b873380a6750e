package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.natskvcache.rpc.wasmbus.SigningCaller.struct;
import static org.natskvcache.rpc.wasmbus.SigningCaller.text;
import static org.natskvcache.rpc.wasmbus.SigningCaller.texts;

import io.nats.client.Connection;
import io.nats.client.Message;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.msgpack.core.MessagePack;
import org.msgpack.value.Value;
import org.msgpack.value.ValueFactory;
import org.natskvcache.rpc.wasmbus.Invocation;
import org.natskvcache.rpc.wasmbus.MessagePackException;
import org.natskvcache.rpc.wasmbus.SigningCaller;

/**
 * An actor's calls through a host to whoever answers one subject. Every response is checked as a
 * Rust host checks it: the invocation's id, and a content length that is the body's. May be used by
 * several threads.
 */
public final class KeyValueClient {
  private final Connection connection;
  private final SigningCaller caller;
  private final String subject;
  private final Duration patience;

  KeyValueClient(Connection connection, SigningCaller caller, String subject, Duration patience) {
    this.connection = connection;
    this.caller = caller;
    this.subject = subject;
    this.patience = patience;
  }

  /** Nobody answered: whether the call was carried out is not known. */
  public static final class NoAnswer extends AssertionError {
    private static final long serialVersionUID = 1;

    NoAnswer(String operation) {
      super("no answer to " + operation);
    }
  }

  /**
   * A call that may be refused.
   *
   * @throws NoAnswer when there is none in time
   */
  public SigningCaller.Response request(String operation, byte[] argument) {
    Invocation call = caller.signed("KeyValue." + operation, argument);
    try {
      Message reply = connection.request(subject, SigningCaller.encode(call), patience);
      if (reply == null) {
        throw new NoAnswer(operation);
      }
      var response = SigningCaller.Response.decode(reply.getData());
      assertEquals(call.id(), response.invocationId());
      assertEquals(response.msg().length, response.contentLength());
      return response;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted", e);
    } catch (MessagePackException e) {
      throw new AssertionError("not a response", e);
    }
  }

  /** The error of a call that must be refused. */
  String error(String operation, byte[] argument) {
    SigningCaller.Response response = request(operation, argument);
    assertEquals(0, response.msg().length, () -> operation + " was not refused");
    return response.error();
  }

  private byte[] ok(String operation, byte[] argument) {
    SigningCaller.Response response = request(operation, argument);
    assertEquals("", response.error());
    return response.msg();
  }

  private Value result(String operation, byte[] argument) {
    byte[] body = ok(operation, argument);
    try (var unpacker = MessagePack.newDefaultUnpacker(body)) {
      Value value = unpacker.unpackValue();
      assertEquals(body.length, unpacker.getTotalReadBytes());
      return value;
    } catch (IOException e) {
      throw new AssertionError("not MessagePack", e);
    }
  }

  private boolean flag(String operation, byte[] argument) {
    return result(operation, argument).asBooleanValue().getBoolean();
  }

  private long number(String operation, byte[] argument) {
    return result(operation, argument).asIntegerValue().toLong();
  }

  private List<String> list(String operation, byte[] argument) {
    return StreamSupport.stream(result(operation, argument).asArrayValue().spliterator(), false)
        .map(value -> value.asStringValue().asString())
        .toList();
  }

  public long increment(String key, int by) {
    return number("Increment", struct("key", key, "value", by));
  }

  public boolean contains(String key) {
    return flag("Contains", text(key));
  }

  public boolean delete(String key) {
    return flag("Del", text(key));
  }

  public Optional<String> get(String key) {
    Map<Value, Value> fields = result("Get", text(key)).asMapValue().map();
    assertEquals(2, fields.size());
    String value = fields.get(ValueFactory.newString("value")).asStringValue().asString();
    boolean exists = fields.get(ValueFactory.newString("exists")).asBooleanValue().getBoolean();
    if (!exists) {
      assertEquals("", value);
    }
    return exists ? Optional.of(value) : Optional.empty();
  }

  public void set(String key, String value) {
    set(key, value, 0);
  }

  public void set(String key, String value, long expiresSeconds) {
    byte[] body = ok("Set", struct("key", key, "value", value, "expires", expiresSeconds));
    assertEquals(0, body.length, "the result of Set is no bytes at all");
  }

  public long listAdd(String list, String value) {
    return number("ListAdd", struct("listName", list, "value", value));
  }

  public boolean listRemove(String list, String value) {
    return flag("ListDel", struct("listName", list, "value", value));
  }

  public List<String> listRange(String list, int start, int stop) {
    return list("ListRange", struct("listName", list, "start", start, "stop", stop));
  }

  public List<String> list(String list) {
    return listRange(list, 0, -1);
  }

  public boolean listClear(String list) {
    return flag("ListClear", text(list));
  }

  public long setAdd(String set, String member) {
    return number("SetAdd", struct("setName", set, "value", member));
  }

  public long setRemove(String set, String member) {
    return number("SetDel", struct("setName", set, "value", member));
  }

  /** In the order answered: unspecified by the contract, but the same on every instance. */
  public List<String> members(String set) {
    return list("SetQuery", text(set));
  }

  public List<String> union(String... sets) {
    return list("SetUnion", texts(sets));
  }

  public List<String> intersection(String... sets) {
    return list("SetIntersection", texts(sets));
  }

  public boolean setClear(String set) {
    return flag("SetClear", text(set));
  }
}
