package dev.gatun.models.onnx;

import dev.gatun.tensor.op.Window;
import java.util.Arrays;

/**
 * How a window moves over the spatial dimensions of [N, C, ...], from the attributes that convolutions and poolings share.
 *
 * @param kernel    sizes of the window
 * @param strides   steps
 * @param dilations distances within the window
 * @param begin     padding before
 * @param end       padding after
 */
record Spatial(long[] kernel, long[] strides, long[] dilations, long[] begin, long[] end) {

    static Spatial of(Call c, long[] dims, long[] kernel) {
        int n = dims.length - 2;
        c.require(n >= 1 && kernel != null && kernel.length == n,
                "the window must have as many dimensions as the operand has spatial ones");
        long[] strides = all(c.ints("strides"), n, 1);
        long[] dilations = all(c.ints("dilations"), n, 1);
        long[] pads = all(c.ints("pads"), 2 * n, 0);
        c.require(strides.length == n && dilations.length == n && pads.length == 2 * n, "strides, dilations or pads have a wrong length");
        c.require(Arrays.stream(strides).allMatch(s -> s > 0) && Arrays.stream(dilations).allMatch(s -> s > 0)
                && Arrays.stream(kernel).allMatch(s -> s > 0), "strides, dilations and sizes must be positive");
        long[] begin = Arrays.copyOf(pads, n);
        long[] end = Arrays.copyOfRange(pads, n, 2 * n);
        String auto = c.s("auto_pad", "NOTSET");
        for (int i = 0; i < n && !auto.equals("NOTSET") && !auto.isEmpty(); i++) {
            long total = auto.equals("VALID") ? 0
                    : Math.max(0, (Math.ceilDiv(dims[2 + i], strides[i]) - 1) * strides[i] + dilations[i] * (kernel[i] - 1)
                            + 1 - dims[2 + i]);
            begin[i] = auto.equals("SAME_LOWER") ? total - total / 2 : total / 2;
            end[i] = total - begin[i];
        }
        return new Spatial(kernel, strides, dilations, begin, end);
    }

    static long[] all(long[] values, int count, long missing) {
        if (values != null) {
            return values;
        }
        long[] same = new long[count];
        Arrays.fill(same, missing);
        return same;
    }

    int rank() {
        return kernel.length;
    }

    /** Sizes of the result. */
    long[] output(long[] dims, boolean ceil) {
        long[] out = new long[rank()];
        for (int i = 0; i < out.length; i++) {
            long room = dims[2 + i] + begin[i] + end[i] - dilations[i] * (kernel[i] - 1) - 1;
            long size = Math.max(0, (ceil ? Math.ceilDiv(room, strides[i]) : Math.floorDiv(room, strides[i])) + 1);
            out[i] = ceil && (size - 1) * strides[i] >= dims[2 + i] + begin[i] ? size - 1 : size;
        }
        return out;
    }

    /** As Gatun's operations take it: one or two dimensions, no negative padding. */
    boolean isNative() {
        return rank() <= 2 && Arrays.stream(begin).allMatch(p -> p >= 0) && Arrays.stream(end).allMatch(p -> p >= 0);
    }

    Window window() {
        return new Window(strides, dilations, begin, end);
    }
}
