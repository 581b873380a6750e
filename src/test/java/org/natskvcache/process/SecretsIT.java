package org.natskvcache.process;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.NatsForTests;
import org.natskvcache.nats.TestNkeys;
import org.natskvcache.rpc.wasmbus.Vectors;

/** Credentials are used where they belong and are written nowhere, however much is logged. */
class SecretsIT {
  private static final String HOST_LOGIN = "host:h0st-password";
  private static final String URL_LOGIN = "cache:url-passw0rd";
  private static final String WRONG_LOGIN = "cache:wr0ng-password";
  private static final String VALUE = "very private value";

  private final TestNkeys latticeUser = TestNkeys.user();
  private final TestNkeys account = TestNkeys.account();
  private final TestNkeys linkUser = TestNkeys.user();
  private final String linkJwt = account.userJwt(linkUser);

  /** Knows the provider by its nkey and the test's host by a password. */
  private final ProviderFixture fixture =
      new ProviderFixture(
          NatsForTests.start(
              "authorization { users: [ { nkey: %s }, { user: host, password: \"h0st-password\" } ] }\n"
                  .formatted(latticeUser.publicKey()),
              Map.of()),
          HOST_LOGIN);

  @AfterEach
  void close() {
    fixture.close();
  }

  @ParameterizedTest(name = "structured logging: {0}")
  @ValueSource(strings = {"false", "true"})
  void nothingOfThemIsLogged(String structured) {
    NatsForTests byJwt = fixture.open(NatsForTests.start(operatorMode(), Map.of()));
    NatsForTests byPassword =
        fixture.open(
            NatsForTests.start(
                "authorization { user: cache, password: \"url-passw0rd\" }\n", Map.of()));
    List<Provider> providers = new ArrayList<>();

    Provider withJwt =
        launch(
            structured,
            Map.of(
                "NATS_URL",
                byJwt.url(),
                "CLIENT_SEED",
                linkUser.seed(),
                "CLIENT_JWT",
                linkJwt,
                "MUTATION_REPLIES",
                "actual"));
    providers.add(withJwt);
    Provider withUrl =
        launch(
            structured, Map.of("NATS_URL", byPassword.url().replace("//", "//" + URL_LOGIN + "@")));
    providers.add(withUrl);
    Provider refused =
        launch(
            structured,
            Map.of("NATS_URL", byPassword.url().replace("//", "//" + WRONG_LOGIN + "@")));
    providers.add(refused);

    for (Provider provider : List.of(withJwt, withUrl)) {
      provider.awaitHealth(true, "live");
      provider.calls.set("private key of the cache", VALUE);
      assertEquals(Optional.of(VALUE), provider.calls.get("private key of the cache"));
      provider.calls.error("Increment", new byte[] {(byte) 0xa1});
      provider.link(
          "MSECOND", Map.of("CLIENT_SEED", linkUser.seed(), "NATS_URL", "x://" + URL_LOGIN + "@h"));
      provider.link("MTHIRD", Map.of("CLIENT_SEED", linkUser.seed(), "CLIENT_JWT", linkJwt));
    }
    refused.process.awaitLog("Authorization Violation");
    assertFalse(refused.health().healthy());
    byJwt.kill();
    withJwt.awaitHealth(false, "replication connection down");

    for (Provider provider : providers) {
      provider.shutDown("");
      assertEquals(0, provider.process.awaitExit());
      assertTrue(provider.process.log().size() > 5);
      assertNoSecrets(provider);
    }
  }

  private Provider launch(String structured, Map<String, String> linkValues) {
    HostDataLine hostData =
        fixture
            .hostData()
            .with("lattice_rpc_user_seed", latticeUser.seed())
            .with("log_level", "trace")
            .with("structured_logging", structured)
            .with(
                "config_json",
                "{\"client_seed\":\"" + linkUser.seed() + "\",\"client_jwt\":\"" + linkJwt + "\"}")
            .withLink(Provider.ACTOR, linkValues);
    return fixture.launch(hostData);
  }

  private String operatorMode() {
    TestNkeys operator = TestNkeys.operator();
    return "operator: %s\nresolver: MEMORY\nresolver_preload: { %s: %s }\n"
        .formatted(operator.operatorJwt(), account.publicKey(), operator.accountJwt(account));
  }

  private void assertNoSecrets(Provider provider) {
    List<String> secrets =
        List.of(
            latticeUser.seed(),
            linkUser.seed(),
            linkJwt.substring(linkJwt.lastIndexOf('.') + 1),
            linkJwt.substring(0, linkJwt.lastIndexOf('.')),
            Vectors.key("cluster_seed"),
            "url-passw0rd",
            "wr0ng-password",
            VALUE,
            "private key of the cache");
    List<String> lines = new ArrayList<>(provider.process.log());
    lines.addAll(provider.process.output());
    for (String secret : secrets) {
      // Not the secret itself in a failure's message either: its length tells which one it is.
      assertTrue(
          lines.stream().noneMatch(line -> line.contains(secret)),
          () -> "a secret of " + secret.length() + " characters was logged");
    }
  }
}
