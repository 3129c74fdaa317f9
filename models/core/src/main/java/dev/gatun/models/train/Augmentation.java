package dev.gatun.models.train;

import java.lang.foreign.MemorySegment;

/** Another look of an example, each time it is learnt from. */
@FunctionalInterface
public interface Augmentation {
    /** Examples as they are. */
    Augmentation NONE = (all, from, batch, to, byteSize, seed) -> MemorySegment.copy(all, from, batch, to, byteSize);

    /**
     * Copies an example; allocates nothing.
     *
     * @param from     offset of the example in bytes
     * @param to       offset in the batch
     * @param byteSize of an example
     * @param seed     the same for the same example in the same epoch: the look depends on nothing else
     */
    void copy(MemorySegment all, long from, MemorySegment batch, long to, long byteSize, long seed);
}
