package dev.gatun.bench.purejava;

import java.util.HashMap;
import java.util.Map;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** The Vector API with every trick of the trade that Java allows, on as many threads as told. */
public final class VectorJava implements JavaKernels {
    private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    private static final int W = S.length();
    private static final int QUERIES = 4;
    private static final int CHUNK = 2048;

    /** How long each way of a convolution is tried; the first time also waits for the compiler. */
    private static final long TRIAL_NANOS = 100_000_000;
    private static final long FIRST_TRIAL_NANOS = 1_500_000_000;

    private record ConvShape(Window window, int outChannels) {
    }

    private final Map<ConvShape, Boolean> directIsFaster = new HashMap<>();
    private final Workers workers;

    /** With so many threads. */
    public VectorJava(int threads) {
        workers = new Workers(threads);
    }

    @Override
    public Linear linear(float[] weights, float[] bias, int k, int n) {
        VectorGemm gemm = VectorGemm.pack(weights, k, n);
        return (src, dst, m) -> gemm.multiply(workers, src, dst, bias, m);
    }

    @Override
    public void softmax(float[] x, int rows, int cols) {
        workers.run(rows, 1, (from, to) -> {
            for (int i = from; i < to; i++) {
                VectorMath.softmax(x, i * cols, cols, 1f);
            }
        });
    }

    @Override
    public void layerNorm(float[] x, float[] residual, float[] gamma, float[] beta, int rows, float eps) {
        workers.run(rows, 1, (from, to) -> {
            for (int i = from; i < to; i++) {
                VectorMath.layerNorm(x, residual, gamma, beta, i * gamma.length, eps);
            }
        });
    }

    @Override
    public void gelu(float[] x, int count) {
        workers.run(count, W, (from, to) -> VectorMath.gelu(x, from, to));
    }

    /** A row is computed while its copy is in the first cache. */
    @Override
    public void softmaxTo(float[] src, float[] dst, int rows, int cols) {
        workers.run(rows, 1, (from, to) -> {
            for (int i = from; i < to; i++) {
                System.arraycopy(src, i * cols, dst, i * cols, cols);
                VectorMath.softmax(dst, i * cols, cols, 1f);
            }
        });
    }

    @Override
    public void layerNormTo(float[] src, float[] dst, float[] gamma, float[] beta, int rows, float eps) {
        workers.run(rows, 1, (from, to) -> {
            for (int i = from; i < to; i++) {
                System.arraycopy(src, i * gamma.length, dst, i * gamma.length, gamma.length);
                VectorMath.layerNorm(dst, null, gamma, beta, i * gamma.length, eps);
            }
        });
    }

    @Override
    public void geluTo(float[] src, float[] dst, int count) {
        workers.run(count, W, (from, to) -> {
            for (int i = from; i < to; i += CHUNK) {
                int end = Math.min(to, i + CHUNK);
                System.arraycopy(src, i, dst, i, end - i);
                VectorMath.gelu(dst, i, end);
            }
        });
    }

    @Override
    public void attention(float[] qkv, float[] dst, int first, int seqLen, int heads, int headDim) {
        workers.run(heads, 1, (from, to) -> {
            float[] keys = new float[headDim * seqLen];
            float[] scores = new float[QUERIES * seqLen];
            for (int head = from; head < to; head++) {
                head(qkv, dst, first, seqLen, head, heads, headDim, keys, scores);
            }
        });
    }

    /** Keys transposed, so that scores of neighbouring keys lie side by side. */
    private static void head(float[] qkv, float[] dst, int first, int seqLen, int head, int heads, int headDim,
            float[] keys, float[] scores) {
        int d = heads * headDim;
        float scale = (float) (1 / Math.sqrt(headDim));
        for (int j = 0; j < seqLen; j++) {
            int key = (first + j) * 3 * d + d + head * headDim;
            for (int e = 0; e < headDim; e++) {
                keys[e * seqLen + j] = qkv[key + e];
            }
        }
        for (int i = 0; i < seqLen; i += QUERIES) {
            int count = Math.min(QUERIES, seqLen - i);
            int q = (first + i) * 3 * d + head * headDim;
            int out = (first + i) * d + head * headDim;
            int values = first * 3 * d + 2 * d + head * headDim;
            product(qkv, q, 3 * d, keys, 0, seqLen, scores, 0, seqLen, count, seqLen, headDim);
            for (int r = 0; r < count; r++) {
                VectorMath.softmax(scores, r * seqLen, seqLen, scale);
            }
            product(scores, 0, seqLen, qkv, values, 3 * d, dst, out, d, count, headDim, seqLen);
        }
    }

    /** c[1 to 4, n] = a x b[k, n], each at an offset and with a stride between rows; rows beyond count repeat the last. */
    private static void product(float[] a, int ai, int lda, float[] b, int bi, int ldb, float[] c, int ci, int ldc,
            int count, int n, int k) {
        int a1 = ai + Math.min(1, count - 1) * lda;
        int a2 = ai + Math.min(2, count - 1) * lda;
        int a3 = ai + Math.min(3, count - 1) * lda;
        for (int j = 0; j < n; j += W) {
            VectorMask<Float> mask = S.indexInRange(j, n);
            boolean whole = j + W <= n;
            FloatVector c0 = FloatVector.zero(S);
            FloatVector c1 = c0;
            FloatVector c2 = c0;
            FloatVector c3 = c0;
            for (int p = 0; p < k; p++) {
                int at = bi + p * ldb + j;
                FloatVector y = whole ? FloatVector.fromArray(S, b, at) : FloatVector.fromArray(S, b, at, mask);
                c0 = y.fma(FloatVector.broadcast(S, a[ai + p]), c0);
                c1 = y.fma(FloatVector.broadcast(S, a[a1 + p]), c1);
                c2 = y.fma(FloatVector.broadcast(S, a[a2 + p]), c2);
                c3 = y.fma(FloatVector.broadcast(S, a[a3 + p]), c3);
            }
            c3.intoArray(c, ci + Math.min(3, count - 1) * ldc + j, mask);
            if (count > 2) {
                c2.intoArray(c, ci + 2 * ldc + j, mask);
            }
            if (count > 1) {
                c1.intoArray(c, ci + ldc + j, mask);
            }
            c0.intoArray(c, ci + j, mask);
        }
    }

    /** The faster of two ways, measured once for each shape. */
    @Override
    public Conv convolution(Window window, int outChannels, float[] weights, float[] bias, boolean relu) {
        boolean direct = directIsFaster.computeIfAbsent(new ConvShape(window, outChannels), shape -> {
            float[] src = new float[window.n() * window.c() * window.h() * window.w()];
            float[] dst = new float[window.n() * outChannels * window.outH() * window.outW()];
            long nanos = directIsFaster.isEmpty() ? FIRST_TRIAL_NANOS : TRIAL_NANOS;
            long patches = time(patchConvolution(window, outChannels, weights, bias, relu), src, dst, nanos);
            return time(directConvolution(window, outChannels, weights, bias, relu), src, dst, nanos) < patches;
        });
        return direct ? directConvolution(window, outChannels, weights, bias, relu)
                : patchConvolution(window, outChannels, weights, bias, relu);
    }

    /** The best of the runs that this time allows, at least three. */
    private static long time(Conv conv, float[] src, float[] dst, long nanos) {
        long best = Long.MAX_VALUE;
        long begin = System.nanoTime();
        for (int i = 0; i < 3 || System.nanoTime() - begin < nanos; i++) {
            long start = System.nanoTime();
            conv.apply(src, null, dst);
            best = Math.min(best, System.nanoTime() - start);
        }
        return best;
    }

    /** By patches gathered into panels, and their product with the weights. */
    public Conv patchConvolution(Window window, int outChannels, float[] weights, float[] bias, boolean relu) {
        return new PanelConv(workers, window, outChannels, weights, bias, relu);
    }

    /** The same convolution without patches. */
    public Conv directConvolution(Window window, int outChannels, float[] weights, float[] bias, boolean relu) {
        return new DirectConv(workers, window, outChannels, weights, bias, relu);
    }

    @Override
    public void relu(float[] x, int count) {
        workers.run(count, W, (from, to) -> VectorMath.relu(x, from, to));
    }

    @Override
    public void globalAverage(float[] src, float[] dst, int planes, int size) {
        workers.run(planes, 1, (from, to) -> VectorPool.planeMeans(src, dst, size, from, to));
    }

    @Override
    public void maxPool(Window window, float[] src, float[] dst) {
        VectorPool.pool(workers, window, src, dst, true);
    }

    @Override
    public void averagePool(Window window, float[] src, float[] dst) {
        VectorPool.pool(workers, window, src, dst, false);
    }

    @Override
    public void close() {
        workers.close();
    }
}
