package org.natskvcache.archive;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.GZIPInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.SigningKey;
import org.natskvcache.rpc.wrpc.WrpcVectors;

class ProviderArchiveTest {
  private static final JsonNode PAR = WrpcVectors.of("par");

  @TempDir private Path folder;

  private static SigningKey key(String name) {
    return new SigningKey(Nkey.parseSeed(PAR.get(name).textValue()).orElseThrow());
  }

  @Test
  void claimsAreThoseOfTheVector() throws Exception {
    JsonNode claims = new ObjectMapper().readTree(PAR.get("claims_json").textValue());
    Map<String, String> hashes = new LinkedHashMap<>();
    PAR.get("target_hashes")
        .properties()
        .forEach(h -> hashes.put(h.getKey(), h.getValue().textValue()));
    SigningKey issuer = key("issuer_seed");
    assertEquals(PAR.get("issuer_public").textValue(), issuer.publicKey().text());
    JsonNode wascap = claims.get("wascap");
    var written =
        new ArchiveClaims(
            claims.get("jti").textValue(),
            claims.get("iat").longValue(),
            key("subject_seed").publicKey(),
            wascap.get("name").textValue(),
            wascap.get("vendor").textValue(),
            wascap.get("rev").intValue(),
            wascap.get("ver").textValue(),
            hashes);
    assertEquals(PAR.get("jwt").textValue(), written.jwt(issuer));
  }

  @ParameterizedTest
  @ValueSource(strings = {"a.par.gz", "a.par"})
  void archiveHoldsClaimsAndExecutable(String name) throws Exception {
    Path executable = Files.writeString(folder.resolve("exe"), PAR.get("binary_utf8").textValue());
    assertEquals(
        PAR.get("target_hashes").get("x86_64-linux").textValue(), ProviderArchive.hash(executable));
    Path out = folder.resolve(name);
    Files.writeString(out, "a former archive");
    ProviderArchive.write(out, "a.b.c", "x86_64-linux", executable);
    Map<String, byte[]> members = new LinkedHashMap<>();
    try (InputStream file = Files.newInputStream(out);
        var tar =
            new TarArchiveInputStream(name.endsWith(".gz") ? new GZIPInputStream(file) : file)) {
      for (var entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        members.put(entry.getName(), tar.readAllBytes());
      }
    }
    assertEquals(List.of("claims.jwt", "x86_64-linux.bin"), List.copyOf(members.keySet()));
    assertEquals("a.b.c", new String(members.get("claims.jwt"), StandardCharsets.US_ASCII));
    assertArrayEquals(Files.readAllBytes(executable), members.get("x86_64-linux.bin"));
  }

  @Test
  void failedWriteLeavesNothingAndWhatWasThere() throws Exception {
    Path out = folder.resolve("a.par");
    Files.writeString(out, "a former archive");
    assertThrows(
        IOException.class,
        () -> ProviderArchive.write(out, "a.b.c", "x86_64-linux", folder.resolve("missing")));
    assertEquals("a former archive", Files.readString(out));
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(out), files.toList());
    }
  }

  @Test
  void folderIsNotReplacedEvenAnEmptyOne() throws Exception {
    Path executable = Files.writeString(folder.resolve("exe"), "x");
    Path out = Files.createDirectory(folder.resolve("a.par"));
    assertThrows(
        IOException.class, () -> ProviderArchive.write(out, "a.b.c", "x86_64-linux", executable));
    assertTrue(Files.isDirectory(out));
    Path below = folder.resolve("missing").resolve("a.par");
    var e =
        assertThrows(
            NoSuchFileException.class,
            () -> ProviderArchive.write(below, "a.b.c", "x86_64-linux", executable));
    assertEquals(below.getParent().toString(), e.getFile());
  }

  @Test
  void seedIsReadForItsRoleOnly() throws Exception {
    String seed = PAR.get("issuer_seed").textValue();
    Path file = Files.writeString(folder.resolve("k.nk"), seed + "\n");
    assertEquals(
        PAR.get("issuer_public").textValue(),
        SeedFile.read(file, Nkey.Role.ACCOUNT).publicKey().text());
    var e = assertThrows(IOException.class, () -> SeedFile.read(file, Nkey.Role.SERVICE));
    assertEquals(file + ": it does not hold a seed SV...", e.getMessage());
    Files.writeString(file, seed.replace('A', 'B'));
    e = assertThrows(IOException.class, () -> SeedFile.read(file, Nkey.Role.ACCOUNT));
    assertFalse(e.getMessage().contains(seed.substring(4, 20)));
    Files.write(file, new byte[5_000]);
    assertThrows(IOException.class, () -> SeedFile.read(file, Nkey.Role.ACCOUNT));
    assertThrows(
        NoSuchFileException.class,
        () -> SeedFile.read(folder.resolve("missing"), Nkey.Role.ACCOUNT));
  }

  @Test
  void missingSeedIsMadeOnceForItsOwnerOnly() throws Exception {
    Path file = folder.resolve("new").resolve("k.nk");
    SigningKey made = SeedFile.readOrMake(file, Nkey.Role.SERVICE);
    assertTrue(made.publicKey().text().startsWith("V"));
    assertTrue(Files.readString(file).startsWith("SV"));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    assertEquals(
        "rwx------",
        PosixFilePermissions.toString(Files.getPosixFilePermissions(file.getParent())));
    assertEquals(made.publicKey(), SeedFile.readOrMake(file, Nkey.Role.SERVICE).publicKey());
    assertThrows(IOException.class, () -> SeedFile.readOrMake(file, Nkey.Role.ACCOUNT));
  }
}
