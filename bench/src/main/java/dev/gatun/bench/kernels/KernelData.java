package dev.gatun.bench.kernels;

import dev.gatun.bench.harness.Workload;
import dev.gatun.bench.purejava.Window;
import java.util.Random;

/**
 * Inputs of a workload, the same for every contender.
 *
 * @param window of a convolution or a pooling, otherwise null
 * @param rows   of a softmax, normalization or GELU; tokens of an attention; output channels of a convolution
 * @param cols   of a row; 3 * heads * headDim of an attention
 * @param src    the operand
 * @param first  weights of a convolution, gamma of a normalization
 * @param second bias of a convolution, beta of a normalization
 */
record KernelData(Kind kind, Window window, int rows, int cols, float[] src, float[] first, float[] second) {
    static final int HEADS = 12;
    static final int HEAD_DIM = 32;
    static final float EPS = 1e-5f;

    /** What is computed. */
    enum Kind { CONV, SOFTMAX, LAYER_NORM, GELU, ATTENTION, MAX_POOL }

    static KernelData of(Workload workload) {
        Random random = new Random(11);
        Kind kind = Kind.values()[workload.get("kind")];
        int rows = workload.get("rows");
        int cols = workload.get("cols");
        if (kind != Kind.CONV && kind != Kind.MAX_POOL) {
            int weights = kind == Kind.LAYER_NORM ? cols : 0;
            return new KernelData(kind, null, rows, cols, floats(random, rows * cols, 1), floats(random, weights, 1),
                    floats(random, weights, 1));
        }
        int size = workload.get("size");
        Window window = new Window(1, workload.get("channels"), cols, cols, size, workload.get("stride"), workload.get("pad"));
        int patch = window.c() * size * size;
        int oc = kind == Kind.CONV ? rows : 0;
        return new KernelData(kind, window, rows, cols, floats(random, window.c() * cols * cols, 1),
                floats(random, oc * patch, (float) Math.sqrt(6.0 / patch)), floats(random, oc, 0.1f));
    }

    private static float[] floats(Random random, int count, float limit) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = random.nextFloat(-limit, limit);
        }
        return values;
    }

    /** Elements of the result. */
    int results() {
        if (window == null) {
            return kind == Kind.ATTENTION ? rows * HEADS * HEAD_DIM : rows * cols;
        }
        int out = (window.h() + 2 * window.pad() - window.size()) / window.stride() + 1;
        return rows * out * out;
    }
}
