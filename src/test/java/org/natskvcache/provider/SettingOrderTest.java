package org.natskvcache.provider;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Each neighbouring pair of the table in the documentation. */
class SettingOrderTest {
  /** What each place gives; those that give nothing are absent. */
  private record Given(Map<Place, String> urls) {
    Map<String, String> at(Place place) {
      return urls.containsKey(place) ? Map.of("NATS_URL", urls.get(place)) : Map.of();
    }

    @Nullable String flag() {
      return urls.get(Place.FLAG);
    }
  }

  private record Way(String name, List<Place> order, Function<Given, LinkValues> layered) {}

  private static final List<Way> WAYS =
      List.of(
          new Way(
              "under a host",
              List.of(
                  Place.LINK_SECRET,
                  Place.LINK,
                  Place.PROVIDER_SECRET,
                  Place.PROVIDER_CONFIGURATION,
                  Place.ENVIRONMENT),
              given ->
                  LinkValues.layered(
                      List.of(
                          SettingOrder.ofLink(given.at(Place.LINK_SECRET), given.at(Place.LINK)),
                          SettingOrder.ofProvider(
                              given.at(Place.PROVIDER_SECRET),
                              given.at(Place.PROVIDER_CONFIGURATION),
                              given.at(Place.ENVIRONMENT))))),
          new Way(
              "a link of serve",
              List.of(
                  Place.LINK_CONFIG,
                  Place.LINK_FILE,
                  Place.FLAG,
                  Place.ENVIRONMENT,
                  Place.PROVIDER_CONFIGURATION),
              given ->
                  LinkValues.layered(
                      List.of(
                          SettingOrder.ofServedLink(
                              given.at(Place.LINK_CONFIG), given.at(Place.LINK_FILE)),
                          SettingOrder.ofServe(
                              given.flag(),
                              given.at(Place.ENVIRONMENT),
                              given.at(Place.PROVIDER_CONFIGURATION))))),
          new Way(
              "the lattice of serve",
              List.of(Place.FLAG, Place.ENVIRONMENT),
              given -> SettingOrder.ofServe(given.flag(), given.at(Place.ENVIRONMENT), Map.of())),
          new Way(
              "shell and doctor",
              List.of(Place.LINK_CONFIG, Place.FLAG, Place.LINK_FILE, Place.ENVIRONMENT),
              given ->
                  SettingOrder.ofLinkUsed(
                      given.at(Place.LINK_CONFIG),
                      given.flag(),
                      given.at(Place.LINK_FILE),
                      given.at(Place.ENVIRONMENT))),
          new Way(
              "bench",
              List.of(Place.FLAG, Place.ENVIRONMENT),
              given -> SettingOrder.ofBench(given.at(Place.FLAG), given.at(Place.ENVIRONMENT))));

  private static Stream<Arguments> neighbours() {
    return WAYS.stream()
        .flatMap(way ->
            IntStream.range(1, way.order.size())
                .mapToObj(i -> Arguments.of(way.name, way.order.get(i - 1), way.order.get(i))));
  }

  @ParameterizedTest(name = "{0}: {1} before {2}")
  @MethodSource("neighbours")
  void theNearerOfTwoNeighboursCounts(String name, Place nearer, Place farther) {
    Way way = WAYS.stream().filter(each -> each.name.equals(name)).findFirst().orElseThrow();
    var given = new Given(Map.of(nearer, "nats://near", farther, "nats://far"));
    LinkValues values = way.layered.apply(given);
    assertEquals(Optional.of("nats://near"), values.value(SettingKey.NATS_URL));
    assertEquals(Optional.of(nearer), values.place(SettingKey.NATS_URL));
    LinkValues alone = way.layered.apply(new Given(Map.of(farther, "nats://far")));
    assertEquals(Optional.of("nats://far"), alone.value(SettingKey.NATS_URL));
    assertEquals(Optional.of(farther), alone.place(SettingKey.NATS_URL));
  }

  private static final List<String> LOGINS =
      List.of("CLIENT_SEED", "CLIENT_JWT", "NATS_CREDS", "NATS_CREDS_FILE");

  private static Stream<Arguments> logins() {
    List<Arguments> all = new ArrayList<>();
    for (String near : LOGINS) for (String far : LOGINS) all.add(Arguments.of(near, far));
    return Collections.unmodifiableList(all).stream();
  }

  /** A seed and a JWT complete each other; a file of credentials is a login of its own. */
  @ParameterizedTest
  @MethodSource("logins")
  void aNearerLoginHidesAFartherOneOfAnotherKind(String near, String far) {
    Map<String, String> environment = Map.of(far, "far", "MAX_ENTRIES", "5");
    LinkValues values = SettingOrder.ofLinkUsed(Map.of(), null, Map.of(near, "near"), environment);
    Map<String, String> expected = new TreeMap<>(Map.of("MAX_ENTRIES", "5"));
    expected.put(near, "near");
    boolean pair = near.startsWith("CLIENT") && far.startsWith("CLIENT");
    if (pair && !near.equals(far)) expected.put(far, "far");
    assertEquals(expected, values.texts());
  }
}
