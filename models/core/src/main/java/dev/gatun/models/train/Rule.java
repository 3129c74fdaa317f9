package dev.gatun.models.train;

import dev.gatun.bindings.kernels.MatrixKernels;
import dev.gatun.bindings.kernels.NativeBuffer;
import dev.gatun.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** How a node of a graph is computed and what becomes of its result's gradient. Made for one batch size; allocates nothing when run. */
interface Rule {
    /**
     * The result from the operands.
     *
     * @param training whether a step follows: of a batch norm, whether the batch is measured
     */
    void forward(boolean training);

    /** The operands' and parameters' gradients from the result's, added to what is there. */
    void backward();

    static void set(MemorySegment x, long i, float value) {
        x.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
    }

    /** A matrix as the second factor of a product: element (p, j) is {@code segment[p * kStride + j * nStride]}. */
    record Factor(MemorySegment segment, long kStride, long nStride) {
    }

    /** c[m, n] = a[m, k] b + bias, or added to c; b is packed each time, for it changes. */
    static Runnable product(Arena arena, MemorySegment a, Factor b, MemorySegment bias, MemorySegment c, boolean add, long m, long n,
            long k) {
        Packed packed = new Packed(arena, b, k, n);
        Runnable multiply = packed.product(arena, a, bias, c, add, m);
        return () -> {
            packed.pack();
            multiply.run();
        };
    }

    /** A second factor [k, n] that several products share; packed on request. */
    final class Packed {
        private final Factor factor;
        private final long k;
        private final long n;
        private final MemorySegment panels;

        Packed(Arena arena, Factor factor, long k, long n) {
            this.factor = factor;
            this.k = k;
            this.n = n;
            this.panels = NativeBuffer.allocate(arena, MatrixKernels.panelFloats(k, n) * Float.BYTES).segment();
        }

        void pack() {
            MatrixKernels.pack(factor.segment, k, n, factor.kStride, factor.nStride, panels);
        }

        /** c[m, n] = a[m, k] b + bias, or added to c. */
        Runnable product(Arena arena, MemorySegment a, MemorySegment bias, MemorySegment c, boolean add, long m) {
            return MatrixKernels.gemm(arena, a, new MatrixKernels.Panels(panels, false), bias, add ? c : null, c, m, n, k, 0);
        }
    }

    /** How many sequences there are in so many rows; refuses offsets that decrease or lead outside. */
    static int sequences(String layer, Tensor sequences, long rows) {
        int count = sequences.getInt(0);
        if (count < 0 || count > sequences.shape().elementCount() - 2) {
            throw new IllegalArgumentException(layer + ": " + count + " sequences, expected 0 to "
                    + (sequences.shape().elementCount() - 2));
        }
        for (int s = 0; s <= count; s++) {
            int from = s == 0 ? 0 : sequences.getInt(s);
            int to = sequences.getInt(s + 1);
            if (to < from || to > rows || s == 0 && to != 0) {
                throw new IllegalArgumentException(layer + ": offset " + s + " of the sequences is " + to + ", expected "
                        + (s == 0 ? "0" : from + " to " + rows));
            }
        }
        return count;
    }

    /** Off-heap floats, zero at first. */
    static MemorySegment floats(Arena arena, long count) {
        return NativeBuffer.allocate(arena, count * Float.BYTES).segment();
    }
}
