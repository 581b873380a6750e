package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.process.WrpcProvider.link;
import static org.natskvcache.process.WrpcProvider.sealed;
import static org.natskvcache.process.WrpcProvider.text;
import static org.natskvcache.process.WrpcProvider.watch;
import static org.natskvcache.process.WrpcProvider.withSecrets;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.wasmbus.SigningCaller;

/**
 * Links that a host published while nobody listened: when the process started, or while NATS was
 * away. A host publishes a link once.
 */
class LostLinksIT {
  private static final String US = "kv-cache";
  private static final int STEP_MILLIS = 20;
  private static final int LAST_MILLIS = 1_000;

  private final ProviderFixture fixture = new ProviderFixture();

  @AfterEach
  void close() {
    fixture.close();
  }

  private HostDataLine hostDataOfOne() {
    return HostDataLine.ofOne(fixture.nats).withoutLinks();
  }

  private static String missing(String component) {
    return "the host has link default of "
        + component
        + ", this provider never got it: delete it and put it again";
  }

  /** Calls {@code put} with 0, 20, 40 ... 1,000 about so many milliseconds from now. */
  private static void eachStep(java.util.function.IntConsumer put) {
    long begin = System.nanoTime();
    for (int millis = 0; millis <= LAST_MILLIS; millis += STEP_MILLIS) {
      long due = begin + millis * 1_000_000L;
      while (System.nanoTime() < due) LockSupport.parkNanos(due - System.nanoTime());
      put.accept(millis);
    }
  }

  /** As wasmCloud 1.9.2 does it: to our curve key, and listed when that was sent. */
  @Test
  void everyLinkPutWhileAProviderOfHostsOneStartsWorksOrIsMissedByHealth() throws Exception {
    var host = StandInHost.ofOne(fixture.host);
    host.configurations.put("a", Map.of("MAX_ENTRIES", "17"));
    WrpcProvider provider = fixture.launchOne(hostDataOfOne());
    Map<String, Boolean> withSecrets = new HashMap<>();
    eachStep(millis -> {
      String component = "at-" + millis;
      boolean secret = millis % 100 == 0;
      withSecrets.put(component, secret);
      ObjectNode link = link(component, US, "default", Map.of("MAX_ENTRIES", "17"));
      provider.put(secret ? withSecrets(link, sealed(Map.of("x", text("y")))) : link);
      host.links.add(
          StandInHost.listed(link, List.of(), secret ? List.of("a", "SECRET_s") : List.of("a")));
    });
    provider.process.awaitLog("event=door_open");
    withSecrets.forEach((component, secret) ->
        until(
            () -> component + " works or is missed; " + provider.process.log(),
            () -> {
              var health = provider.healthOrNull();
              return provider.component(component, "default").isLinked()
                  || secret && health != null && health.message().contains(missing(component));
            }));
    for (String component : withSecrets.keySet()) {
      host.links.removeIf(link -> link.path("source_id").asText().equals(component));
      provider.delete(link(component, US, "default", Map.of()));
    }
    provider.awaitHealth(true, "no links");
  }

  @Test
  void everyLinkPutWhileAProviderOfHostsZeroStartsWorks() throws Exception {
    var host = StandInHost.ofZero(fixture.host);
    Provider provider = fixture.launch(fixture.hostData());
    Map<Integer, String> actors = new HashMap<>();
    eachStep(millis -> {
      String actor = Nkey.random(Nkey.Role.MODULE).text();
      actors.put(millis, actor);
      provider.link(actor, Map.of("MAX_ENTRIES", "17"));
      host.links.add(StandInHost.listed(actor, provider, Map.of("MAX_ENTRIES", "17")));
    });
    provider.awaitHealth(true, "");
    actors.forEach((millis, actor) ->
        until(
            () -> "the link put at " + millis + " ms; " + provider.process.log(),
            () -> isLinked(provider, actor)));
  }

  private static boolean isLinked(Provider provider, String actor) {
    return provider.callsOf(actor).request("Get", SigningCaller.text("k")).error().isEmpty();
  }

  @Test
  void aMissedLinkIsPutWithTheValuesOfItsConfigurations() throws Exception {
    var host = StandInHost.ofOne(fixture.host);
    host.configurations.put("first", Map.of("MAX_ENTRIES", "17", "EVICTION", "lru"));
    host.configurations.put("second", Map.of("MAX_ENTRIES", "18"));
    host.configurations.put("watched", Map.of("WATCH", "SET@seen"));
    ObjectNode link = link("counter", US, "default", Map.of());
    host.links.add(StandInHost.listed(link, List.of(), List.of("first", "second")));
    host.links.add(
        StandInHost.listed(watch(US, "w", "default", Map.of()), List.of("watched"), List.of()));
    ObjectNode others = link("counter", "another", "default", Map.of());
    host.links.add(StandInHost.listed(others, List.of("none"), List.of("none")));
    WrpcProvider provider = fixture.startOne(hostDataOfOne());
    until("the link", () -> provider.component("counter", "default").isLinked());
    provider.awaitLogLines(2, "event=link_recovered");
    provider.process.awaitLog("max_entries=18 eviction=lru");
    provider.process.awaitLog("role=WATCHER watch=\"watching 1+0 sets");
    until("it looks again", () -> host.asked.get() >= 2);
    provider.awaitHealth(true, "link default: standalone");
    provider.awaitLogLines(0, "event=link_ignored");
  }

  /** What is unknown, secret, or no token of a subject cannot be asked for. */
  @Test
  void aLinkWhoseValuesCannotBeHadIsAProblemUntilItArrivesOrGoes() throws Exception {
    var host = StandInHost.ofOne(fixture.host);
    host.configurations.put("a", Map.of());
    Map<String, List<String>> names =
        Map.of(
            "a", List.of("a", "unknown"),
            "b", List.of("SECRET_s"),
            "c", List.of("b.*"),
            "d", List.of("of late"));
    names.forEach((component, configurations) ->
        host.links.add(
            StandInHost.listed(
                link(component, US, "default", Map.of()), List.of(), configurations)));
    WrpcProvider provider = fixture.launchOne(hostDataOfOne());
    provider.process.awaitLog("event=door_open");
    for (String component : names.keySet()) provider.awaitHealth(false, missing(component));
    provider.awaitLogLines(4, "event=link_missing");
    assertFalse(provider.component("a", "default").isLinked());

    host.configurations.put("unknown", Map.of()); // then it can be put
    until("the link", () -> provider.component("a", "default").isLinked());
    provider.put(link("b", US, "default", Map.of())); // it arrives
    provider.delete(link("c", US, "default", Map.of())); // it is deleted
    host.links.removeIf(link -> "c d".contains(link.path("source_id").asText()));
    provider.awaitHealth(true, "link default: standalone");
    provider.awaitLogLines(4, "event=link_missing");
  }

  /** The client connects again by itself, and what was put meanwhile was put for nobody. */
  @Test
  void linksPutWhileNatsWasAwayAreFound() throws Exception {
    var one = StandInHost.ofOne(fixture.host);
    var zero = StandInHost.ofZero(fixture.host);
    WrpcProvider ofOne = fixture.startOne(hostDataOfOne());
    Provider ofZero = fixture.start(fixture.hostData());
    until("they looked", () -> one.asked.get() >= 1 && zero.asked.get() >= 1);
    fixture.nats.kill();
    one.links.add(StandInHost.listed(link("late", US, "default", Map.of()), List.of(), List.of()));
    zero.links.add(StandInHost.listed(Provider.ACTOR, ofZero, Map.of()));
    fixture.nats.restart();
    ofOne.awaitHealth(true, "link default: standalone");
    ofZero.awaitHealth(true, "link default: standalone");
    assertTrue(ofOne.component("late", "default").isLinked());
    assertTrue(isLinked(ofZero, Provider.ACTOR));
  }

  /** A host that lists a link that it has just deleted does not bring it back. */
  @Test
  void aDeletedLinkStaysDeletedWhateverIsListed() throws Exception {
    var host = StandInHost.ofOne(fixture.host);
    WrpcProvider provider = fixture.startOne(hostDataOfOne());
    ObjectNode link = link("counter", US, "default", Map.of());
    provider.put(link);
    until("the link", () -> provider.component("counter", "default").isLinked());
    provider.delete(link);
    provider.health(); // handled behind it
    host.links.add(StandInHost.listed(link, List.of(), List.of()));
    int before = host.asked.get();
    until("the last look", () -> host.asked.get() > before && host.asked.get() >= 3);
    provider.health();
    assertFalse(provider.component("counter", "default").isLinked());
    assertEquals(List.of(), provider.logLines("event=link_recovered"));
  }
}
