package dev.gatun.models.checkpoint;

import dev.gatun.tensor.Shape;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Set;

/** Named tensors of one checkpoint. The memory is mapped: it belongs to the arena that the source was opened in. */
public interface WeightSource {

    /** Names of all tensors. */
    Set<String> names();

    /**
     * What the file says of a tensor, and its bytes.
     *
     * @param type  the file's own name of the element type, as {@code F32} or {@code BF16}
     * @param shape dimensions
     * @param bytes row-major elements, little-endian, perhaps unaligned
     */
    record Entry(String type, Shape shape, MemorySegment bytes) {
    }

    /**
     * A tensor as it is in the file.
     *
     * @throws WeightException if there is none of this name
     */
    Entry entry(String name);

    /** Whether the weight of a linear layer is [in, out] rather than PyTorch's [out, in]. */
    default boolean inOut(String name) {
        return false;
    }

    /** The file that a tensor is in, for messages. */
    Path file(String name);

    /**
     * A tensor as F32: a view of the file's memory where it is aligned F32, otherwise converted into memory of
     * the source's arena.
     *
     * @throws WeightException if there is none, or its type cannot be widened to F32
     */
    Tensor floats(String name);
}
