package org.natskvcache.wrpc;

/**
 * Carries a function out.
 *
 * @param <P> what its parameters came to
 */
@FunctionalInterface
public interface Handler<P> {
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
