package org.natskvcache.cli;

/**
 * The jobs behind the command line; each one returns when it is over, with one of the {@link
 * ExitCode}s.
 */
public interface Commands {
  /** Serves as a host's child process; the host data is on stdin, one line. */
  int provider();

  /** Serves without a host until a stop signal. */
  int serve(ServeOptions options);

  /** Runs the prompt, or the script on stdin, on caches of its own. */
  int shell(ShellOptions options);

  /** Looks at all instances of caches, and tells whether they agree. */
  int doctor(DoctorOptions options);

  /** Writes a provider archive. */
  int par(ParOptions options);

  /** Prints a key of replication, or the inspection key of one. */
  int key(KeyOptions options);

  /** Runs the simulator. */
  int sim(SimOptions options);

  /** Measures a provider by calling it. */
  int bench(BenchOptions options);
}
