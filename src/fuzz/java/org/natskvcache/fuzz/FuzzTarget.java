package org.natskvcache.fuzz;

import java.util.List;

/** One decoder under any bytes. */
public interface FuzzTarget {
  /**
   * Decodes the input, and checks what must hold of the result. Refusing it the declared way is
   * fine; everything thrown from here is a finding.
   */
  void run(byte[] input) throws Exception;

  /** Inputs to start from, made of the golden vectors. */
  List<byte[]> seeds();
}
