package org.natskvcache.cli;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What {@code par} is to write.
 *
 * @param out the archive; compressed when its name ends in {@code .gz}
 * @param binary the executable to pack; null is the one that runs
 * @param target what it runs on, such as {@code x86_64-linux}
 * @param issuerSeedFile the account key that signs; null is a kept one
 * @param subjectSeedFile the provider's key; null is a kept one
 * @param keyFolder where keys are kept that are not given
 * @param revision from 0
 */
public record ParOptions(
    Path out,
    @Nullable Path binary,
    String target,
    @Nullable Path issuerSeedFile,
    @Nullable Path subjectSeedFile,
    Path keyFolder,
    String name,
    String vendor,
    int revision) {}
