package org.natskvcache.provider;

/**
 * Host data we cannot start with. The message is one sentence for the operator, without any value.
 */
public final class HostDataException extends Exception {
  private static final long serialVersionUID = 1;

  public HostDataException(String sentence) {
    super(sentence);
  }
}
