package org.natskvcache.provider;

import org.natskvcache.rpc.MutationReplies;

/**
 * What each link sets for itself, whichever link was the first.
 *
 * @param mutationReplies what its mutations answer
 * @param watch of which keys its peer hears, where we call it
 */
public record LinkKeys(MutationReplies mutationReplies, WatchList watch) {}
