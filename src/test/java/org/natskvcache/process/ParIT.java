package org.natskvcache.process;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.bouncycastle.crypto.params.Ed25519PublicKeyParameters;
import org.bouncycastle.crypto.signers.Ed25519Signer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.natskvcache.ProviderProcess;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.wrpc.WrpcVectors;

/** {@code nats-kvcache par}: what is in the archive, and what a failure leaves. */
class ParIT {
  private static final JsonNode PAR = WrpcVectors.of("par");

  @TempDir private Path folder;

  private Path out;
  private Path issuer;
  private Path subject;

  @BeforeEach
  void writeSeeds() throws IOException {
    out = folder.resolve("a.par.gz");
    issuer = Files.writeString(folder.resolve("issuer.nk"), PAR.get("issuer_seed").textValue());
    subject = Files.writeString(folder.resolve("subject.nk"), PAR.get("subject_seed").textValue());
  }

  private static ProviderProcess par(Map<String, String> environment, String... args) {
    var command = new ArrayList<>(List.of("par"));
    command.addAll(List.of(args));
    ProviderProcess process =
        ProviderProcess.start(environment, "", command.toArray(String[]::new));
    process.awaitExit();
    return process;
  }

  private static List<String> written(ProviderProcess process) {
    assertEquals(0, process.awaitExit(), () -> process.log().toString());
    assertEquals(List.of(), process.log());
    return process.output();
  }

  private static Map<String, byte[]> members(Path archive) throws IOException {
    var members = new HashMap<String, byte[]>();
    try (InputStream file = Files.newInputStream(archive);
        var tar =
            new TarArchiveInputStream(
                archive.toString().endsWith(".gz") ? new GZIPInputStream(file) : file)) {
      for (var entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        members.put(entry.getName(), tar.readAllBytes());
      }
    }
    return members;
  }

  /** The claims of a token whose signature is its issuer's. */
  private static JsonNode verified(byte[] jwt) throws IOException {
    String[] parts = new String(jwt, US_ASCII).split("\\.");
    assertEquals(3, parts.length);
    assertEquals(PAR.get("header_b64url").textValue(), parts[0]);
    JsonNode claims = new ObjectMapper().readTree(Base64.getUrlDecoder().decode(parts[1]));
    Nkey key = Nkey.parse(claims.get("iss").textValue()).orElseThrow();
    var signer = new Ed25519Signer();
    signer.init(false, new Ed25519PublicKeyParameters(key.key().array()));
    byte[] signed = (parts[0] + "." + parts[1]).getBytes(US_ASCII);
    signer.update(signed, 0, signed.length);
    assertTrue(signer.verifySignature(Base64.getUrlDecoder().decode(parts[2])));
    return claims;
  }

  /** What the vector says about this binary and these keys, with the time and id of now. */
  @Test
  void archiveIsThatOfTheVector() throws Exception {
    Path binary = Files.writeString(folder.resolve("exe"), PAR.get("binary_utf8").textValue());
    JsonNode expected = new ObjectMapper().readTree(PAR.get("claims_json").textValue());
    JsonNode wascap = expected.get("wascap");
    List<String> said =
        written(
            par(
                Map.of(),
                "--out",
                out.toString(),
                "--binary",
                binary.toString(),
                "--target",
                "x86_64-linux",
                "--issuer-seed-file",
                issuer.toString(),
                "--subject-seed-file",
                subject.toString(),
                "--keys",
                folder.resolve("none").toString(),
                "--name",
                wascap.get("name").textValue(),
                "--vendor",
                wascap.get("vendor").textValue(),
                "--revision",
                "1"));
    assertEquals(3, said.size(), said::toString);
    assertEquals("issuer=" + PAR.get("issuer_public").textValue(), said.get(1));
    assertEquals("provider-key=" + PAR.get("subject_public").textValue(), said.get(2));
    Map<String, byte[]> members = members(out);
    assertEquals(2, members.size(), () -> members.keySet().toString());
    assertArrayEquals(Files.readAllBytes(binary), members.get("x86_64-linux.bin"));
    JsonNode claims = verified(members.get("claims.jwt"));
    for (String member : List.of("iss", "sub", "wascap_revision")) {
      assertEquals(expected.get(member), claims.get(member));
    }
    for (String member : List.of("name", "vendor", "rev", "ver")) {
      assertEquals(wascap.get(member), claims.get("wascap").get(member));
    }
    JsonNode hashes = claims.get("wascap").get("target_hashes");
    assertEquals(1, hashes.size());
    assertEquals(wascap.get("target_hashes").get("x86_64-linux"), hashes.get("x86_64-linux"));
    assertFalse(Files.exists(folder.resolve("none")), "keys were made that nobody needs");
    assertEquals("rw-r--r--", mode(out), "hosts run as other users");
  }

  private static String mode(Path file) throws IOException {
    return PosixFilePermissions.toString(Files.getPosixFilePermissions(file));
  }

  @Test
  void keysAreMadeOnceAndKeptForUsAlone() throws Exception {
    Map<String, String> home = Map.of("XDG_CONFIG_HOME", folder.toString());
    Path keys = folder.resolve("nats-kvcache").resolve("keys");
    Path plain = folder.resolve("a.par");
    List<String> first = written(par(home, "--out", plain.toString()));
    List<String> made = first.stream().filter(line -> line.startsWith("made-key=")).toList();
    assertEquals(
        List.of("made-key=" + keys.resolve("issuer.nk"), "made-key=" + keys.resolve("subject.nk")),
        made);
    for (String name : List.of("issuer.nk", "subject.nk")) {
      assertEquals("rw-------", mode(keys.resolve(name)));
    }
    assertEquals("rwx------", mode(keys));
    List<String> second =
        written(par(home, "--out", out.toString(), "--binary", issuer.toString()));
    assertEquals(3, second.size(), second::toString);
    assertEquals(first.subList(3, 5), second.subList(1, 3), "the same issuer and provider key");
    byte[] executable = Files.readAllBytes(ProviderProcess.executable().toPath());
    Map<String, byte[]> members = members(plain);
    String target =
        members.keySet().stream().filter(name -> name.endsWith(".bin")).findFirst().orElseThrow();
    assertArrayEquals(executable, members.get(target), "it packs itself");
    JsonNode hashes = verified(members.get("claims.jwt")).get("wascap").get("target_hashes");
    assertEquals(
        HexFormat.of()
            .withUpperCase()
            .formatHex(MessageDigest.getInstance("SHA-256").digest(executable)),
        hashes.get(target.replace(".bin", "")).textValue());
  }

  /** One line on stderr, exit code 1, the former archive untouched, nothing left behind. */
  @Test
  void failuresLeaveWhatWasThere() throws Exception {
    Files.writeString(out, "a former archive");
    Path empty = Files.createDirectory(folder.resolve("folder"));
    Path bad = Files.writeString(folder.resolve("bad.nk"), "SAs3cret");
    List<String> before = entries();
    String missing = folder.resolve("missing").toString();
    String[][] failures = {
      {"--issuer-seed-file", bad.toString(), "bad.nk: it does not hold a seed SA..."},
      {"--issuer-seed-file", subject.toString(), "subject.nk: it does not hold a seed SA..."},
      {"--subject-seed-file", issuer.toString(), "issuer.nk: it does not hold a seed SV..."},
      {"--subject-seed-file", empty.toString(), "folder: it does not hold a seed SV..."},
      {"--subject-seed-file", missing, "there is no " + missing},
      {"--binary", missing, "there is no " + missing},
      {"--out", empty.toString(), empty + ": is a folder"},
      {"--out", missing + "/a.par", "there is no " + missing},
      {"--out", "/sys/a.par", "access to /sys is denied"},
      {"--keys", bad.toString(), "bad.nk"},
    };
    for (String[] failure : failures) {
      var options = new HashMap<String, String>();
      options.put("--out", out.toString());
      options.put("--issuer-seed-file", issuer.toString());
      options.put("--subject-seed-file", subject.toString());
      options.put("--binary", issuer.toString());
      options.put(failure[0], failure[1]);
      if (failure[0].equals("--keys")) options.remove("--subject-seed-file");
      List<String> args = new ArrayList<>();
      options.forEach((name, value) -> args.addAll(List.of(name, value)));
      if (!options.containsKey("--keys")) args.addAll(List.of("--keys", missing));
      ProviderProcess process = par(Map.of(), args.toArray(String[]::new));
      assertEquals(1, process.awaitExit(), () -> List.of(failure) + " " + process.output());
      assertEquals(List.of(), process.output());
      assertEquals(1, process.log().size(), () -> process.log().toString());
      String line = process.log().getFirst();
      assertTrue(line.startsWith("nats-kvcache: ") && line.contains(failure[2]), line);
      assertFalse(line.contains("s3cret"), line);
      assertEquals("a former archive", Files.readString(out));
      assertEquals(before, entries());
    }
  }

  private List<String> entries() throws IOException {
    try (Stream<Path> all = Files.walk(folder)) {
      return all.map(Path::toString).sorted().toList();
    }
  }
}
