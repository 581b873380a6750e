package org.natskvcache.wrpc;

/**
 * Carries a function out.
 *
 * @param <P> what its parameters came to
 */
@FunctionalInterface
public interface Handler<P> {
  /** What becomes of a call. */
  enum Admission {
    /** It gets a handshake, and {@link #handle} its params. */
    ADMIT,
    /**
     * It gets an empty message without a reply subject where it awaits the handshake, so that a
     * host fails it at once. Nothing is kept of it.
     */
    REFUSE,
    /** It is dropped without a word. */
    IGNORE
  }

  /**
   * Decides about a call before anything is kept or sent for it. On the thread that receives all
   * calls.
   */
  default Admission admit(Call call) {
    return Admission.ADMIT;
  }

  /**
   * Runs on the thread that receives all calls, so it must not wait: answer through {@code call},
   * now or later, on any thread.
   */
  void handle(Call call, P params);

  /**
   * Calls that came {@link Call#together} have been handled, and their answers are about to leave.
   * On the thread that handled them.
   */
  default void handledTogether() {}
}
