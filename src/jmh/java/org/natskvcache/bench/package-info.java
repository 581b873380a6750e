/** What runs the microbenchmarks of the core; they lie in the packages they measure. */
package org.natskvcache.bench;
