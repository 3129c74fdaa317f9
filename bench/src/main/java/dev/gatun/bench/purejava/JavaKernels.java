package dev.gatun.bench.purejava;

/**
 * What a network needs, on float arrays, row-major. Each method overwrites its dst and keeps nothing.
 */
public interface JavaKernels extends AutoCloseable {

    /** src[m, k] x weights[k, n] + bias, for weights given once. */
    @FunctionalInterface
    interface Linear {
        /** Computes dst[m, n]. */
        void apply(float[] src, float[] dst, int m);
    }

    /** Prepares weights [k, n] and a bias [n], which may be null. */
    Linear linear(float[] weights, float[] bias, int k, int n);

    /** Each row becomes exp(x - max) / sum. */
    void softmax(float[] x, int rows, int cols);

    /** x = (x + residual - mean) / sqrt(variance + eps) * gamma + beta for each row; the residual may be null. */
    void layerNorm(float[] x, float[] residual, float[] gamma, float[] beta, int rows, float eps);

    /** x = x / 2 * (1 + erf(x / sqrt(2))). */
    void gelu(float[] x, int count);

    /** dst = softmax of the rows of src. */
    default void softmaxTo(float[] src, float[] dst, int rows, int cols) {
        System.arraycopy(src, 0, dst, 0, rows * cols);
        softmax(dst, rows, cols);
    }

    /** dst = the normalized rows of src. */
    default void layerNormTo(float[] src, float[] dst, float[] gamma, float[] beta, int rows, float eps) {
        System.arraycopy(src, 0, dst, 0, rows * gamma.length);
        layerNorm(dst, null, gamma, beta, rows, eps);
    }

    /** dst = gelu(src). */
    default void geluTo(float[] src, float[] dst, int count) {
        System.arraycopy(src, 0, dst, 0, count);
        gelu(dst, count);
    }

    /**
     * Attention of one sequence over itself.
     *
     * @param qkv   [seqLen, 3, heads, headDim] of a batch, from row first
     * @param dst   [seqLen, heads, headDim] of a batch, from row first
     */
    void attention(float[] qkv, float[] dst, int first, int seqLen, int heads, int headDim);

    /** A convolution whose weights, bias and shapes are given once. */
    @FunctionalInterface
    interface Conv {
        /** Computes dst [n, oc, outH, outW] from src [n, c, h, w] and a residual of dst's shape, which may be null. */
        void apply(float[] src, float[] residual, float[] dst);
    }

    /**
     * Prepares a cross-correlation with zero padding: dst = conv(src) + bias + residual, negative numbers set to 0 with relu.
     * Weights [oc, c, k, k], bias [oc].
     */
    Conv convolution(Window window, int outChannels, float[] weights, float[] bias, boolean relu);

    /** x = max(x, 0). */
    void relu(float[] x, int count);

    /** The mean of each of so many planes of size elements; src [planes, size], dst [planes]. */
    void globalAverage(float[] src, float[] dst, int planes, int size);

    /** The largest of each window; padding never wins. */
    void maxPool(Window window, float[] src, float[] dst);

    /** The mean of each window, padding included as zeros. */
    void averagePool(Window window, float[] src, float[] dst);

    @Override
    void close();
}
