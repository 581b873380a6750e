/**
 * Coverage-guided fuzzing of everything that reads bytes of others. {@link
 * org.natskvcache.fuzz.Targets} lists what is fuzzed; {@link org.natskvcache.fuzz.FuzzRun} runs it
 * under Jazzer; {@code CorpusTest} replays the inputs that were kept, in every test run and without
 * Jazzer. How to run it and what it found: {@code docs/fuzzing.md}.
 *
 * <p>A target sits in the package of what it fuzzes where it needs to see inside.
 */
package org.natskvcache.fuzz;
