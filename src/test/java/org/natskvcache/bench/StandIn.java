package org.natskvcache.bench;

import static java.nio.charset.StandardCharsets.US_ASCII;

import io.lettuce.core.RedisClient;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.nats.client.Connection;
import io.nats.client.Dispatcher;
import io.nats.client.JetStreamApiException;
import io.nats.client.KeyValue;
import io.nats.client.Nats;
import io.nats.client.Options;
import io.nats.client.api.KeyValueConfiguration;
import io.nats.client.api.KeyValueEntry;
import io.nats.client.api.StorageType;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import org.natskvcache.cli.LogLevel;
import org.natskvcache.cli.Logging;
import org.natskvcache.rpc.wasmbus.Invocation;
import org.natskvcache.rpc.wasmbus.InvocationChecks;
import org.natskvcache.rpc.wasmbus.InvocationResponse;
import org.natskvcache.rpc.wasmbus.MessagePackWriter;
import org.natskvcache.rpc.wrpc.KeyValueFunction;
import org.natskvcache.rpc.wrpc.KeyValueRequest;
import org.natskvcache.rpc.wrpc.KeyValueResult;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Reply;
import org.natskvcache.wrpc.Call;
import org.natskvcache.wrpc.Handler;
import org.natskvcache.wrpc.ValueWriter;
import org.natskvcache.wrpc.WrpcLimits;
import org.natskvcache.wrpc.WrpcServer;

/**
 * What the provider is compared with, each in a process of its own: it ends when its standard input
 * does. The echoes go through the exchange of a call and answer with as many bytes as a cache
 * would, without looking at the call; their ids say of which size: {@code ID-64}. The two caches
 * use this project's transport and codec, so only what is behind them differs.
 */
final class StandIn {
  private static final byte[] NOTHING = {};
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private StandIn() {}

  /** Arguments: kind, NATS URL, prefix or id, and what the kind needs. */
  public static void main(String[] args) throws Exception {
    Logging.configure(LogLevel.WARN, false);
    switch (args[0]) {
      case "jnats" -> jnatsEcho(args[1], args[2]);
      case "wire" -> wireEcho(args[1], args[2]);
      case "claims" -> claimsEcho(args[1], args[2], args[3]);
      case "redis" -> redis(args[1], args[2], args[3]);
      case "jetstream" -> jetStream(args[1], args[2]);
      default -> throw new IllegalArgumentException("no stand-in " + args[0]);
    }
    while (System.in.read() >= 0) {
      // until the one who started us is gone
    }
    System.exit(0);
  }

  /** Subjects of calls, and what a cache answers there. */
  private static Map<String, byte[]> echoes(String prefix) {
    Map<String, byte[]> answers = new LinkedHashMap<>();
    for (int size : Suite.SIZES) {
      byte[] value = "v".repeat(size).getBytes(US_ASCII);
      for (KeyValueFunction function : KeyValueFunction.values()) {
        var answer = new ValueWriter(size + 8).variant(0);
        if (function == KeyValueFunction.GET) answer.option(true).bytes(value);
        if (function == KeyValueFunction.INCREMENT) answer.u64(42);
        String subject =
            WrpcServer.subject(prefix + "-" + size, function.instance(), function.function());
        answers.put(subject, answer.toByteArray());
      }
    }
    return answers;
  }

  private static void jnatsEcho(String url, String prefix) throws Exception {
    Connection connection = Nats.connect(url);
    String inbox = connection.createInbox();
    Dispatcher dispatcher =
        connection.createDispatcher(ignored -> {
          // the end of the params
        });
    dispatcher.subscribe(inbox + ".>");
    echoes(prefix)
        .forEach((subject, answer) ->
            dispatcher.subscribe(
                subject,
                prefix,
                m -> {
                  String results = m.getReplyTo() + ".results";
                  connection.publish(m.getReplyTo(), inbox + ".1", NOTHING);
                  connection.publish(results, answer);
                  connection.publish(results, NOTHING);
                }));
    connection.flush(PATIENCE);
  }

  private static void wireEcho(String url, String prefix) throws IOException {
    Wire wire = Wire.connect(url, Access.OPEN);
    Map<String, byte[]> echoes = echoes(prefix);
    byte[][] subjects =
        echoes.keySet().stream().map(s -> s.getBytes(US_ASCII)).toArray(byte[][]::new);
    byte[][] answers = echoes.values().toArray(byte[][]::new);
    int id = 1;
    for (String subject : echoes.keySet()) {
      wire.text("SUB " + subject + " " + prefix + " " + ++id + "\r\n");
    }
    wire.subscribe("_INBOX.wire-echo.>");
    byte[] inbox = "_INBOX.wire-echo.1".getBytes(US_ASCII);
    byte[] results = ".results".getBytes(US_ASCII);
    Wire.Receiver receiver =
        m -> {
          if (m.replyLength == 0) return; // the end of the params
          int from = m.subjectAt;
          int to = from + m.subjectLength;
          int which = 0;
          byte[] buffer = m.buffer;
          while (!Arrays.equals(subjects[which], 0, subjects[which].length, buffer, from, to)) {
            which++;
          }
          wire.publish(false).raw(buffer, m.replyAt, m.replyLength).space().raw(inbox);
          wire.body(NOTHING, NOTHING);
          wire.publish(false).raw(buffer, m.replyAt, m.replyLength).raw(results);
          wire.body(NOTHING, answers[which]);
          wire.publish(false).raw(buffer, m.replyAt, m.replyLength).raw(results);
          wire.body(NOTHING, NOTHING);
        };
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try {
            while (true) {
              wire.read();
              wire.dispatch(receiver);
              wire.flush();
            }
          } catch (IOException e) {
            e.printStackTrace(); // the calls that are not answered show in the figures
          }
        });
  }

  /** Verifies each invocation as the provider does, then answers all with one value. */
  private static void claimsEcho(String url, String subject, String issuer) throws Exception {
    Connection connection = Nats.connect(url);
    var checks = new InvocationChecks(Set.of(issuer), subject.split("\\.")[3]);
    byte[] result =
        new MessagePackWriter(128)
            .mapHeader(2)
            .text("value")
            .text("v".repeat(Suite.SIZES[0]))
            .text("exists")
            .flag(true)
            .toByteArray();
    Bytes answer = new Bytes(result);
    connection
        .createDispatcher(m -> {
          try {
            Invocation call = Invocation.decode(m.getData());
            var refusal = checks.refusal(call, System.currentTimeMillis() / 1_000, true);
            var response =
                refusal == null
                    ? InvocationResponse.ok(call.id(), answer)
                    : InvocationResponse.error(call.id(), refusal.text());
            connection.publish(m.getReplyTo(), response.encode());
          } catch (Exception e) {
            e.printStackTrace(); // as above
          }
        })
        .subscribe(subject, "rpc");
    connection.flush(PATIENCE);
  }

  private static void serve(Connection connection, String prefix, Handler<KeyValueRequest> handler)
      throws Exception {
    var server =
        new WrpcServer(
            connection,
            prefix,
            WrpcLimits.DEFAULTS,
            (event, subject, cause) -> System.err.println(event + " " + subject + " " + cause));
    for (KeyValueFunction function : KeyValueFunction.values()) {
      server.serve(function.instance(), function.function(), function::decode, handler);
    }
    connection.flush(PATIENCE);
  }

  private static Reply value(byte[] value) {
    return value == null ? new Reply.Absent() : new Reply.Value(new Bytes(value));
  }

  /**
   * Commands are sent as they come and answered when Redis has answered, on its client's thread.
   */
  private static void redis(String url, String prefix, String redisUrl) throws Exception {
    var redis = RedisClient.create(redisUrl).connect(ByteArrayCodec.INSTANCE).async();
    serve(
        Nats.connect(url), prefix, (call, request) -> answer(call, request, asked(redis, request)));
  }

  private static CompletionStage<Reply> asked(
      RedisAsyncCommands<byte[], byte[]> redis, KeyValueRequest request) {
    byte[] key = request.keys().getFirst().array();
    return switch (request.function()) {
      case GET -> redis.get(key).thenApply(StandIn::value);
      case SET ->
          redis.set(key, request.values().getFirst().array()).thenApply(ok -> new Reply.Done());
      case INCREMENT -> redis.incrby(key, request.number()).thenApply(Reply.Amount::new);
      default -> throw new IllegalArgumentException("not measured");
    };
  }

  private static void answer(Call call, KeyValueRequest request, CompletionStage<Reply> reply) {
    reply.whenComplete((known, failure) -> {
      if (failure == null) call.result(KeyValueResult.encode(request, known));
      else call.abort();
    });
  }

  /** The client's key-value calls wait, so each runs on a virtual thread of its own. */
  private static void jetStream(String url, String prefix) throws Exception {
    Connection connection =
        Nats.connect(Options.builder().server(url).dontForceFlushOnRequest().build());
    var bucket =
        KeyValueConfiguration.builder().name("bench").storageType(StorageType.Memory).build();
    connection.keyValueManagement().create(bucket);
    KeyValue values = connection.keyValue("bench");
    ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    Function<KeyValueRequest, Reply> ask =
        request -> {
          try {
            return asked(values, request);
          } catch (IOException | JetStreamApiException e) {
            throw new IllegalStateException(e);
          }
        };
    serve(
        connection,
        prefix,
        (call, request) ->
            threads.execute(() -> {
              try {
                call.result(KeyValueResult.encode(request, ask.apply(request)));
              } catch (RuntimeException e) {
                call.abort();
              }
            }));
  }

  private static Reply asked(KeyValue values, KeyValueRequest request)
      throws IOException, JetStreamApiException {
    String key = request.keys().getFirst().utf8();
    switch (request.function()) {
      case GET -> {
        KeyValueEntry entry = values.get(key);
        return value(entry == null ? null : entry.getValue());
      }
      case SET -> {
        values.put(key, request.values().getFirst().array());
        return new Reply.Done();
      }
      case INCREMENT -> {
        while (true) {
          KeyValueEntry entry = values.get(key);
          long sum =
              request.number() + (entry == null ? 0 : Long.parseLong(entry.getValueAsString()));
          byte[] text = Long.toString(sum).getBytes(US_ASCII);
          try {
            if (entry == null) values.create(key, text);
            else values.update(key, text, entry.getRevision());
            return new Reply.Amount(sum);
          } catch (JetStreamApiException e) {
            if (e.getApiErrorCode() != 10071) throw e; // 10071: another was faster, so again
          }
        }
      }
      default -> throw new IllegalArgumentException("not measured");
    }
  }
}
