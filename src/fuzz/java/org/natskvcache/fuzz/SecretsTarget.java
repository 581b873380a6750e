package org.natskvcache.fuzz;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.natskvcache.rpc.Nkey;
import org.natskvcache.rpc.Xkey;
import org.natskvcache.rpc.wrpc.ControlCodec;
import org.natskvcache.rpc.wrpc.LinkSecrets;
import org.natskvcache.rpc.wrpc.MalformedMessageException;
import org.natskvcache.rpc.wrpc.WrpcVectors;
import org.natskvcache.store.Bytes;
import software.pando.crypto.nacl.CryptoBox;

/**
 * Sealed secrets of links. By the first byte the input is what was sent, what a host seals for us,
 * or the latter with its first byte added to one of the sealed ones.
 */
public final class SecretsTarget implements FuzzTarget {
  private static final int BYTES_PER_BYTE = 512;
  private static final String OUR_SEED = key(0, "seed");
  private static final Xkey OURS = Xkey.ofSeed(OUR_SEED).orElseThrow();
  private static final Nkey.Seed HOST_SEED = Nkey.parseSeed(key(1, "seed")).orElseThrow();
  private static final Nkey HOST = Nkey.parse(key(1, "public")).orElseThrow();
  private static final byte[] NONCE = new byte[24];

  private final LinkSecrets secrets = LinkSecrets.of(HOST.text(), OUR_SEED);

  private static String key(int index, String form) {
    return WrpcVectors.of("xkey").get("keys").get(index).get(form).textValue();
  }

  @Override
  public void run(byte[] input) throws Exception {
    byte[] rest = Input.rest(input);
    switch (Input.choice(input, 3)) {
      case 0 -> open(new Bytes(rest));
      case 1 -> {
        Bytes sealed = sealed(rest);
        Check.same(rest, OURS.open(HOST, sealed).orElseThrow().array(), "plain text");
        open(sealed);
      }
      default -> {
        if (rest.length < 2 || rest[0] == 0) return;
        byte[] sealed = sealed(rest).array();
        sealed[(rest[1] & 0xff) % sealed.length] += rest[0];
        Check.that(OURS.open(HOST, new Bytes(sealed)).isEmpty(), "what was changed is noticed");
      }
    }
  }

  private void open(Bytes sealed) throws Exception {
    try {
      Bounds.allocating(sealed.size(), BYTES_PER_BYTE, () -> secrets.open(sealed));
    } catch (MalformedMessageException refused) {
      return;
    }
    if (sealed.size() > 0) ControlCodec.secrets(OURS.open(HOST, sealed).orElseThrow());
  }

  private static Bytes sealed(byte[] plain) {
    var sealed = new ByteArrayOutputStream();
    sealed.writeBytes("xkv1".getBytes(StandardCharsets.US_ASCII));
    sealed.writeBytes(NONCE);
    try (CryptoBox box =
        CryptoBox.encrypt(
            CryptoBox.privateKey(HOST_SEED.seed().array()),
            CryptoBox.publicKey(OURS.publicKey().key().array()),
            NONCE,
            plain)) {
      sealed.writeBytes(box.getCiphertextWithTag());
    }
    return new Bytes(sealed.toByteArray());
  }

  @Override
  public List<byte[]> seeds() {
    List<byte[]> seeds = new ArrayList<>();
    for (var message : WrpcVectors.of("xkey").get("messages")) {
      byte[] sealed = HexFormat.of().parseHex(message.get("sealed_hex").textValue());
      byte[] plain = message.get("plaintext_utf8").textValue().getBytes(StandardCharsets.UTF_8);
      seeds.add(Input.of(0, sealed));
      seeds.add(Input.of(1, plain));
      seeds.add(Input.of(2, plain));
    }
    return seeds;
  }
}
