package dev.gatun.models.onnx;

import dev.gatun.tensor.Shape;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;

/** Walks over the elements of several tensors at once, each with its own strides: broadcasting, slicing, transposing, reducing. */
final class Walk {
    private Walk() {
    }

    /** A run of {@code count} steps from these offsets, in elements. */
    @FunctionalInterface
    interface Row {
        void at(long[] offsets, long[] steps, long count);
    }

    /**
     * Calls {@code row} for all elements of {@code dims}, in order. Dimensions that lie side by side in all operands are joined first.
     *
     * @param strides of each operand in elements, as many as dims
     * @param starts  first element of each operand
     */
    static void rows(long[] dims, long[][] strides, long[] starts, Row row) {
        int operands = strides.length;
        long[] sizes = new long[dims.length];
        long[][] by = new long[operands][dims.length];
        int rank = 0;
        for (int d = 0; d < dims.length; d++) {
            if (dims[d] == 0) {
                return;
            }
            if (dims[d] == 1) {
                continue;
            }
            boolean joins = rank > 0;
            for (int k = 0; joins && k < operands; k++) {
                joins = by[k][rank - 1] == strides[k][d] * dims[d];
            }
            if (joins) {
                rank--;
                sizes[rank] *= dims[d];
            } else {
                sizes[rank] = dims[d];
            }
            for (int k = 0; k < operands; k++) {
                by[k][rank] = strides[k][d];
            }
            rank++;
        }
        long[] offsets = starts.clone();
        long[] steps = new long[operands];
        long count = 1;
        if (rank > 0) {
            count = sizes[--rank];
            for (int k = 0; k < operands; k++) {
                steps[k] = by[k][rank];
            }
        }
        long[] index = new long[rank];
        long[] at = new long[operands];
        while (true) {
            System.arraycopy(offsets, 0, at, 0, operands);
            row.at(at, steps, count);
            int d = rank - 1;
            for (; d >= 0; d--) {
                for (int k = 0; k < operands; k++) {
                    offsets[k] += by[k][d];
                }
                if (++index[d] < sizes[d]) {
                    break;
                }
                for (int k = 0; k < operands; k++) {
                    offsets[k] -= by[k][d] * sizes[d];
                }
                index[d] = 0;
            }
            if (d < 0) {
                return;
            }
        }
    }

    /** numpy's rule for several shapes. */
    static long[] broadcast(long[]... shapes) {
        int rank = Arrays.stream(shapes).mapToInt(s -> s.length).max().orElse(0);
        long[] dims = new long[rank];
        Arrays.fill(dims, 1);
        for (long[] shape : shapes) {
            for (int i = 0; i < shape.length; i++) {
                int d = rank - shape.length + i;
                if (shape[i] != 1) {
                    if (dims[d] != 1 && dims[d] != shape[i]) {
                        throw new IllegalArgumentException("shapes do not fit each other: " + Arrays.deepToString(shapes));
                    }
                    dims[d] = shape[i];
                }
            }
        }
        return dims;
    }

    /** Strides of a dense tensor that is repeated to {@code dims}: 0 where it is repeated. */
    static long[] strides(long[] shape, long[] dims) {
        if (shape.length > dims.length) {
            throw new IllegalArgumentException(Arrays.toString(shape) + " cannot be repeated to " + Arrays.toString(dims));
        }
        long[] own = Shape.of(shape).rowMajorStrides();
        long[] strides = new long[dims.length];
        int before = dims.length - shape.length;
        for (int i = 0; i < shape.length; i++) {
            if (shape[i] != 1 && shape[i] != dims[before + i]) {
                throw new IllegalArgumentException(Arrays.toString(shape) + " cannot be repeated to " + Arrays.toString(dims));
            }
            strides[before + i] = shape[i] == 1 ? 0 : own[i];
        }
        return strides;
    }

    static long[] dense(long[] dims) {
        return Shape.of(dims).rowMajorStrides();
    }

    /** Copies elements of any type between two layouts of the same dims. */
    static void copy(OnnxTensor to, long toStart, long[] toStrides, OnnxTensor from, long fromStart, long[] fromStrides, long[] dims) {
        MemorySegment src = from.segment();
        MemorySegment dst = to.segment();
        int size = to.type().byteSize();
        rows(dims, new long[][] {toStrides, fromStrides}, new long[] {toStart, fromStart}, (at, step, n) -> {
            if (step[0] == 1 && step[1] == 1 || n == 1) {
                MemorySegment.copy(src, at[1] * size, dst, at[0] * size, n * size);
                return;
            }
            row(dst, at[0], step[0], src, at[1], step[1], n, size);
        });
    }

    private static void row(MemorySegment dst, long d, long dStep, MemorySegment src, long s, long sStep, long n, int size) {
        switch (size) {
            case 1 -> {
                for (long i = 0; i < n; i++) {
                    dst.set(ValueLayout.JAVA_BYTE, d + i * dStep, src.get(ValueLayout.JAVA_BYTE, s + i * sStep));
                }
            }
            case 2 -> {
                for (long i = 0; i < n; i++) {
                    dst.setAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, d + i * dStep,
                            src.getAtIndex(ValueLayout.JAVA_SHORT_UNALIGNED, s + i * sStep));
                }
            }
            case 4 -> {
                for (long i = 0; i < n; i++) {
                    dst.setAtIndex(ValueLayout.JAVA_INT_UNALIGNED, d + i * dStep,
                            src.getAtIndex(ValueLayout.JAVA_INT_UNALIGNED, s + i * sStep));
                }
            }
            case 8 -> {
                for (long i = 0; i < n; i++) {
                    dst.setAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, d + i * dStep,
                            src.getAtIndex(ValueLayout.JAVA_LONG_UNALIGNED, s + i * sStep));
                }
            }
            default -> {
                for (long i = 0; i < n; i++) {
                    MemorySegment.copy(src, (s + i * sStep) * size, dst, (d + i * dStep) * size, size);
                }
            }
        }
    }

    /** Position of element i of dims, as an index for each dimension. */
    static void unravel(long i, long[] dims, long[] index) {
        for (int d = dims.length - 1; d >= 0; d--) {
            index[d] = i % dims[d];
            i /= dims[d];
        }
    }
}
