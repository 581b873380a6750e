package org.natskvcache.rpc.wrpc;

import java.util.ArrayList;
import java.util.List;
import org.natskvcache.rpc.Utf8;
import org.natskvcache.store.Bytes;
import org.natskvcache.wrpc.ValueException;
import org.natskvcache.wrpc.ValueReader;

/**
 * The functions of {@code wrpc:keyvalue@0.2.0-draft} that hosts call for components. Source:
 * wasmCloud 1.9, {@code crates/runtime/wit/wrpc/deps/keyvalue}.
 *
 * <pre>
 *   store    get          (bucket, key)                         result&lt;option&lt;list&lt;u8&gt;&gt;, error&gt;
 *            set          (bucket, key, value: list&lt;u8&gt;)        result&lt;_, error&gt;
 *            delete       (bucket, key)                         result&lt;_, error&gt;
 *            exists       (bucket, key)                         result&lt;bool, error&gt;
 *            list-keys    (bucket, cursor: option&lt;u64&gt;)         result&lt;{list&lt;string&gt;, option&lt;u64&gt;}, error&gt;
 *   atomics  increment    (bucket, key, delta: u64)             result&lt;u64, error&gt;
 *   batch    get-many     (bucket, keys: list&lt;string&gt;)         result&lt;list&lt;option&lt;(string, list&lt;u8&gt;)&gt;&gt;, error&gt;
 *            set-many     (bucket, list&lt;(string, list&lt;u8&gt;)&gt;)    result&lt;_, error&gt;
 *            delete-many  (bucket, keys: list&lt;string&gt;)         result&lt;_, error&gt;
 *   error: no-such-store | access-denied | other(string)
 * </pre>
 */
public enum KeyValueFunction {
  GET("store", "get"),
  SET("store", "set"),
  DELETE("store", "delete"),
  EXISTS("store", "exists"),
  LIST_KEYS("store", "list-keys"),
  INCREMENT("atomics", "increment"),
  GET_MANY("batch", "get-many"),
  SET_MANY("batch", "set-many"),
  DELETE_MANY("batch", "delete-many");

  private final String instance;
  private final String function;

  KeyValueFunction(String name, String function) {
    this.instance = "wrpc:keyvalue/" + name + "@0.2.0-draft";
    this.function = function;
  }

  /** The interface with its version, as in subjects. */
  public String instance() {
    return instance;
  }

  /** The function's name in kebab case. */
  public String function() {
    return function;
  }

  /** The function that is called on a subject of ours. */
  public static KeyValueFunction ofSubject(String subject) {
    for (KeyValueFunction each : values()) {
      if (subject.endsWith('.' + each.instance + '.' + each.function)) return each;
    }
    throw new IllegalArgumentException("no function of ours: " + subject);
  }

  /** Reads the function's parameters. */
  public KeyValueRequest decode(ValueReader in) throws ValueException {
    Bytes bucket = text(in);
    return switch (this) {
      case GET, DELETE, EXISTS ->
          new KeyValueRequest(this, bucket, List.of(text(in)), List.of(), 0);
      case SET ->
          new KeyValueRequest(this, bucket, List.of(text(in)), List.of(new Bytes(in.bytes())), 0);
      case INCREMENT -> new KeyValueRequest(this, bucket, List.of(text(in)), List.of(), in.u64());
      case LIST_KEYS ->
          new KeyValueRequest(this, bucket, List.of(), List.of(), in.option() ? in.u64() : 0);
      case GET_MANY, DELETE_MANY -> {
        int count = in.list();
        List<Bytes> keys = new ArrayList<>(count);
        for (int i = 0; i < count; i++) keys.add(text(in));
        yield new KeyValueRequest(this, bucket, keys, List.of(), 0);
      }
      case SET_MANY -> {
        int count = in.list();
        List<Bytes> keys = new ArrayList<>(count);
        List<Bytes> values = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
          keys.add(text(in));
          values.add(new Bytes(in.bytes()));
        }
        yield new KeyValueRequest(this, bucket, keys, values, 0);
      }
    };
  }

  private static Bytes text(ValueReader in) throws ValueException {
    byte[] text = in.bytes();
    if (!Utf8.isValid(text)) throw new ValueException.Malformed("a string is not UTF-8");
    return new Bytes(text);
  }
}
