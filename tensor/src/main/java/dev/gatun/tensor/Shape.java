package dev.gatun.tensor;

import java.util.Arrays;

/** Dimensions of a tensor, slowest first. Immutable; each is 0 or more, and the product of those that are not 0 fits a long. */
public final class Shape {
    private final long[] dims;
    private final long elementCount;

    private Shape(long[] dims) {
        long count = 1;
        long room = 1;
        for (long d : dims) {
            if (d < 0) {
                throw new IllegalArgumentException("Shape: negative dimension in " + Arrays.toString(dims));
            }
            try {
                room = Math.multiplyExact(room, Math.max(1, d));
                count *= d;
            } catch (ArithmeticException e) {
                throw new IllegalArgumentException("Shape: too many elements in " + Arrays.toString(dims));
            }
        }
        this.dims = dims;
        this.elementCount = count;
    }

    /**
     * A shape of the given dimensions; none for a scalar.
     *
     * @throws IllegalArgumentException if one is negative or there are too many elements
     */
    public static Shape of(long... dims) {
        return new Shape(dims.clone());
    }

    /** Number of dimensions. */
    public int rank() {
        return dims.length;
    }

    /**
     * Dimension i; negative i counts from the last.
     *
     * @throws IndexOutOfBoundsException if there is none
     */
    public long dim(int i) {
        return dims[i < 0 ? dims.length + i : i];
    }

    /** All dimensions (a copy). */
    public long[] dims() {
        return dims.clone();
    }

    /** Product of the dimensions. */
    public long elementCount() {
        return elementCount;
    }

    /** Strides of a dense row-major layout, in elements. */
    public long[] rowMajorStrides() {
        long[] strides = new long[dims.length];
        long stride = 1;
        for (int i = dims.length - 1; i >= 0; i--) {
            strides[i] = stride;
            stride *= Math.max(1, dims[i]);
        }
        return strides;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Shape that && Arrays.equals(dims, that.dims);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(dims);
    }

    /** As {@code [8, 128, 768]}. */
    @Override
    public String toString() {
        return Arrays.toString(dims);
    }
}
