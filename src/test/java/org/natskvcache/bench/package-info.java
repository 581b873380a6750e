/**
 * Measurements, run by hand and never by the tests; each prints its method with its numbers.
 *
 * <pre>
 *   mvn -q -DskipTests package exec:exec -Dbench=DoorBench
 *   mvn -q -DskipTests package exec:exec -Dbench=LagBench
 *   mvn -q -DskipTests package exec:exec -Dbench=StepBench
 *   mvn -q -DskipTests package exec:exec -Dbench=JoinBench
 *   mvn -q -DskipTests package exec:exec -Dbench=CrowdBench
 * </pre>
 */
package org.natskvcache.bench;
