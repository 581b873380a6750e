package org.natskvcache.nats;

import org.natskvcache.rpc.wasmbus.StoredObject;

/** A large body could not be fetched or left; the caller is told, and nothing was carried out. */
final class BodyStoreException extends Exception {
  private static final long serialVersionUID = 1;

  /** What went wrong. */
  enum Kind {
    /** No JetStream answers on the lattice connection, or it does not let us. */
    UNAVAILABLE("the lattice has no JetStream, which bodies over 900 KiB need"),
    /** Nobody has made the bucket yet, so nobody has left a body in it. */
    NO_BUCKET("the lattice has no object store"),
    /** The caller left nothing under the invocation's id, or it is deleted. */
    NO_OBJECT("the object store does not hold the body"),
    /** What the store holds is not what its description or the invocation says. */
    DAMAGED("the body in the object store is damaged or not of the announced length"),
    TOO_LARGE("bodies over " + StoredObject.BODY_BYTES_MAX + " bytes are not supported"),
    /** The store has no room, or refuses for another reason. */
    REFUSED("the object store refused the body"),
    /** It took longer than callers wait. */
    TIMEOUT("the object store did not answer in time"),
    STOPPING("the provider is stopping");

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
