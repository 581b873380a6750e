package org.natskvcache.nats;

import org.natskvcache.rpc.wasmbus.StoredObject;

/** A large body could not be fetched, so nothing was carried out, or a result not be left. */
final class BodyStoreException extends Exception {
  private static final long serialVersionUID = 1;

  /** What went wrong. */
  enum Kind {
    /** Nobody answers, or we are not connected. */
    UNAVAILABLE("no JetStream answers on the lattice, and bodies over 900 KiB need it"),
    /** Nobody has made the bucket yet, so nobody has left a body in it. */
    NO_BUCKET("the lattice has no object store"),
    /** The caller left nothing under the invocation's id, or it is deleted. */
    NO_OBJECT("the object store does not hold the body"),
    /** What the store holds is not what its description or the invocation says. */
    DAMAGED("the body in the object store is damaged or not of the announced length"),
    TOO_LARGE("bodies over " + StoredObject.BODY_BYTES_MAX + " bytes are not supported"),
    /** The store has no room, or does not do what we ask for another reason. */
    REFUSED("the object store refused the body"),
    /** It took longer than callers wait. */
    TIMEOUT("the object store did not answer in time"),
    STOPPING("the provider is stopping"),
    /** An exception or error that nobody foresaw. */
    INTERNAL("internal error");

    private final String text;

    Kind(String text) {
      this.text = text;
    }

    /** For the caller and the log; the same for every body. */
    String text() {
      return text;
    }
  }

  private final Kind kind;

  BodyStoreException(Kind kind) {
    super(kind.text());
    this.kind = kind;
  }

  Kind kind() {
    return kind;
  }
}
