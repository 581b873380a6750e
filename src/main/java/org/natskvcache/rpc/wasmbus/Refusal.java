package org.natskvcache.rpc.wasmbus;

/**
 * Why an invocation was not carried out.
 *
 * @param check the first check that failed
 * @param text for the caller; holds no secret and no value
 */
public record Refusal(Check check, String text) {
  /** The checks in the order they are made. */
  public enum Check {
    /** The token is a JWT as wasmCloud writes them, and names an issuer and a subject. */
    CLAIMS_FORMAT,
    /** The token has not expired. */
    EXPIRED,
    /** The issuer signed the token. */
    SIGNATURE,
    /** The token is valid already. */
    NOT_BEFORE,
    /** The token covers this body, operation, origin and target. */
    HASH,
    /** The calling host's id has the shape of one. */
    HOST_ID,
    /** The token names this target and operation. */
    TARGET_URL,
    /** The token names this origin. */
    ORIGIN_URL,
    /** The issuer is one of our cluster. */
    ISSUER,
    /** The target is us. */
    TARGET,
    /** The origin is linked to us. */
    LINK
  }
}
