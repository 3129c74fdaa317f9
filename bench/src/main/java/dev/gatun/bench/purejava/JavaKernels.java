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

    /**
     * Attention of one sequence over itself.
     *
     * @param qkv   [seqLen, 3, heads, headDim] of a batch, from row first
     * @param dst   [seqLen, heads, headDim] of a batch, from row first
     */
    void attention(float[] qkv, float[] dst, int first, int seqLen, int heads, int headDim);

    /** Cross-correlation with zero padding; weights [oc, c, k, k], src [n, c, h, w], dst [n, oc, outH, outW]. */
    void conv(Window window, int outChannels, float[] src, float[] weights, float[] bias, float[] dst);

    /** The largest of each window; padding never wins. */
    void maxPool(Window window, float[] src, float[] dst);

    /** The mean of each window, padding included as zeros. */
    void averagePool(Window window, float[] src, float[] dst);

    @Override
    void close();
}
