package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.natskvcache.Waiting.until;
import static org.natskvcache.rpc.wasmbus.SigningCaller.struct;
import static org.natskvcache.rpc.wasmbus.SigningCaller.text;
import static org.natskvcache.rpc.wasmbus.SigningCaller.withoutBody;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.nats.client.ObjectStore;
import io.nats.client.api.ObjectMeta;
import io.nats.client.api.ObjectStoreConfiguration;
import io.nats.client.impl.Headers;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.NatsForTests;
import org.natskvcache.ProviderProcess;
import org.natskvcache.TlsForTests;
import org.natskvcache.Waiting;
import org.natskvcache.nats.TestNkeys;
import org.natskvcache.provider.CacheSettings;
import org.natskvcache.replication.wire.FrameKeys;
import org.natskvcache.replication.wire.ReplicationKey;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.Xkey;
import org.natskvcache.rpc.wasmbus.Invocation;
import org.natskvcache.rpc.wasmbus.SigningCaller;
import org.natskvcache.rpc.wasmbus.Vectors;
import org.natskvcache.telemetry.Collector;
import org.natskvcache.wrpc.ValueWriter;
import org.natskvcache.wrpc.WrpcCaller;
import org.natskvcache.wrpc.WrpcLimits;
import org.natskvcache.wrpc.WrpcServer;
import software.pando.crypto.nacl.CryptoBox;

/**
 * Credentials and values are used where they belong and come out nowhere else, however much is
 * logged and whatever goes wrong: in no line of the log, no health message, no error, no trace or
 * metric, no thread's name, no list of processes. All doors at once, on one lattice.
 */
class SecretsIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String E = CacheSettings.DEFAULT_STATE_SUBJECT;
  private static final String R = CacheSettings.DEFAULT_REPLAY_SUBJECT;
  private static final String STORE = "wrpc:keyvalue/store@0.2.0-draft";
  private static final String WATCHER = "wrpc:keyvalue/watcher@0.2.0-draft";
  private static final String WRPC_ID = "kv-wrpc";
  private static final String WRPC_CONTROL = "wasmbus.rpc.default." + WRPC_ID;

  /**
   * More than the replay ring holds, so that the next instance has to join by a snapshot. With one
   * it joins by a replay.
   */
  private static final int OVERWRITES = 70;

  private static final Duration HEALTH_MAX = Duration.ofMillis(500);

  @TempDir Path folder;

  private final Secrets credentials = new Secrets();
  private final Secrets values = new Secrets();

  private final TestNkeys latticeUser = TestNkeys.user();
  private final TestNkeys linkUser = TestNkeys.user();
  private final TestNkeys account = TestNkeys.account();
  private final String linkJwt = account.userJwt(linkUser);
  private final String hostPassword = credentials.make("the host's password");
  private final String cachePassword = credentials.make("the cache's password");
  private final String wrongPassword = credentials.make("a wrong password");
  private final String token = credentials.make("a token");
  private final String keyText = credentials.make("a private key");
  private final String xkeySeed =
      credentials.add("the provider's curve seed", wrpcKeys().get(0).get("seed").textValue());
  private final String hostXkeySeed = wrpcKeys().get(1).get("seed").textValue();
  private final String collectorToken = credentials.make("the collector's token");
  private final String providerSecret = credentials.make("a provider's secret");
  private final String replicationKey =
      credentials.add("a replication key", ReplicationKey.of(randomBytes()).text());
  private final String inspectionKey =
      credentials.add(
          "an inspection key", FrameKeys.replication(replicationKey).inspectionSetting());
  private final String key = values.make("a key");
  private final String value = values.make("a value");
  private final String item = values.make("a list item");
  private final String member = values.make("a member");

  private final Map<String, ProviderProcess> processes = new TreeMap<>();

  /** What was told to others than those who asked for a value, with who told it. */
  private final List<String> told = new ArrayList<>();

  /** Every answer that went to some inbox of the lattice. */
  private final ConcurrentLinkedQueue<String> answers = new ConcurrentLinkedQueue<>();

  private ProviderFixture fixture;
  private NatsForTests byJwt;
  private NatsForTests byToken;
  private Collector collector;

  private static byte[] randomBytes() {
    byte[] bytes = new byte[ReplicationKey.BYTES];
    new SecureRandom().nextBytes(bytes);
    return bytes;
  }

  private static JsonNode wrpcKeys() {
    try (var in = SecretsIT.class.getResourceAsStream("/wrpc-vectors.json")) {
      return JSON.readTree(in).get("xkey").get("keys");
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @BeforeEach
  void startServers() throws Exception {
    credentials.add("the lattice's seed", latticeUser.seed());
    credentials.add("the link's seed", linkUser.seed());
    credentials.add("the cluster's seed", Vectors.key("cluster_seed"));
    for (String text : List.of(replicationKey, inspectionKey)) {
      byte[] bytes = Base64.getUrlDecoder().decode(text);
      credentials.add("the bytes of a key", new String(bytes, ISO_8859_1));
    }
    for (String part : linkJwt.split("\\.", 2)[1].split("\\.")) {
      credentials.add("the link's JWT", part);
    }
    fixture =
        new ProviderFixture(
            NatsForTests.start(
                """
                jetstream { store_dir: "$DIR/jetstream" }
                authorization { users: [
                  { nkey: %s }, { user: host, password: "%s" }, { user: cache, password: "%s" }
                ] }
                """
                    .formatted(latticeUser.publicKey(), hostPassword, cachePassword),
                Map.of()),
            "host:" + hostPassword);
    TestNkeys operator = TestNkeys.operator();
    byJwt = fixture.open(NatsForTests.start(operator.serverConfig(account), Map.of()));
    byToken =
        fixture.open(
            NatsForTests.start("authorization { token: \"%s\" }\n".formatted(token), Map.of()));
    collector = fixture.open(Collector.start());
    fixture
        .host
        .createDispatcher(message -> answers.add(new String(message.getData(), ISO_8859_1)))
        .subscribe("_INBOX.>");
  }

  @AfterEach
  void close() {
    fixture.close();
  }

  @ParameterizedTest(name = "structured logging: {0}")
  @ValueSource(booleans = {false, true})
  void nothingComesOut(boolean structured) throws Exception {
    ProviderProcess serve = startServe(structured);
    fillByShell(structured);
    Provider wasmbus = startWasmbus(structured);
    ProviderProcess wrpc = startWrpc(structured);
    wasmbusCallsAndErrors(wasmbus);
    largeBodies(wasmbus);
    wrpcCallsAndErrors(wrpc);
    brokenFrames(wasmbus);
    if (!structured) { // what these say is no log event
      badStarts();
      badScripts();
      whoOnlyLooks();
    }
    byJwt.kill();
    until("an outage in its health", () -> wrpcHealth().contains("jwt"));
    told.add(wrpcHealth());
    for (ProviderProcess process : List.of(serve, wasmbus.process, wrpc)) {
      threadDump(process);
      assertProcessTableIsClean(process, process.equals(serve));
    }
    wasmbus.shutDown();
    fixture.host.request(
        WRPC_CONTROL + ".default.shutdown", "{\"host_id\":\"NHOST\"}".getBytes(UTF_8));
    serve.terminate();
    for (ProviderProcess process : List.of(serve, wasmbus.process, wrpc)) {
      assertEquals(0, process.awaitExit());
    }
    assertNothingCameOut();
  }

  // The doors

  private String cacheUrl(String password) {
    return fixture.nats.url().replace("//", "//cache:" + password + "@");
  }

  private ProviderProcess start(
      String name, Map<String, String> environment, String stdin, String... args) {
    ProviderProcess process = fixture.open(ProviderProcess.start(environment, stdin, args));
    processes.put(name + " " + processes.size(), process);
    return process;
  }

  private static String[] logging(boolean structured, String... args) {
    Stream<String> more = Stream.of("--log-level", "trace", "--structured-logging");
    return Stream.concat(Stream.of(args), more.limit(structured ? 3 : 2)).toArray(String[]::new);
  }

  private Map<String, String> telemetry() {
    return Map.of(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        collector.url(),
        "OTEL_EXPORTER_OTLP_HEADERS",
        "authorization=" + collectorToken,
        "OTEL_BSP_SCHEDULE_DELAY",
        "20",
        "OTEL_METRIC_EXPORT_INTERVAL",
        "50");
  }

  /** Its secrets are in the environment and in a file; it watches the filling. */
  private ProviderProcess startServe(boolean structured) throws IOException {
    Path links = folder.resolve("links.json");
    Files.writeString(
        links,
        """
        [{"name": "default", "config": {"NATS_URL": "%1$s"}},
         {"name": "keyed", "config": {"NATS_URL": "%1$s", "REPLICATION_KEY": "none,%2$s"}}]\
        """
            .formatted(cacheUrl(cachePassword), replicationKey));
    Map<String, String> environment = new TreeMap<>(telemetry());
    environment.put("NATS_URL", cacheUrl(cachePassword));
    ProviderProcess serve =
        start(
            "serve",
            environment,
            "",
            logging(
                structured,
                "serve",
                "--provider-id",
                "kv-serve",
                "--component",
                "counter",
                "--link-file",
                links.toString()));
    serve.awaitLog("door_open protocol=wrpc");
    return serve;
  }

  private void fillByShell(boolean structured) {
    String padding = "x".repeat(1_000_000);
    var script = new StringBuilder();
    for (int i = 0; i < (structured ? 1 : OVERWRITES); i++) {
      script.append("SET ").append(key).append(' ').append(value).append(padding).append('\n');
    }
    script.append("RPUSH list ").append(item).append("\nSADD set ").append(member).append('\n');
    script.append("SET small ").append(value).append("\nGET small\nSTATUS\nPEERS\n");
    ProviderProcess shell =
        start(
            "shell",
            Map.of("NATS_URL", cacheUrl(cachePassword)),
            script.toString(),
            logging(structured, "shell"));
    assertEquals(0, shell.awaitExit(), () -> "the script; " + shell.log());
    assertTrue(shell.output().toString().contains(value));
  }

  private Provider startWasmbus(boolean structured) {
    HostDataLine hostData =
        fixture
            .hostData()
            .with("lattice_rpc_user_seed", latticeUser.seed())
            .with("log_level", "trace")
            .with("structured_logging", String.valueOf(structured))
            .with("config_json", "{\"nats_url\":\"" + cacheUrl(cachePassword) + "\"}")
            .withLink(Provider.ACTOR, Map.of("REPLAY_HEARTBEAT_SECS", "1"));
    Provider provider = fixture.launch(hostData);
    processes.put("wasmbus", provider.process);
    if (!structured) provider.process.awaitLog("snapshot");
    provider.awaitHealth(true, "live");
    assertEquals(Optional.of(value), provider.calls.get("small"));
    return provider;
  }

  private ProviderProcess startWrpc(boolean structured) throws Exception {
    ObjectNode data = JSON.createObjectNode();
    data.put("host_id", "NHOST").put("lattice_rpc_prefix", "default").put("provider_key", WRPC_ID);
    data.put("lattice_rpc_url", fixture.nats.url())
        .put("lattice_rpc_user_seed", latticeUser.seed());
    data.put("structured_logging", structured).put("log_level", "trace");
    data.put("host_xkey_public_key", wrpcKeys().get(1).get("public").textValue());
    data.put("provider_xkey_private_key", xkeySeed);
    data.putObject("env_values");
    data.putObject("config");
    ObjectNode secrets = data.putObject("secrets");
    secret(secrets, "NATS_URL", byToken.url().replace("//", "//" + token + "@"), false);
    secret(secrets, "admin", providerSecret, false);
    secret(secrets, "API_KEY", providerSecret, true);
    var links = data.putArray("link_definitions");
    links.add(
        link("counter", WRPC_ID, "token", Map.of("REPLICATION_KEY", replicationKey), "store"));
    links.add(link("counter", WRPC_ID, "default", url(cacheUrl(cachePassword)), "store"));
    ObjectNode watch = link(WRPC_ID, "watcher", "default", url(cacheUrl(cachePassword)), "watcher");
    watch.putObject("source_config").put("watch", "SET@seen-" + key);
    links.add(watch);
    String line = Base64.getEncoder().encodeToString(JSON.writeValueAsBytes(data)) + "\r\n";
    ProviderProcess process = start("wrpc", telemetry(), line);
    until(
        () -> "health of wRPC; " + wrpcHealth() + process.log(),
        () -> wrpcHealth().contains("true"));
    return process;
  }

  private static Map<String, String> url(String url) {
    return Map.of("NATS_URL", url);
  }

  private static void secret(ObjectNode secrets, String name, String text, boolean bytes) {
    ObjectNode secret = secrets.putObject(name).put("kind", bytes ? "Bytes" : "String");
    if (bytes) for (byte b : text.getBytes(UTF_8)) secret.withArray("value").add(b & 0xff);
    else secret.put("value", text);
  }

  /** A link whose settings are sealed secrets, as texts and as bytes in turn. */
  private ObjectNode link(
      String source, String target, String name, Map<String, String> secrets, String interfaces)
      throws IOException {
    ObjectNode link = JSON.createObjectNode().put("source_id", source).put("target", target);
    link.put("name", name).put("wit_namespace", "wasi").put("wit_package", "keyvalue");
    link.putArray("interfaces").add(interfaces);
    if (!secrets.isEmpty()) {
      ObjectNode plain = JSON.createObjectNode();
      new TreeMap<>(secrets)
          .forEach((key, text) -> secret(plain, key, text, plain.size() % 2 == 1));
      var sealed = link.putArray(target.equals(WRPC_ID) ? "target_secrets" : "source_secrets");
      for (byte b : sealed(JSON.writeValueAsBytes(plain))) sealed.add(b & 0xff);
    }
    return link;
  }

  private byte[] sealed(byte[] plain) {
    byte[] ours = Nkey.parseSeed(hostXkeySeed).orElseThrow().seed().array();
    byte[] theirs = Xkey.ofSeed(xkeySeed).orElseThrow().publicKey().key().array();
    try (CryptoBox box =
        CryptoBox.encrypt(CryptoBox.privateKey(ours), CryptoBox.publicKey(theirs), plain)) {
      var out = new ByteArrayOutputStream();
      out.writeBytes("xkv1".getBytes(UTF_8));
      out.writeBytes(box.getNonce());
      out.writeBytes(box.getCiphertextWithTag());
      return out.toByteArray();
    }
  }

  // What is done to them

  private void wasmbusCallsAndErrors(Provider provider) throws Exception {
    KeyValueClient calls = provider.calls;
    calls.set("text", value);
    calls.listAdd("items", item);
    calls.setAdd("members", member);
    refused(calls, "Increment", struct("key", "text", "value", 1));
    refused(calls, "ListAdd", struct("listName", "text", "value", item));
    refused(calls, "SetAdd", struct("setName", "text", "value", member));
    refused(calls, "Set", struct("key", key, "value", value));
    refused(calls, "Set", text(value));
    refused(calls, "Set", struct("key", key, "value", 7, "expires", value));
    refused(calls, "Set", struct("key", key, "value", value + "x".repeat(1 << 19), "expires", "1"));
    refused(calls, "Get", struct("key", value));
    refused(calls, "Nonsense", text(value));
    refused(provider.callsOf("MSTRANGER"), "Set", text(value));
    Invocation call =
        provider.caller().signed("KeyValue.Set", struct("key", key, "value", value, "expires", 0));
    byte[] whole = SigningCaller.encode(call);
    for (byte[] broken : new Garbage(7).damaged(whole, 40)) {
      told.add("wasmbus: " + provider.send(broken).error());
    }
    told.add(
        "wasmbus: "
            + provider
                .send(SigningCaller.encode(SigningCaller.withClaims(call, keyText + ".a.b")))
                .error());

    provider.link(
        "MJOINED",
        Map.of(
            "CLIENT_SEED",
            linkUser.seed(),
            "CLIENT_JWT",
            linkJwt,
            "REPLICATION_KEY",
            replicationKey));
    provider.process.awaitLog("link_keys_ignored");
    int refusals = 0;
    for (Map<String, String> wrong : wrongLinks()) {
      provider.link("MWRONG" + refusals++, wrong);
      provider.awaitLogLines(refusals, "event=link_refused");
    }
    byte[] truncated =
        struct("actor_id", "M", "values", Map.of("CLIENT_SEED", linkUser.seed()).toString());
    fixture.host.publish(provider.subject() + ".linkdefs.put", truncated);
    fixture.host.publish(provider.subject() + ".linkdefs.put", linkUser.seed().getBytes(UTF_8));
    fixture.host.publish(
        provider.subject() + ".linkdefs.del", ("{\"" + linkUser.seed() + "\"}").getBytes(UTF_8));
    provider.process.awaitLog("event=malformed_message");
    told.add(String.valueOf(provider.health()));
  }

  private void refused(KeyValueClient calls, String operation, byte[] argument) {
    told.add("wasmbus: " + calls.error(operation, argument));
  }

  /** Settings that hold a secret where it does not belong, or one that is not quite one. */
  private List<Map<String, String>> wrongLinks() {
    String seed = linkUser.seed();
    String password = "x://cache:" + cachePassword + "@host";
    return List.of(
        Map.of("NATS_URL", password),
        Map.of("NATS_URL", "nats://cache:" + cachePassword + "@@host:1:2"),
        Map.of("NATS_URL", "nats://host?token=" + token),
        Map.of("CLIENT_SEED", seed.substring(0, seed.length() - 1)),
        Map.of("NATS_URL", cacheUrl(cachePassword) + "," + cacheUrl(token)),
        Map.of("NATS_URL", cacheUrl(cachePassword) + "," + token + ":" + token),
        Map.of("NATS_CREDS", linkJwt + pem()),
        Map.of("NATS_CREDS_FILE", linkUser.creds(account)),
        Map.of("NATS_CREDS_FILE", seed),
        Map.of("NATS_CREDS", linkUser.creds(account), "CLIENT_SEED", seed),
        Map.of("CLIENT_SEED", linkJwt),
        Map.of("CLIENT_JWT", linkJwt),
        Map.of("CLIENT_JWT", seed, "CLIENT_SEED", seed),
        Map.of("STATE_REPL_SUBJECT", seed + " " + linkJwt),
        Map.of("REPLAY_HEARTBEAT_SECS", seed),
        Map.of("MUTATION_REPLIES", seed),
        Map.of("REPLICATION_KEY", replicationKey + "A"),
        Map.of("REPLICATION_KEY", replicationKey + "," + replicationKey),
        Map.of("REPLICATION_KEY", replicationKey + ",none," + seed),
        Map.of("NATS_CERT_FILE", "cert.pem", "NATS_KEY_FILE", pem()),
        Map.of("NATS_CA_FILE", pem()),
        Map.of("NATS_CA_FILE", "a\0" + keyText));
  }

  private String pem() {
    return "-----BEGIN PRIVATE KEY-----\n" + keyText + "\n-----END PRIVATE KEY-----\n";
  }

  private void largeBodies(Provider provider) throws Exception {
    String bucket = provider.hostData.text("lattice_rpc_prefix");
    fixture.host.objectStoreManagement().create(ObjectStoreConfiguration.builder(bucket).build());
    ObjectStore store = fixture.host.objectStore(bucket);
    byte[] argument = struct("key", "large", "value", value + "x".repeat(950_000), "expires", 0);
    Invocation whole = provider.caller().signed("KeyValue.Set", argument);
    store.put(ObjectMeta.objectName(whole.id()), new ByteArrayInputStream(argument));
    assertEquals("", provider.send(SigningCaller.encode(withoutBody(whole))).error());
    Invocation get = provider.caller().signed("KeyValue.Get", text("large"));
    assertTrue(provider.send(SigningCaller.encode(get)).contentLength() > 950_000);
    Invocation lost = provider.caller().signed("KeyValue.Set", argument);
    told.add("wasmbus: " + provider.send(SigningCaller.encode(withoutBody(lost))).error());
    Invocation other = provider.caller().signed("KeyValue.Set", argument);
    argument[argument.length - 20] ^= 1;
    store.put(ObjectMeta.objectName(other.id()), new ByteArrayInputStream(argument));
    told.add("wasmbus: " + provider.send(SigningCaller.encode(withoutBody(other))).error());
  }

  private String wrpcHealth() {
    try {
      var reply = fixture.host.request(WRPC_CONTROL + ".health", null, HEALTH_MAX);
      return reply == null ? "" : new String(reply.getData(), UTF_8);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  private void wrpcCallsAndErrors(ProviderProcess process) throws Exception {
    BlockingQueue<String> heard = new LinkedBlockingQueue<>();
    var component =
        fixture.open(
            new WrpcServer(
                fixture.host,
                "default.watcher",
                WrpcLimits.DEFAULTS,
                (event, subject, cause) -> {}));
    component.serve(
        WATCHER,
        "on-set",
        in -> in.string() + in.string() + new String(in.bytes(), UTF_8),
        (call, text) -> {
          heard.add(text);
          call.result(new byte[0]);
        });
    fixture.host.flush(Waiting.PATIENCE);
    for (String link : List.of("default", "token")) {
      byte[] set = new ValueWriter(64).string("").string("seen-" + key).string(value).toByteArray();
      assertEquals(1, call(WRPC_ID, "set", "counter", link, set).length);
    }
    assertTrue(String.valueOf(heard.poll(10, TimeUnit.SECONDS)).contains(value));
    byte[] broken = new ValueWriter(64).string("").string(value).toByteArray();
    broken[1] = (byte) 0x7f;
    told.add("wrpc: " + latin(call(WRPC_ID, "set", "counter", "default", broken)));
    byte[] noText = new ValueWriter(64).string("").string(value + "\u00e9").toByteArray();
    noText[noText.length - 1] = 'x';
    told.add("wrpc: " + latin(call(WRPC_ID, "get", "counter", "default", noText)));
    byte[] get = new ValueWriter(64).string("").string(key).toByteArray();
    told.add("wrpc: " + latin(call(WRPC_ID, "get", "stranger", "default", get)));
    byte[] list = new ValueWriter(64).string("").string("items").toByteArray();
    told.add("wrpc: " + latin(call(WRPC_ID, "get", "counter", "default", list)));
    assertTrue(latin(call("kv-serve", "get", "counter", "default", get)).contains(value));

    put(
        link(
            "counter",
            WRPC_ID,
            "jwt",
            Map.of("NATS_URL", byJwt.url(), "CLIENT_SEED", linkUser.seed(), "CLIENT_JWT", linkJwt),
            "store"));
    String creds = linkUser.creds(account);
    put(
        link(
            "counter",
            WRPC_ID,
            "creds",
            Map.of("NATS_URL", byJwt.url(), "NATS_CREDS", creds),
            "store"));
    Path credsFile = Files.writeString(folder.resolve("user.creds"), creds);
    put(
        link(
            "counter",
            WRPC_ID,
            "creds-file",
            Map.of("NATS_URL", byJwt.url(), "NATS_CREDS_FILE", credsFile.toString()),
            "store"));
    Path noCreds = Files.writeString(folder.resolve("no.creds"), pem());
    put(
        link(
            "counter",
            WRPC_ID,
            "no-creds",
            Map.of("NATS_URL", byJwt.url(), "NATS_CREDS_FILE", noCreds.toString()),
            "store"));
    put(link("counter", WRPC_ID, "wrong", url(cacheUrl(wrongPassword)), "store"));
    put(
        link(
            "counter",
            WRPC_ID,
            "away",
            url("nats://cache:" + cachePassword + "@127.0.0.1:" + NatsForTests.freePort()),
            "store"));
    Path file = folder.resolve("key.pem");
    Files.writeString(file, pem());
    String tls = "tls://cache:" + cachePassword + "@127.0.0.1:" + fixture.nats.port();
    put(
        link(
            "counter",
            WRPC_ID,
            "no-ca",
            Map.of("NATS_URL", tls, "NATS_CA_FILE", "/no/such"),
            "store"));
    put(
        link(
            "counter",
            WRPC_ID,
            "no-key",
            Map.of(
                "NATS_URL",
                tls,
                "NATS_CERT_FILE",
                TlsForTests.file("client.pem").toString(),
                "NATS_KEY_FILE",
                file.toString()),
            "store"));
    put(
        link(
            "counter",
            WRPC_ID,
            "bad-ca",
            Map.of("NATS_URL", tls, "NATS_CA_FILE", file.toString()),
            "store"));
    for (Map<String, String> wrong : wrongLinks()) {
      put(link("counter", WRPC_ID, "refused", wrong, "store"));
    }
    ObjectNode changed = link("counter", WRPC_ID, "changed", url(cacheUrl(cachePassword)), "store");
    changed.withArray("target_secrets").set(50, 0).set(51, 0);
    put(changed);
    ObjectNode plain = link("counter", WRPC_ID, "plain", Map.of(), "store");
    plain.put("target_secrets", keyText).putObject("target_config").put("CLIENT_SEED", keyText);
    put(plain);
    publish(WRPC_CONTROL + ".config.update", "{\"CLIENT_SEED\":\"" + linkUser.seed() + "\"}");
    publish(WRPC_CONTROL + ".config.update", "{\"CLIENT_SEED\":\"" + linkUser.seed() + "\"");
    publish(WRPC_CONTROL + ".linkdefs.del", "\"" + linkUser.seed() + "\"");
    process.awaitLog("configuration_changed");
    process.awaitLog("event=malformed_message");
    process.awaitLog("its secrets do not open");
    process.awaitLog("Authorization Violation");
    process.awaitLog("NATS_CA_FILE cannot be read");
    process.awaitLog("NATS_CA_FILE holds no");
    process.awaitLog("NATS_KEY_FILE holds no");
    process.awaitLog("NATS_CREDS_FILE holds no seed");
    for (String link : List.of("jwt", "creds", "creds-file", "token")) {
      until(
          () -> "the connection of link " + link + "; " + process.log(),
          () -> process.log().stream().anyMatch(line -> connected(line, link)));
    }
    told.add(wrpcHealth());
    until("spans of both", () -> spans("on-set") && spans("/set") && spans("kvcache.entries"));
  }

  private static boolean connected(String line, String link) {
    return line.contains("connected to NATS") && line.contains("kvcache " + link + " live");
  }

  private boolean spans(String text) {
    return collector.bodies().stream().anyMatch(body -> body.contains(text));
  }

  private static String latin(byte[] bytes) {
    return new String(bytes, ISO_8859_1);
  }

  private void publish(String subject, String body) {
    fixture.host.publish(subject, body.getBytes(UTF_8));
  }

  private void put(ObjectNode link) {
    String ours = Xkey.ofSeed(xkeySeed).orElseThrow().publicKey().text();
    publish("wasmbus.rpc.default." + ours + ".linkdefs.put", link.toString());
  }

  private byte[] call(String provider, String function, String source, String link, byte[] params)
      throws Exception {
    try (var caller =
        new WrpcCaller(fixture.host, WrpcLimits.DEFAULTS, (event, subject, cause) -> {})) {
      var headers = new Headers().add("source-id", source).add("link-name", link);
      var outcome =
          caller
              .call(WrpcServer.subject("default." + provider, STORE, function), headers, params)
              .get(10, TimeUnit.SECONDS);
      return outcome instanceof WrpcCaller.Outcome.Result(byte[] bytes) ? bytes : new byte[0];
    }
  }

  /** Frames with the values in them, damaged, on all subjects of the group. */
  private void brokenFrames(Provider author) throws Exception {
    BlockingQueue<byte[]> frames = new LinkedBlockingQueue<>();
    var dispatcher = fixture.host.createDispatcher(frame -> frames.add(frame.getData()));
    dispatcher.subscribe(E);
    fixture.host.flush(Waiting.PATIENCE);
    author.calls.set("again", value);
    author.calls.listAdd("again-items", item);
    var garbage = new Garbage(8);
    for (int i = 0; i < 2; i++) {
      byte[] frame = frames.poll(10, TimeUnit.SECONDS);
      for (String subject : List.of(E, E + ".hb", R, R + ".all")) {
        garbage.damaged(frame, 10).forEach(each -> fixture.host.publish(subject, each));
        garbage.wellSummed(frame, 20).forEach(each -> fixture.host.publish(subject, each));
        fixture.host.publish(subject, garbage.ofLaterVersion(frame));
      }
    }
    author.process.awaitLog("dropped a replication frame");
    fixture.host.closeDispatcher(dispatcher);
  }

  private void badStarts() throws Exception {
    String seed = latticeUser.seed();
    List<ProviderProcess> all = new ArrayList<>();
    List<String> json =
        List.of(
            "{\"lattice_rpc_user_seed\":\"" + seed + "\"",
            "{\"lattice_rpc_user_seed\":\""
                + seed
                + "x\",\"lattice_rpc_prefix\":\"l\","
                + "\"provider_key\":\"p\",\"link_name\":\"d\"}",
            "{\"lattice_rpc_url\":\"nats://cache:" + cachePassword + "@@h\"}",
            "{\"lattice_rpc_prefix\":\""
                + seed
                + " x\",\"provider_key\":\"p\",\"link_name\":\"d\"}",
            "{\"config_json\":\"{\\\"CLIENT_SEED\\\":" + seed + "}\"}",
            "{\"config\":[\"" + seed + "\"],\"secrets\":\"" + seed + "\"}",
            "{\"lattice_rpc_prefix\":\"l\",\"provider_key\":\"p\",\"config\":{},"
                + "\"host_xkey_public_key\":\""
                + xkeySeed
                + "\",\"provider_xkey_private_key\":\""
                + seed
                + "\"}");
    all.add(start("host data", Map.of("RUST_LOG", "trace"), seed + "!\n"));
    for (String each : json) {
      String line = Base64.getEncoder().encodeToString(each.getBytes(UTF_8)) + "\n";
      all.add(start("host data", Map.of("RUST_LOG", "trace"), line));
    }
    Path bad = folder.resolve("bad.json");
    Files.writeString(bad, "[{\"name\":\"default\",\"config\":{\"CLIENT_SEED\":\"" + seed + "\"}");
    Path seedFile = folder.resolve("seed.nk");
    Files.writeString(seedFile, seed);
    String url = fixture.nats.url();
    Map<String, String> environment = Map.of("CLIENT_SEED", seed, "CLIENT_JWT", keyText);
    all.add(start("serve", environment, "", logging(false, "serve", "--nats-url", url)));
    Map<String, String> badKey = Map.of("REPLICATION_KEY", replicationKey + "," + seed);
    all.add(start("serve", badKey, "", logging(false, "serve", "--nats-url", url)));
    all.add(start("doctor", badKey, "", logging(false, "doctor", "--nats-url", url)));
    all.add(start("key", badKey, "", "key", "inspect"));
    badKey = Map.of("INSPECTION_KEY", "none," + inspectionKey + ".");
    all.add(start("doctor", badKey, "", logging(false, "doctor", "--nats-url", url)));
    all.add(start("key", Map.of(), "", "key", "inspect", "--key=" + replicationKey));
    all.add(start("serve", url("nats://" + cachePassword + ",x@h"), "", logging(false, "serve")));
    all.add(
        start(
            "serve",
            Map.of(),
            "",
            logging(false, "serve", "--nats-url", url, "--link-file", bad.toString())));
    all.add(
        start(
            "par",
            Map.of(),
            "",
            "par",
            "--out",
            folder.resolve("a.par").toString(),
            "--issuer-seed-file",
            seedFile.toString(),
            "--subject-seed-file",
            seedFile.toString()));
    for (ProviderProcess each : all) {
      assertFalse(each.awaitExit() == 0, () -> "it started; " + each.log());
      assertFalse(each.log().isEmpty());
    }
  }

  private void badScripts() {
    List<ProviderProcess> all = new ArrayList<>();
    for (String line :
        List.of(
            "SET k \"" + value,
            value,
            "INCRBY n " + value,
            "SET k " + value + "\nRPUSH k " + item,
            "use " + value)) {
      all.add(start("script", Map.of(), line + "\n", logging(false, "shell")));
    }
    for (ProviderProcess each : all) {
      assertEquals(1, each.awaitExit(), () -> "a bad script; " + each.log());
      assertFalse(each.log().isEmpty());
      told.addAll(each.output());
    }
  }

  private void whoOnlyLooks() {
    Map<String, String> environment =
        Map.of("NATS_URL", cacheUrl(cachePassword), "INSPECTION_KEY", "none," + inspectionKey);
    ProviderProcess doctor =
        start("doctor", environment, "", logging(false, "doctor", "--link", "keyed"));
    assertEquals(0, doctor.awaitExit(), () -> "it found " + doctor.output() + doctor.log());
    ProviderProcess inspect =
        fixture.open(
            ProviderProcess.start(Map.of("REPLICATION_KEY", replicationKey), "", "key", "inspect"));
    assertEquals(0, inspect.awaitExit());
    assertEquals(List.of(inspectionKey), List.copyOf(inspect.output()), "what was asked for");
    assertClean("the log of key inspect", String.join("\n", inspect.log()));
  }

  // What came of it

  /** As a person would make it, who then sends it to us. */
  private static void threadDump(ProviderProcess process) {
    process.quit();
    process.awaitOutput("Full thread dump");
    process.awaitOutput("JNI global refs");
  }

  private void assertProcessTableIsClean(ProviderProcess process, boolean environmentHasSecrets)
      throws IOException {
    Path proc = Path.of("/proc", Long.toString(process.pid()));
    if (!Files.isDirectory(proc)) return; // a system without it
    var text = new StringBuilder(Files.readString(proc.resolve("cmdline"), ISO_8859_1));
    for (String entry : Files.readString(proc.resolve("environ"), ISO_8859_1).split("\0", -1)) {
      boolean given = entry.startsWith("NATS_URL=") || entry.startsWith("OTEL_");
      if (!given) text.append('\0').append(entry);
      else assertTrue(environmentHasSecrets || entry.startsWith("OTEL_"), "an entry nobody made");
    }
    try (Stream<Path> threads = Files.list(proc.resolve("task"))) {
      for (Path thread : threads.toList()) {
        try {
          text.append('\0').append(Files.readString(thread.resolve("comm"), ISO_8859_1));
        } catch (NoSuchFileException e) {
          // it has ended
        }
      }
    }
    assertClean("the process table", text.toString());
  }

  private void assertNothingCameOut() {
    processes.forEach((name, process) -> {
      assertClean("the log of " + name, String.join("\n", process.log()));
      String output = String.join("\n", process.output());
      if (name.startsWith("shell")) assertEquals(Optional.empty(), credentials.in(output), name);
      else assertClean("the output of " + name, output);
    });
    told.forEach(each -> assertClean("an answer", each));
    collector.bodies().forEach(each -> assertClean("a trace or metric", each));
    assertFalse(collector.bodies().isEmpty() || answers.isEmpty());
    answers.forEach(each -> assertEquals(Optional.empty(), credentials.in(each), "an answer"));
  }

  private void assertClean(String where, String text) {
    for (Secrets secrets : List.of(credentials, values)) {
      assertEquals(Optional.empty(), secrets.in(text), () -> where + " holds a secret");
    }
  }
}
