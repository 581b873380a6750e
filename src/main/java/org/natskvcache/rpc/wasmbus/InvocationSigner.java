package org.natskvcache.rpc.wasmbus;

import java.nio.charset.StandardCharsets;
import java.util.Base64;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.SigningKey;
import org.natskvcache.store.Bytes;

/**
 * A host's part of a call: signs invocations of one actor, and encodes them. May be used by several
 * threads.
 */
public final class InvocationSigner {
  private static final String CONTRACT = "wasmcloud:keyvalue";
  private static final String HEADER = base64(utf8("{\"typ\":\"jwt\",\"alg\":\"Ed25519\"}"));

  private final SigningKey cluster;
  private final Entity origin;
  private final Entity target;

  /**
   * Signs for one actor, whose key is the cluster's under another letter.
   *
   * @param cluster signs the claims
   * @param providerKey who is called, {@code V...}
   */
  public InvocationSigner(SigningKey cluster, String providerKey, String linkName) {
    this.cluster = cluster;
    origin = new Entity(actor(cluster), "", "");
    target = new Entity(providerKey, linkName, CONTRACT);
  }

  /** The actor of a cluster key. */
  public static String actor(SigningKey cluster) {
    return new Nkey(Nkey.Role.MODULE, cluster.publicKey().key()).text();
  }

  /**
   * A signed invocation as bytes.
   *
   * @param argument encoded
   */
  public byte[] sign(Operation operation, byte[] argument, String id) {
    String issuer = cluster.publicKey().text();
    String name = operation.wireName();
    var unsigned =
        new Invocation(origin, target, name, new Bytes(argument), id, "", issuer, argument.length);
    String claims =
        "{\"jti\":\""
            + id
            + "\",\"iat\":0,\"iss\":\""
            + issuer
            + "\",\"sub\":\""
            + id
            + "\",\"wascap\":{\"target_url\":\""
            + target.url(name)
            + "\",\"origin_url\":\""
            + origin.url()
            + "\",\"hash\":\""
            + unsigned.hash()
            + "\"},\"wascap_revision\":3}";
    String signed = HEADER + "." + base64(utf8(claims));
    String token = signed + "." + base64(cluster.sign(utf8(signed)));
    return new Invocation(origin, target, name, unsigned.msg(), id, token, issuer, argument.length)
        .encode();
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }
}
