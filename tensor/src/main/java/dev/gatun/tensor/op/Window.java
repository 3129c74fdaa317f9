package dev.gatun.tensor.op;

import dev.gatun.bindings.onednn.PrimitiveDesc;
import java.util.Arrays;

/**
 * How a convolution's or a pooling's window moves over its input; one number for each spatial dimension, height first.
 *
 * @param strides      steps of the window, 1 or more
 * @param dilations    distance of neighbouring window elements, 1 for a dense window
 * @param paddingBegin elements before the first, 0 or more
 * @param paddingEnd   elements after the last; negative only where a transposed convolution is asked for more output
 */
public record Window(long[] strides, long[] dilations, long[] paddingBegin, long[] paddingEnd) {

    /** The largest step, padding or pooled size: nobody has pictures of more. */
    static final long MAX_SIZE = 1 << 24;

    /** Checks and copies. */
    public Window {
        int n = strides.length;
        if (n < 1 || n > 2 || dilations.length != n || paddingBegin.length != n || paddingEnd.length != n) {
            throw new IllegalArgumentException("a window has one or two spatial dimensions, and as many strides "
                    + Arrays.toString(strides) + " as dilations " + Arrays.toString(dilations) + " and paddings "
                    + Arrays.toString(paddingBegin) + ", " + Arrays.toString(paddingEnd));
        }
        for (int i = 0; i < n; i++) {
            if (strides[i] < 1 || dilations[i] < 1 || paddingBegin[i] < 0 || Math.max(strides[i], dilations[i]) > MAX_SIZE
                    || Math.max(paddingBegin[i], Math.abs(paddingEnd[i])) > MAX_SIZE) {
                throw new IllegalArgumentException("strides " + Arrays.toString(strides) + " and dilations "
                        + Arrays.toString(dilations) + " must be 1 or more, padding " + Arrays.toString(paddingBegin)
                        + " 0 or more; none of them, nor " + Arrays.toString(paddingEnd) + ", above " + MAX_SIZE);
            }
        }
        strides = strides.clone();
        dilations = dilations.clone();
        paddingBegin = paddingBegin.clone();
        paddingEnd = paddingEnd.clone();
    }

    @Override
    public long[] strides() {
        return strides.clone();
    }

    @Override
    public long[] dilations() {
        return dilations.clone();
    }

    @Override
    public long[] paddingBegin() {
        return paddingBegin.clone();
    }

    @Override
    public long[] paddingEnd() {
        return paddingEnd.clone();
    }

    /** Whether the input's last elements may be left out, which only a transposed convolution means by it. */
    boolean cutsInput() {
        return Arrays.stream(paddingEnd).anyMatch(end -> end < 0);
    }

    private static void requireSize(long input, long kernel) {
        if (input > Integer.MAX_VALUE || kernel > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("an input of " + input + " and a window of " + kernel + " elements: at most "
                    + Integer.MAX_VALUE);
        }
    }

    /** A dense square window over pictures, the same padding on all sides. */
    public static Window square(long stride, long padding) {
        long[] p = {padding, padding};
        return new Window(new long[] {stride, stride}, new long[] {1, 1}, p, p);
    }

    /** Number of spatial dimensions. */
    public int rank() {
        return strides.length;
    }

    /** Output size of a dimension for a window of {@code kernel} elements; 0 or less if the window does not fit. */
    public long outputSize(int i, long input, long kernel) {
        requireSize(input, kernel);
        long room = input + paddingBegin[i] + paddingEnd[i] - dilations[i] * (kernel - 1) - 1;
        return room < 0 ? 0 : room / strides[i] + 1;
    }

    /** Output size of the transposed convolution. */
    public long transposedSize(int i, long input, long kernel) {
        requireSize(input, kernel);
        return (input - 1) * strides[i] - paddingBegin[i] - paddingEnd[i] + dilations[i] * (kernel - 1) + 1;
    }

    /** The padding of a dense window over pictures that moves as far down as right and is padded alike on all sides; otherwise -1. */
    public long plainPadding() {
        long p = paddingBegin[0];
        boolean plain = rank() == 2 && strides[0] == strides[1] && Arrays.stream(dilations).allMatch(d -> d == 1)
                && paddingBegin[1] == p && Arrays.stream(paddingEnd).allMatch(e -> e == p);
        return plain ? p : -1;
    }

    /** The same window with other trailing padding. */
    public Window withPaddingEnd(long[] end) {
        return new Window(strides, dilations, paddingBegin, end);
    }

    /** As oneDNN takes it. */
    public PrimitiveDesc.Window oneDnn() {
        return new PrimitiveDesc.Window(strides, Arrays.stream(dilations).map(d -> d - 1).toArray(), paddingBegin, paddingEnd);
    }

    @Override
    public String toString() {
        return "stride " + Arrays.toString(strides) + " dilation " + Arrays.toString(dilations) + " padding "
                + Arrays.toString(paddingBegin) + " " + Arrays.toString(paddingEnd);
    }
}
