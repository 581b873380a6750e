package org.natskvcache.nats;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.EdECPrivateKey;
import java.security.interfaces.EdECPublicKey;
import java.util.Base64;

/**
 * A NATS identity made for a test: an Ed25519 key pair with its text forms, able to sign the JWTs
 * of those below it. Written apart from the production code, so that each checks the other.
 */
public final class TestNkeys {
  private static final String BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

  private final int prefix;
  private final KeyPair pair;

  private TestNkeys(int prefix, KeyPair pair) {
    this.prefix = prefix;
    this.pair = pair;
  }

  public static TestNkeys operator() {
    return of(14);
  }

  public static TestNkeys account() {
    return of(0);
  }

  public static TestNkeys user() {
    return of(20);
  }

  private static TestNkeys of(int letter) {
    try {
      return new TestNkeys(letter << 3, KeyPairGenerator.getInstance("Ed25519").generateKeyPair());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  public String publicKey() {
    var point = ((EdECPublicKey) pair.getPublic()).getPoint();
    byte[] y = new byte[33];
    BigInteger number = point.isXOdd() ? point.getY().setBit(255) : point.getY();
    byte[] big = number.toByteArray();
    y[0] = (byte) prefix;
    for (int i = 0; i < 32 && i < big.length; i++) {
      y[1 + i] = big[big.length - 1 - i];
    }
    return text(y);
  }

  public String seed() {
    byte[] raw = new byte[34];
    raw[0] = (byte) (18 << 3 | prefix >> 5);
    raw[1] = (byte) ((prefix & 31) << 3);
    System.arraycopy(((EdECPrivateKey) pair.getPrivate()).getBytes().orElseThrow(), 0, raw, 2, 32);
    return text(raw);
  }

  private String operatorJwt() {
    return jwt(publicKey(), "\"type\":\"operator\",\"version\":2");
  }

  /**
   * Makes a server, of which this is the operator, know one account: lines of its configuration.
   */
  public String serverConfig(TestNkeys account) {
    return "operator: %s\nresolver: MEMORY\nresolver_preload: { %s: %s }\n"
        .formatted(operatorJwt(), account.publicKey(), accountJwt(account));
  }

  private String accountJwt(TestNkeys account) {
    return jwt(
        account.publicKey(),
        "\"limits\":{\"subs\":-1,\"data\":-1,\"payload\":-1,\"imports\":-1,\"exports\":-1,"
            + "\"wildcards\":true,\"conn\":-1,\"leaf\":-1},\"type\":\"account\",\"version\":2");
  }

  public String userJwt(TestNkeys user) {
    return jwt(
        user.publicKey(),
        "\"pub\":{},\"sub\":{},\"subs\":-1,\"data\":-1,\"payload\":-1,\"type\":\"user\",\"version\":2");
  }

  /** What nsc writes for this user of an account. */
  public String creds(TestNkeys account) {
    return """
    -----BEGIN NATS USER JWT-----
    %s
    ------END NATS USER JWT------

    ************************* IMPORTANT *************************
    NKEY Seed printed below can be used to sign and prove identity.
    NKEYs are sensitive and should be treated as secrets.

    -----BEGIN USER NKEY SEED-----
    %s
    ------END USER NKEY SEED------

    *************************************************************
    """
        .formatted(account.userJwt(this), seed());
  }

  private String jwt(String subject, String nats) {
    String claims =
        "{\"jti\":\"test-%s\",\"iat\":1700000000,\"iss\":\"%s\",\"name\":\"test\",\"sub\":\"%s\",\"nats\":{%s}}"
            .formatted(subject, publicKey(), subject, nats);
    String signed = url("{\"typ\":\"JWT\",\"alg\":\"ed25519-nkey\"}") + "." + url(claims);
    try {
      Signature signature = Signature.getInstance("Ed25519");
      signature.initSign(pair.getPrivate());
      signature.update(signed.getBytes(StandardCharsets.US_ASCII));
      return signed
          + "."
          + Base64.getUrlEncoder().withoutPadding().encodeToString(signature.sign());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String url(String json) {
    return Base64.getUrlEncoder()
        .withoutPadding()
        .encodeToString(json.getBytes(StandardCharsets.UTF_8));
  }

  /** Base 32 of the bytes and their CRC-16, by big-number arithmetic. */
  static String text(byte[] bytes) {
    int crc = 0;
    for (byte b : bytes) {
      for (int bit = 7; bit >= 0; bit--) {
        boolean top = (crc >> 15 & 1) != (b >> bit & 1);
        crc = crc << 1 & 0xffff ^ (top ? 0x1021 : 0);
      }
    }
    int bits = (bytes.length + 2) * 8;
    BigInteger number =
        new BigInteger(1, bytes).shiftLeft(16).or(BigInteger.valueOf((crc & 0xff) << 8 | crc >> 8));
    int chars = (bits + 4) / 5;
    number = number.shiftLeft(chars * 5 - bits);
    var out = new StringBuilder();
    for (int i = chars - 1; i >= 0; i--) {
      out.append(BASE32.charAt(number.shiftRight(i * 5).intValue() & 31));
    }
    return out.toString();
  }
}
