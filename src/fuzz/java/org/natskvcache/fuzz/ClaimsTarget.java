package org.natskvcache.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.SigningKey;
import org.natskvcache.rpc.wasmbus.Invocation;
import org.natskvcache.rpc.wasmbus.InvocationChecks;
import org.natskvcache.rpc.wasmbus.Refusal;
import org.natskvcache.rpc.wasmbus.SigningCaller;
import org.natskvcache.rpc.wasmbus.Vectors;

/**
 * The token of an invocation. By the first byte the input is the whole token, its payload (signed
 * by a key of the cluster, so that what is behind the signature is reached), its header (signed
 * too), or a payload whose signature is that of another one.
 */
public final class ClaimsTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 256;
  private static final long NOW_SECONDS = 1_700_000_000;
  private static final String HEADER = "{\"typ\":\"jwt\",\"alg\":\"Ed25519\"}";

  private final SigningKey cluster =
      new SigningKey(Nkey.parseSeed(Vectors.key("cluster_seed")).orElseThrow());
  private final InvocationChecks checks =
      new InvocationChecks(Set.of(Vectors.key("cluster_public")), Vectors.key("provider_public"));
  private final Invocation call =
      SigningCaller.ofFixture().signed("KeyValue.Get", SigningCaller.text("key"));
  private final String payload = SigningCaller.ofFixture().payload(call, "");

  @Override
  public void run(byte[] input) throws Exception {
    byte[] rest = Input.rest(input);
    switch (Input.choice(input, 4)) {
      case 0 -> refusal(new String(rest, StandardCharsets.UTF_8));
      case 1 -> refusal(token(utf8(HEADER), rest, rest));
      case 2 -> refusal(token(rest, utf8(payload), utf8(payload)));
      default -> {
        Refusal refusal = refusal(token(utf8(HEADER), rest, Input.of(0, rest)));
        Check.that(refusal != null, "a signature of something else holds");
      }
    }
  }

  private Refusal refusal(String token) throws Exception {
    Invocation claimed = SigningCaller.withClaims(call, token);
    return Bounds.allocating(
        token.length(), BYTES_PER_BYTE, () -> checks.refusal(claimed, NOW_SECONDS, true));
  }

  private String token(byte[] header, byte[] claims, byte[] signedClaims) {
    String signature = base64(cluster.sign(utf8(base64(header) + '.' + base64(signedClaims))));
    return base64(header) + '.' + base64(claims) + '.' + signature;
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    seeds.add(Input.of(0, utf8(call.encodedClaims())));
    for (String more : List.of("", "\"exp\":1,", "\"nbf\":9999999999,\"exp\":null,")) {
      seeds.add(Input.of(1, utf8(SigningCaller.ofFixture().payload(call, more))));
    }
    seeds.add(Input.of(2, utf8(HEADER)));
    seeds.add(Input.of(3, utf8(payload)));
    return seeds;
  }
}
