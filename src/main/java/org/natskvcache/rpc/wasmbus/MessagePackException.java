package org.natskvcache.rpc.wasmbus;

/**
 * Bytes that are not the MessagePack value that is due. The message says what was wrong in words of
 * the format; it holds no part of the bytes. Without a stack trace, because anyone on the lattice
 * can cause it as often as they like.
 */
public final class MessagePackException extends Exception {
  private static final long serialVersionUID = 1;

  public MessagePackException(String message) {
    super(message, null, false, false);
  }
}
