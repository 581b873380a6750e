package org.natskvcache.nats;

import io.nats.client.Connection;
import io.nats.client.JetStreamApiException;
import io.nats.client.Message;
import io.nats.client.NUID;
import io.nats.client.PurgeOptions;
import io.nats.client.api.ApiResponse;
import io.nats.client.api.DiscardPolicy;
import io.nats.client.api.MessageGetRequest;
import io.nats.client.api.MessageInfo;
import io.nats.client.api.PublishAck;
import io.nats.client.api.PurgeResponse;
import io.nats.client.api.StorageType;
import io.nats.client.api.StreamConfiguration;
import io.nats.client.api.StreamInfo;
import io.nats.client.impl.Headers;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.natskvcache.metrics.Counter;
import org.natskvcache.nats.BodyStoreException.Kind;
import org.natskvcache.rpc.wasmbus.StoredObject;
import org.natskvcache.store.Bytes;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The object store of a lattice, where hosts and we leave bodies that are too large for a message.
 * Its methods wait for the server, and may be called by several threads.
 *
 * <p>The client's own object store is not used: it writes no {@code mtime} and no {@code modified},
 * without which hosts up to 0.80 cannot read a description; it does not read the objects of hosts
 * 0.53 to 0.59, which have no digest; and it remembers a bucket's settings for ever. Chunks are
 * read one by one from the stream's leader, so that never more than one is on its way for each body
 * and nothing is left behind at the server.
 */
final class BodyStore {
  private static final Logger LOG = LoggerFactory.getLogger(BodyStore.class);

  /** For one body; hosts wait for 13 s at most. */
  private static final Duration BODY_MAX = Duration.ofSeconds(10);

  /** For one answer of the server. */
  private static final Duration REQUEST_MAX = Duration.ofSeconds(2);

  /** Chunks sent ahead of their acknowledgements; other answers wait behind them. */
  private static final int CHUNKS_AHEAD = 4;

  // JetStream's codes of "stream not found" and "no message found".
  private static final int NO_STREAM = 10059;
  private static final int NO_MESSAGE = 10037;

  private final Connection connection;
  private final String bucket;
  private final String stream;
  private final String api;
  private final LongSupplier epochSeconds;
  private final AtomicBoolean undeletedLogged = new AtomicBoolean();

  /** A message of the bucket's stream. */
  private record Stored(long sequence, byte[] data) {}

  /** A body, and what is needed to delete it. */
  record Fetched(StoredObject object, String metaSubject, Bytes body) {}

  /**
   * @param jetStreamDomain empty for the server's own
   */
  BodyStore(
      Connection connection, String lattice, String jetStreamDomain, LongSupplier epochSeconds) {
    this.connection = connection;
    this.bucket = lattice;
    this.stream = StoredObject.stream(lattice);
    this.api = jetStreamDomain.isEmpty() ? "$JS.API." : "$JS." + jetStreamDomain + ".API.";
    this.epochSeconds = epochSeconds;
  }

  /**
   * Fetches and verifies a body; nothing is allocated for one of another length.
   *
   * @param length bytes that are expected
   */
  Fetched fetch(String name, long length) throws BodyStoreException {
    long end = System.nanoTime() + BODY_MAX.toNanos();
    for (String metaSubject : StoredObject.metaSubjects(bucket, name)) {
      Optional<Stored> meta = message(MessageGetRequest.lastForSubject(metaSubject), end);
      if (meta.isPresent()) {
        StoredObject object =
            StoredObject.decode(bucket, meta.get().data())
                .orElseThrow(() -> new BodyStoreException(Kind.DAMAGED));
        if (!object.deleted()) {
          return new Fetched(object, metaSubject, body(object, length, end));
        }
      }
    }
    throw new BodyStoreException(Kind.NO_OBJECT);
  }

  private Bytes body(StoredObject object, long length, long end) throws BodyStoreException {
    if (object.size() != length || length > StoredObject.BODY_BYTES_MAX) {
      throw new BodyStoreException(Kind.DAMAGED);
    }
    byte[] body = new byte[(int) length];
    long sequence = 1;
    for (int at = 0; at < body.length; ) {
      Stored chunk =
          message(MessageGetRequest.nextForSubject(sequence, object.chunkSubject()), end)
              .orElseThrow(() -> new BodyStoreException(Kind.DAMAGED));
      byte[] data = chunk.data();
      if (data.length == 0 || data.length > body.length - at) {
        throw new BodyStoreException(Kind.DAMAGED);
      }
      System.arraycopy(data, 0, body, at, data.length);
      at += data.length;
      sequence = chunk.sequence() + 1;
    }
    if (!object.describes(body)) {
      throw new BodyStoreException(Kind.DAMAGED);
    }
    return new Bytes(body);
  }

  /**
   * Leaves a body, whole when this returns. Whoever fetches it deletes it; one that nobody fetches
   * stays, as with the reference provider.
   *
   * @param rawNameToo whether it must be found under its raw name too; of the two descriptions the
   *     one that the caller does not know then stays
   */
  void put(String name, byte[] body, boolean rawNameToo) throws BodyStoreException {
    long end = System.nanoTime() + BODY_MAX.toNanos();
    List<String> metaSubjects = StoredObject.metaSubjects(bucket, name);
    if (metaSubjects.isEmpty()) {
      throw new BodyStoreException(Kind.REFUSED);
    }
    openBucket(end);
    StoredObject object = StoredObject.of(bucket, name, NUID.nextGlobal(), body);
    try {
      putChunks(object, body, end);
      for (String subject : rawNameToo ? metaSubjects : metaSubjects.subList(0, 1)) {
        acknowledged(describe(subject, object), end);
      }
    } catch (BodyStoreException e) {
      var _ = purge(object); // its answer is for nobody
      throw e;
    }
  }

  private void putChunks(StoredObject object, byte[] body, long end) throws BodyStoreException {
    Deque<CompletableFuture<Message>> ahead = new ArrayDeque<>();
    for (int at = 0; at < body.length; at += StoredObject.CHUNK_BYTES) {
      if (ahead.size() == CHUNKS_AHEAD) {
        acknowledged(ahead.remove(), end);
      }
      int to = Math.min(body.length, at + StoredObject.CHUNK_BYTES);
      ahead.add(request(object.chunkSubject(), null, Arrays.copyOfRange(body, at, to)));
    }
    for (CompletableFuture<Message> last : ahead) {
      acknowledged(last, end);
    }
  }

  /** Deletes a body that was fetched; when that fails it stays: counted, and logged once. */
  void delete(Fetched fetched) {
    long end = System.nanoTime() + REQUEST_MAX.toNanos();
    CompletableFuture<Message> described =
        describe(fetched.metaSubject(), fetched.object().deletion());
    CompletableFuture<Message> purged = purge(fetched.object());
    try {
      acknowledged(described, end);
      checked(parsed(PurgeResponse::new, answer(purged, end)));
    } catch (BodyStoreException e) {
      Counter.FAILED_LARGE_BODIES.increment();
      if (undeletedLogged.compareAndSet(false, true)) {
        LOG.warn("event=large_body_not_deleted bucket={} cause={}", bucket, e.kind());
      }
    }
  }

  private CompletableFuture<Message> describe(String metaSubject, StoredObject object) {
    return request(
        metaSubject,
        new Headers().add("Nats-Rollup", "sub"),
        object.encode(epochSeconds.getAsLong()));
  }

  private CompletableFuture<Message> purge(StoredObject object) {
    return api("STREAM.PURGE.", PurgeOptions.subject(object.chunkSubject()).toJson());
  }

  private void openBucket(long end) throws BodyStoreException {
    StreamInfo found = parsed(StreamInfo::new, answer(api("STREAM.INFO.", ""), end));
    if (found.getApiErrorCode() == NO_STREAM) {
      StreamConfiguration made =
          StreamConfiguration.builder()
              .name(stream)
              .subjects(StoredObject.subjects(bucket))
              .discardPolicy(DiscardPolicy.New)
              .allowRollup(true)
              .storageType(StorageType.File)
              .build();
      found = parsed(StreamInfo::new, answer(api("STREAM.CREATE.", made.toJson()), end));
    }
    checked(found);
  }

  private Optional<Stored> message(MessageGetRequest which, long end) throws BodyStoreException {
    MessageInfo found =
        parsed(
            message -> new MessageInfo(message, stream, false),
            answer(api("STREAM.MSG.GET.", which.toJson()), end));
    if (found.getApiErrorCode() == NO_MESSAGE) {
      return Optional.empty();
    }
    checked(found);
    byte[] data = found.getData();
    return Optional.of(new Stored(found.getSeq(), data == null ? new byte[0] : data));
  }

  private static void checked(ApiResponse<?> response) throws BodyStoreException {
    if (response.hasError()) {
      throw new BodyStoreException(
          switch (response.getApiErrorCode()) {
            case NO_STREAM -> Kind.NO_BUCKET;
            default -> response.getErrorCode() == 503 ? Kind.UNAVAILABLE : Kind.REFUSED;
          });
    }
  }

  private static void acknowledged(CompletableFuture<Message> published, long end)
      throws BodyStoreException {
    try {
      var _ = new PublishAck(answer(published, end)); // tells of an error by an exception
    } catch (IOException | JetStreamApiException | RuntimeException e) {
      throw new BodyStoreException(Kind.REFUSED);
    }
  }

  /** Reads an answer; whoever else answers in the server's place may send anything. */
  private static <R> R parsed(Function<Message, R> parser, Message answer)
      throws BodyStoreException {
    try {
      return parser.apply(answer);
    } catch (RuntimeException malformed) {
      throw new BodyStoreException(Kind.REFUSED);
    }
  }

  private CompletableFuture<Message> api(String call, String json) {
    return request(api + call + stream, null, json.getBytes(StandardCharsets.UTF_8));
  }

  private CompletableFuture<Message> request(
      String subject, @Nullable Headers headers, byte[] payload) {
    try {
      return connection.request(subject, headers, payload);
    } catch (IllegalStateException | IllegalArgumentException e) {
      return CompletableFuture.failedFuture(e); // not connected, or no bucket can have this name
    }
  }

  private static Message answer(CompletableFuture<Message> answer, long end)
      throws BodyStoreException {
    try {
      long nanos = Math.min(REQUEST_MAX.toNanos(), end - System.nanoTime());
      return answer.get(Math.max(0, nanos), TimeUnit.NANOSECONDS);
    } catch (TimeoutException e) {
      answer.cancel(true);
      throw new BodyStoreException(Kind.TIMEOUT);
    } catch (CancellationException | ExecutionException e) {
      throw new BodyStoreException(Kind.UNAVAILABLE); // nobody listens, or we are not connected
    } catch (InterruptedException e) {
      // Not passed on: what is left for this thread is to publish that, uninterrupted.
      throw new BodyStoreException(Kind.STOPPING);
    }
  }
}
