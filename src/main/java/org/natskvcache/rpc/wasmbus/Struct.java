package org.natskvcache.rpc.wasmbus;

/**
 * A walk over the fields of one struct, in either of its forms: a map by field name, or an array in
 * declared order. Unknown fields are skipped with their whole value.
 *
 * <pre>{@code
 * Struct struct = in.struct(FIELDS);
 * for (int field = struct.next(); field != Struct.END; field = struct.next()) {
 *   switch (field) { case 0 -> key = in.text(); default -> in.skip(); }
 * }
 * }</pre>
 */
final class Struct {
  /** No more fields. */
  static final int END = -1;

  private final MessagePackReader in;
  private final Fields fields;
  private final boolean named;
  private final int size;
  private int read;

  Struct(MessagePackReader in, Fields fields, boolean named, int size) {
    this.in = in;
    this.fields = fields;
    this.named = named;
    this.size = size;
  }

  /**
   * The position of the next known field, whose value the caller must read or skip; {@link #END}
   * after the last.
   */
  int next() throws MessagePackException {
    while (read < size) {
      int field = named ? in.fieldName(fields) : read;
      read++;
      if (field >= 0 && field < fields.count()) {
        return field;
      }
      in.skip();
    }
    return END;
  }
}
