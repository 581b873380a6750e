package org.natskvcache.nats;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.rpc.wasmbus.SigningCaller.text;

import io.nats.client.Connection;
import io.nats.client.Nats;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.natskvcache.NatsForTests;
import org.natskvcache.Waiting;
import org.natskvcache.provider.Lifecycle;
import org.natskvcache.provider.LinkTable;
import org.natskvcache.provider.LinkValues;
import org.natskvcache.provider.LinkedCaches;
import org.natskvcache.rpc.LinkDefinition;
import org.natskvcache.rpc.wasmbus.SigningCaller;
import org.natskvcache.rpc.wasmbus.Vectors;
import org.natskvcache.store.Bytes;
import org.natskvcache.store.Command;
import org.natskvcache.store.Key;

/**
 * Reads of large sets beside which others call. {@code -Dmembers=300000 -Dqueries=10} prints the
 * longest that a {@code Get} took beside so many.
 */
@SuppressWarnings("try") // a close that is interrupted ends the test, which is fine
class LongAnswersIT {
  private static final int MEMBERS = Integer.getInteger("members", 60_000);
  private static final int QUERIES = Integer.getInteger("queries", 20);

  @Test
  void getBesideLongAnswersIsAnsweredBeforeTheLastOfThem() throws Exception {
    SigningCaller caller = SigningCaller.ofFixture();
    String provider = Vectors.key("provider_public");
    String subject = "wasmbus.rpc.default." + provider + ".default";
    var caches = new MapCaches();
    try (var nats = NatsForTests.start();
        Connection ours = Nats.connect(nats.url());
        Connection host = Nats.connect(nats.url());
        var door =
            new WasmbusDoor(
                ours,
                new WasmbusDoor.Identity(
                    "default", provider, "default", "N", true, Set.of(caller.issuer()), ""),
                List.of(
                    new LinkDefinition(
                        caller.actor(), provider, "default", SigningCaller.CONTRACT, Map.of())),
                new LinkedCaches(new LinkTable(LinkValues.of(Map.of())), caches),
                () -> System.currentTimeMillis() / 1_000,
                new Lifecycle(),
                () -> {})) {
      door.start(true);
      for (int i = 0; i < MEMBERS; i++) {
        var add = new Command.SetAdd(Key.of("s"), Bytes.utf8("m" + i));
        caches.replica("default").call(add, reply -> {});
      }
      List<CompletableFuture<?>> queries = new ArrayList<>();
      for (int i = 0; i < QUERIES; i++) {
        queries.add(
            host.requestWithTimeout(
                subject, caller.invocation("KeyValue.SetQuery", text("s")), Waiting.PATIENCE));
      }
      var all = CompletableFuture.allOf(queries.toArray(CompletableFuture[]::new));
      long worst = 0;
      int before = 0;
      while (!all.isDone()) {
        long begin = System.nanoTime();
        host.requestWithTimeout(
                subject, caller.invocation("KeyValue.Get", text("k")), Waiting.PATIENCE)
            .get(Waiting.PATIENCE.toSeconds(), TimeUnit.SECONDS);
        worst = Math.max(worst, System.nanoTime() - begin);
        if (!all.isDone()) before++;
      }
      System.out.printf(
          "worst Get beside %d SetQuery of %d members: %.1f ms; %d Gets before their end%n",
          QUERIES, MEMBERS, worst / 1e6, before);
      assertTrue(before > 0, "all waited for the long answers");
    }
  }
}
