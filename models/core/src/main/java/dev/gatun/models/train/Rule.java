package dev.gatun.models.train;

import dev.gatun.bindings.kernels.MatrixKernels;
import dev.gatun.bindings.kernels.NativeBuffer;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** How a node of a graph is computed and what becomes of its result's gradient. Made for one batch size; allocates nothing when run. */
interface Rule {
    /** The result from the operands. */
    void forward();

    /** The operands' and parameters' gradients from the result's, added to what is there. */
    void backward();

    static float at(MemorySegment x, long i) {
        return x.getAtIndex(ValueLayout.JAVA_FLOAT, i);
    }

    static void set(MemorySegment x, long i, float value) {
        x.setAtIndex(ValueLayout.JAVA_FLOAT, i, value);
    }

    static void add(MemorySegment x, long i, float value) {
        set(x, i, at(x, i) + value);
    }

    /** The sum of the squares. */
    static double squares(MemorySegment x) {
        double sum = 0;
        long count = x.byteSize() / Float.BYTES;
        for (long i = 0; i < count; i++) {
            sum += (double) at(x, i) * at(x, i);
        }
        return sum;
    }

    /** Multiplies all elements. */
    static void scale(MemorySegment x, float factor) {
        long count = x.byteSize() / Float.BYTES;
        for (long i = 0; i < count; i++) {
            set(x, i, at(x, i) * factor);
        }
    }

    /** to[n, m] = from[m, n]. */
    static void transpose(MemorySegment from, long m, long n, MemorySegment to) {
        for (long i = 0; i < m; i++) {
            for (long j = 0; j < n; j++) {
                set(to, j * m + i, at(from, i * n + j));
            }
        }
    }

    /** A matrix as the second factor of a product: element (p, j) is {@code segment[p * kStride + j * nStride]}. */
    record Factor(MemorySegment segment, long kStride, long nStride) {
    }

    /** c[m, n] = a[m, k] b + bias, or added to c; b is packed each time, for it changes. */
    static Runnable product(Arena arena, MemorySegment a, Factor b, MemorySegment bias, MemorySegment c, boolean add, long m, long n,
            long k) {
        MemorySegment packed = NativeBuffer.allocate(arena, MatrixKernels.panelFloats(k, n) * Float.BYTES).segment();
        Runnable gemm = MatrixKernels.gemm(arena, a, new MatrixKernels.Panels(packed, false), bias, add ? c : null, c, m, n, k, 0);
        return () -> {
            MatrixKernels.pack(b.segment, k, n, b.kStride, b.nStride, packed);
            gemm.run();
        };
    }

    /** Off-heap floats, zero at first. */
    static MemorySegment floats(Arena arena, long count) {
        return NativeBuffer.allocate(arena, count * Float.BYTES).segment();
    }
}
