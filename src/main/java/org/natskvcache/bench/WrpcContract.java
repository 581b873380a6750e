package org.natskvcache.bench;

import java.nio.charset.StandardCharsets;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import org.natskvcache.cli.BenchOperation;
import org.natskvcache.cli.BenchOptions;
import org.natskvcache.rpc.wrpc.KeyValueFunction;
import org.natskvcache.wrpc.ValueException;
import org.natskvcache.wrpc.ValueReader;
import org.natskvcache.wrpc.ValueWriter;
import org.natskvcache.wrpc.WrpcLimits;
import org.natskvcache.wrpc.WrpcServer;

/**
 * {@code wrpc:keyvalue}, as hosts 1.x call it: the handshake is answered with the end of the
 * params, and a call is over when its result is whole. A result in several messages is whole when
 * the empty message behind it comes.
 */
final class WrpcContract implements Contract {
  private static final byte[] PARAMS = ".params".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] RESULTS = ".results".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] NOTHING = {};
  private static final String BUCKET = "default";

  /** What unlinked components get. */
  private static final Progress.Failed NO_HANDSHAKE =
      Progress.Failed.refused("no handshake: is the component linked?");

  private final Map<BenchOperation, byte[]> subjects = new EnumMap<>(BenchOperation.class);
  private final byte[] headers;
  private final byte[] value;

  WrpcContract(BenchOptions.Target target, String component, String link, byte[] value) {
    headers =
        ("NATS/1.0\r\nsource-id: " + component + "\r\nlink-name: " + link + "\r\n\r\n")
            .getBytes(StandardCharsets.UTF_8);
    this.value = value;
    for (BenchOperation operation : BenchOperation.values()) {
      KeyValueFunction function = KeyValueFunction.valueOf(operation.name());
      String subject =
          WrpcServer.subject(target.toString(), function.instance(), function.function());
      subjects.put(operation, subject.getBytes(StandardCharsets.UTF_8));
    }
  }

  @Override
  public Prepared prepare(BenchOperation operation, int key) {
    var params = new ValueWriter(64 + value.length).string(BUCKET);
    params.string(Contract.name(operation, key));
    if (operation == BenchOperation.SET) params.bytes(value);
    if (operation == BenchOperation.INCREMENT) params.u64(1);
    byte[] subject = Objects.requireNonNull(subjects.get(operation));
    return new Prepared(operation, subject, headers, params.toByteArray());
  }

  @Override
  public boolean costly() {
    return false;
  }

  @Override
  public Progress received(
      WireMessage message, BenchOperation operation, Progress.Open before, Wire wire) {
    if (message.nobodyListens()) return Progress.Failed.NOBODY_LISTENS;
    if (message.replyLength > 0) { // the handshake
      wire.publish(false).raw(message.buffer, message.replyAt, message.replyLength).raw(PARAMS);
      wire.body(NOTHING, NOTHING);
      return before;
    }
    if (!message.isBelow(RESULTS)) return NO_HANDSHAKE;
    boolean answered = before == Progress.Open.ANSWERED;
    if (message.bodyLength == 0) return answered ? Progress.Done.DONE : Progress.Failed.ABORTED;
    if (message.buffer[message.bodyAt] != 0 && !answered) return refused(message.body());
    return !answered && isWhole(message, operation) ? Progress.Done.DONE : Progress.Open.ANSWERED;
  }

  /** Whether a message holds all of a result; only a value may be longer than one. */
  private static boolean isWhole(WireMessage message, BenchOperation operation) {
    if (operation != BenchOperation.GET) return true;
    int at = message.bodyAt + 2;
    int end = message.bodyAt + message.bodyLength;
    long length = 0;
    for (int shift = 0; at < end; shift += 7) {
      byte digit = message.buffer[at++];
      length |= (digit & 0x7fL) << shift;
      if (digit >= 0) return end - at >= length;
    }
    return message.bodyLength == 2 && message.buffer[message.bodyAt + 1] == 0; // no value
  }

  /** A call that is refused is over; the end that follows belongs to none. */
  private static Progress refused(byte[] result) {
    try {
      var in = new ValueReader(result, WrpcLimits.DEFAULTS);
      if (in.variant(2) == 1) {
        return switch (in.variant(3)) {
          case 0 -> Progress.Failed.refused("no such store");
          case 1 -> Progress.Failed.refused("access denied");
          default -> Progress.Failed.refused(in.string());
        };
      }
    } catch (ValueException e) {
      // told below
    }
    return Progress.Failed.MALFORMED;
  }
}
