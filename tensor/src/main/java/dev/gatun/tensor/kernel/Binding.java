package dev.gatun.tensor.kernel;

import dev.gatun.bindings.onednn.Stream;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * The memory of one operation in one execution context.
 *
 * @param arena      the context's: owns native handles and argument arrays
 * @param stream     the context's
 * @param inputs     views of the inputs
 * @param results    views of the results
 * @param scratchpad at least {@link CompiledOp#scratchpadByteSize()} bytes, shared with the other operations
 */
public record Binding(Arena arena, Stream stream, List<Tensor> inputs, List<Tensor> results, MemorySegment scratchpad) {
    /** Copies the lists. */
    public Binding {
        inputs = List.copyOf(inputs);
        results = List.copyOf(results);
    }

    /** Memory of this operation alone, which only it sees: what a kernel follows is checked on the way into it. */
    MemorySegment own(long byteSize) {
        return arena.allocate(Math.max(byteSize, Integer.BYTES), Tensor.ALIGNMENT);
    }

    /** View of the first result. */
    public Tensor dst() {
        return results.getFirst();
    }
}
