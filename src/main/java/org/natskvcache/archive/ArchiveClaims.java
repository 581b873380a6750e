package org.natskvcache.archive;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Map;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.SigningKey;

/**
 * What an archive says about itself, signed by whoever issues it: a JWT as wasmCloud's {@code
 * wascap} writes them.
 *
 * @param id a text no other claims have
 * @param issuedAtSeconds since 1970
 * @param subject public key of the provider, {@code V...}
 * @param name for people
 * @param vendor for people
 * @param revision from 0, greater for what is newer
 * @param version for people
 * @param targetHashes of each executable: target, such as {@code x86_64-linux}, to SHA-256 in
 *     upper-case hexadecimal
 */
public record ArchiveClaims(
    String id,
    long issuedAtSeconds,
    Nkey subject,
    String name,
    String vendor,
    int revision,
    String version,
    Map<String, String> targetHashes) {
  private static final String HEADER = "{\"typ\":\"jwt\",\"alg\":\"Ed25519\"}";

  /** What hosts 0.x call the capability; they refuse an archive that does not say it. */
  private static final String CONTRACT = "wasmcloud:keyvalue";

  private static final int WASCAP_REVISION = 3;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The signed claims. */
  public String jwt(SigningKey issuer) {
    ObjectNode claims =
        JSON.createObjectNode()
            .put("jti", id)
            .put("iat", issuedAtSeconds)
            .put("iss", issuer.publicKey().text())
            .put("sub", subject.text());
    ObjectNode wascap =
        claims
            .putObject("wascap")
            .put("name", name)
            .put("capid", CONTRACT)
            .put("vendor", vendor)
            .put("rev", revision)
            .put("ver", version);
    ObjectNode hashes = wascap.putObject("target_hashes");
    targetHashes.forEach(hashes::put);
    claims.put("wascap_revision", WASCAP_REVISION);
    String signed = base64(utf8(HEADER)) + "." + base64(utf8(claims.toString()));
    return signed + "." + base64(issuer.sign(utf8(signed)));
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
