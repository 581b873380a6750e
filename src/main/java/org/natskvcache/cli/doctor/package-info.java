/**
 * What {@code nats-kvcache doctor} prints: {@link org.natskvcache.node.Diagnosis} in, text for a
 * person or JSON for a program out. Knows no network; keys are escaped, values never seen.
 */
@org.jspecify.annotations.NullMarked
package org.natskvcache.cli.doctor;
