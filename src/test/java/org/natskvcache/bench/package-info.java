/**
 * Measurements, run by hand and never by the tests; each prints its method with its numbers.
 *
 * <pre>
 *   mvn -q -DskipTests package exec:exec -Dbench=DoorBench
 *   mvn -q -DskipTests package exec:exec -Dbench=LagBench
 *   mvn -q test-compile exec:exec -Dbench=MemoryBench
 * </pre>
 */
package org.natskvcache.bench;
