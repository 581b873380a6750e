package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;

import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.natskvcache.NatsForTests;
import org.natskvcache.ProviderProcess;

/** Health tells of subjects that the server of the lattice does not let a door hear. */
class RefusedSubjectsIT {
  private static final String LOGIN = "host:h";

  private final ProviderFixture fixture =
      new ProviderFixture(NatsForTests.start(config("other"), Map.of()), LOGIN);

  @AfterEach
  void close() {
    fixture.close();
  }

  private static String config(String denied) {
    return """
    authorization { users: [
      { user: host, password: h }
      { user: provider, password: p, permissions: {
          subscribe: { deny: [ "%s" ] }, publish: { deny: [ "forbidden.>" ] } } }
    ] }
    """
        .formatted(denied);
  }

  private void deny(String subject) {
    fixture.nats.replaceFile("nats.conf", config(subject).getBytes(UTF_8));
    fixture.nats.reload();
    until("reloaded", () -> fixture.nats.log().contains("Reloaded"));
  }

  private Provider launch() {
    return fixture.launch(
        fixture
            .hostData()
            .with("lattice_rpc_url", fixture.nats.url().replace("//", "//provider:p@"))
            .withLink(Provider.ACTOR, Map.of()));
  }

  @Test
  void refusedSubscriptionIsUnhealthyUntilItIsAllowed() {
    deny("wasmbus.rpc.*.*.*.linkdefs.del");
    Provider provider = launch();
    String subject = provider.subject() + ".linkdefs.del";
    provider.awaitHealth(false, "door wasmbus was refused subject " + subject);
    provider.calls.set("key", "value");
    deny("other");
    provider.awaitHealth(true, "standalone");
    assertEquals(Optional.of("value"), provider.calls.get("key"));
    provider.unlink(Provider.ACTOR);
    provider.process.awaitLog("event=link_deleted");
  }

  @Test
  void refusedCredentialsAreSaidByHealthDoctorAndScript() {
    String wrong = fixture.nats.url().replace("//", "//provider:wrong@");
    Provider provider =
        fixture.launch(
            fixture
                .hostData()
                .with("lattice_rpc_url", fixture.nats.url().replace("//", "//provider:p@"))
                .withLink(Provider.ACTOR, Map.of("NATS_URL", wrong)));
    provider.awaitHealth(false, "link default: replication connection down: credentials refused: ");

    var environment = Map.of("NATS_URL", wrong);
    var doctor = fixture.open(ProviderProcess.start(environment, "", "doctor"));
    assertEquals(1, doctor.awaitExit());
    doctor.awaitLog("NATS cannot be used: credentials refused: ");
    var script = fixture.open(ProviderProcess.start(environment, "GET key\n", "shell"));
    assertEquals(1, script.awaitExit());
    script.awaitLog("connection down, credentials refused: ");

    var noFile = Map.of("NATS_URL", fixture.nats.url(), "NATS_CREDS_FILE", "/none");
    var lost = fixture.open(ProviderProcess.start(noFile, "", "doctor"));
    assertEquals(1, lost.awaitExit());
    lost.awaitLog("NATS cannot be used: NATS_CREDS_FILE cannot be read: /none");
  }

  @Test
  void refusedPublishIsNoTrouble() {
    Provider provider = launch();
    provider.awaitHealth(true, "");
    fixture.host.publish(provider.subject() + ".health", "forbidden.reply", new byte[0]);
    provider.process.awaitLog("Permissions Violation for Publish");
    assertTrue(provider.health().healthy());
  }
}
