package org.natskvcache.rpc.wasmbus;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.natskvcache.rpc.Utf8;
import org.natskvcache.store.Bytes;

/**
 * Reads MessagePack values from an array, one after the other. As tolerant as the decoder of the
 * reference provider: all widths, binary for text and text for binary, small integers for binary,
 * structs by name or position. Bytes after the value are nobody's concern. Every announced length
 * is compared with the bytes that are left before anything is allocated. Not for use by several
 * threads. Source: the MessagePack specification, github.com/msgpack/msgpack spec.md.
 */
public final class MessagePackReader {
  /** Deepest nesting of a value that is skipped, in collections. */
  public static final int DEPTH_MAX = 64;

  private static final int NIL = 0xc0;

  private final byte[] bytes;
  private int at;

  /** Reads {@code bytes}, which must not change meanwhile. */
  public MessagePackReader(byte[] bytes) {
    this.bytes = bytes;
  }

  /** Whether nothing is left. */
  public boolean atEnd() {
    return at == bytes.length;
  }

  /** Takes a nil if one is next. */
  public boolean takeNil() {
    boolean nil = at < bytes.length && (bytes[at] & 0xff) == NIL;
    if (nil) {
      at++;
    }
    return nil;
  }

  /** A boolean. */
  public boolean flag() throws MessagePackException {
    int head = head();
    return switch (head) {
      case 0xc2 -> false;
      case 0xc3 -> true;
      default -> throw unexpected(head, "a boolean");
    };
  }

  /** An integer of any width and sign, from {@code min} to {@code max}. */
  public long integer(long min, long max) throws MessagePackException {
    int head = head();
    long value =
        switch (head) {
          case 0xcc, 0xcd, 0xce -> big(1 << (head - 0xcc));
          case 0xcf -> unsigned64();
          case 0xd0 -> (byte) big(1);
          case 0xd1 -> (short) big(2);
          case 0xd2 -> (int) big(4);
          case 0xd3 -> big(8);
          default -> {
            if (head > 0x7f && head < 0xe0) {
              throw unexpected(head, "an integer");
            }
            yield (byte) head;
          }
        };
    if (value < min || value > max) {
      throw new MessagePackException("integer out of range, expected " + min + " to " + max);
    }
    return value;
  }

  /** Text, from str or bin, checked to be UTF-8; its bytes are a copy. */
  public Bytes text() throws MessagePackException {
    int length = blobLength("text");
    if (!Utf8.isValid(bytes, at, length)) {
      throw new MessagePackException("text is not UTF-8");
    }
    return new Bytes(take(length));
  }

  /** Text, from str or bin, checked to be UTF-8. */
  public String string() throws MessagePackException {
    int length = blobLength("text");
    if (!Utf8.isValid(bytes, at, length)) {
      throw new MessagePackException("text is not UTF-8");
    }
    at += length;
    return new String(bytes, at - length, length, StandardCharsets.UTF_8);
  }

  /** Bytes, from bin, str, or an array of integers 0 to 255; a copy. */
  public Bytes blob() throws MessagePackException {
    if (at < bytes.length && isArray(bytes[at] & 0xff)) {
      byte[] out = new byte[arrayHeader()];
      for (int i = 0; i < out.length; i++) {
        out[i] = (byte) integer(0, 255);
      }
      return new Bytes(out);
    }
    return new Bytes(take(blobLength("bytes")));
  }

  /** The number of elements of an array, which follow; at most the number of bytes left. */
  public int arrayHeader() throws MessagePackException {
    int head = head();
    if (!isArray(head)) {
      throw unexpected(head, "an array");
    }
    return collection(head, 0x90, 0xdc, 1);
  }

  /**
   * The number of entries of a map, whose keys and values follow in turn; at most half the number
   * of bytes left.
   */
  public int mapHeader() throws MessagePackException {
    int head = head();
    if (!isMap(head)) {
      throw unexpected(head, "a map");
    }
    return collection(head, 0x80, 0xde, 2);
  }

  /** Begins a struct in either form. */
  Struct struct(Fields fields) throws MessagePackException {
    int head = head();
    if (isMap(head)) {
      return new Struct(this, fields, true, collection(head, 0x80, 0xde, 2));
    }
    if (isArray(head)) {
      return new Struct(this, fields, false, collection(head, 0x90, 0xdc, 1));
    }
    throw unexpected(head, "a struct");
  }

  /**
   * Takes a map key; its position among {@code fields}, or -1 when it is another name or not a name
   * at all.
   */
  int fieldName(Fields fields) throws MessagePackException {
    int head = at < bytes.length ? bytes[at] & 0xff : NIL;
    if (!isBlob(head)) {
      skip();
      return -1;
    }
    int length = blobLength("text");
    at += length;
    return fields.position(bytes, at - length, length);
  }

  /** Takes one value of any type, nested to {@link #DEPTH_MAX} at most. */
  public void skip() throws MessagePackException {
    skip(0);
  }

  private void skip(int depth) throws MessagePackException {
    if (depth > DEPTH_MAX) {
      throw new MessagePackException("nested deeper than " + DEPTH_MAX);
    }
    int head = head();
    if (isMap(head) || isArray(head)) {
      boolean map = isMap(head);
      int values = map ? 2 * collection(head, 0x80, 0xde, 2) : collection(head, 0x90, 0xdc, 1);
      for (int i = 0; i < values; i++) {
        skip(depth + 1);
      }
    } else if (isBlob(head)) {
      at--;
      int length = blobLength("text"); // not one expression: "at +=" would read at before it moves
      at += length;
    } else {
      int length = check(scalarBytes(head));
      at += length;
    }
  }

  /** How many bytes follow the head of a value that is neither a collection nor text nor binary. */
  private long scalarBytes(int head) throws MessagePackException {
    return switch (head) {
      case 0xc0, 0xc2, 0xc3 -> 0;
      case 0xc7, 0xc8, 0xc9 -> big(1 << (head - 0xc7)) + 1; // ext: length, type, data
      case 0xca -> 4;
      case 0xcb -> 8;
      case 0xcc, 0xcd, 0xce, 0xcf -> 1 << (head - 0xcc);
      case 0xd0, 0xd1, 0xd2, 0xd3 -> 1 << (head - 0xd0);
      case 0xd4, 0xd5, 0xd6, 0xd7, 0xd8 -> (1 << (head - 0xd4)) + 1; // fixext: type, data
      case 0xc1 -> throw new MessagePackException("the reserved byte 0xc1");
      default -> 0; // small integers
    };
  }

  private static boolean isArray(int head) {
    return (head & 0xf0) == 0x90 || head == 0xdc || head == 0xdd;
  }

  private static boolean isMap(int head) {
    return (head & 0xf0) == 0x80 || head == 0xde || head == 0xdf;
  }

  private static boolean isBlob(int head) {
    return (head & 0xe0) == 0xa0
        || (head >= 0xd9 && head <= 0xdb)
        || (head >= 0xc4 && head <= 0xc6);
  }

  /** Takes the head of str or bin; the bytes that follow, known to be there. */
  private int blobLength(String due) throws MessagePackException {
    int head = head();
    if (!isBlob(head)) {
      throw unexpected(head, due);
    }
    long length =
        switch (head) {
          case 0xd9, 0xda, 0xdb -> big(1 << (head - 0xd9));
          case 0xc4, 0xc5, 0xc6 -> big(1 << (head - 0xc4));
          default -> head & 0x1f;
        };
    return check(length);
  }

  /** The size of a collection, each of whose elements takes {@code elementBytesMin} at least. */
  private int collection(int head, int fix, int head16, int elementBytesMin)
      throws MessagePackException {
    long size = (head & 0xf0) == fix ? head & 0x0f : big(head == head16 ? 2 : 4);
    check(size * elementBytesMin);
    return (int) size;
  }

  private int check(long length) throws MessagePackException {
    if (length > bytes.length - at) {
      throw new MessagePackException("ends early");
    }
    return (int) length;
  }

  private byte[] take(int length) {
    at += length;
    return Arrays.copyOfRange(bytes, at - length, at);
  }

  private int head() throws MessagePackException {
    if (at == bytes.length) {
      throw new MessagePackException("ends early");
    }
    return bytes[at++] & 0xff;
  }

  private long unsigned64() throws MessagePackException {
    long value = big(8);
    if (value < 0) {
      throw new MessagePackException("integer out of range");
    }
    return value;
  }

  private long big(int width) throws MessagePackException {
    check(width);
    long value = 0;
    for (int i = 0; i < width; i++) {
      value = value << 8 | bytes[at++] & 0xff;
    }
    return value;
  }

  private static MessagePackException unexpected(int head, String due) {
    return new MessagePackException("invalid type: " + typeName(head) + ", expected " + due);
  }

  private static String typeName(int head) {
    if (isArray(head)) {
      return "array";
    }
    if (isMap(head)) {
      return "map";
    }
    if (isBlob(head)) {
      return head >= 0xc4 && head <= 0xc6 ? "binary" : "text";
    }
    return switch (head) {
      case 0xc0 -> "nil";
      case 0xc1 -> "reserved byte";
      case 0xc2, 0xc3 -> "boolean";
      case 0xca, 0xcb -> "float";
      case 0xc7, 0xc8, 0xc9, 0xd4, 0xd5, 0xd6, 0xd7, 0xd8 -> "extension";
      default -> "integer";
    };
  }
}
