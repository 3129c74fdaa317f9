package dev.gatun.bindings.kernels;

import dev.gatun.bindings.kernels.gen.GatunC;
import java.lang.foreign.MemorySegment;

/** What training makes small, over dense F32. Formulas are in {@code native/include/gatun.h}; calls allocate nothing. */
public final class LossKernels {
    private LossKernels() {
    }

    /**
     * Which rows and classes count how much.
     *
     * @param weights of the classes, F32, or null
     * @param ignored a label that does not count
     */
    public record Counting(MemorySegment weights, double smoothing, int ignored) {
    }

    /** Cross-entropy, times scale, of logits x [rows, classes] and labels S32 [rows], which were checked; the gradient is overwritten. */
    public static double crossEntropy(MemorySegment x, MemorySegment labels, Counting counting, MemorySegment gradient, long rows,
            long classes, double scale) {
        Kernels.load();
        return GatunC.gatun_cross_entropy(x, labels, Kernels.orNull(counting.weights), gradient, rows, classes, counting.smoothing, scale,
                counting.ignored);
    }

    /** The sum of squared differences of so many elements, times scale; the gradient is overwritten. */
    public static double squaredError(MemorySegment x, MemorySegment target, MemorySegment gradient, long count, double scale) {
        Kernels.load();
        return GatunC.gatun_squared_error(x, target, gradient, count, scale);
    }
}
