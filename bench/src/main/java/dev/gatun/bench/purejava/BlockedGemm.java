package dev.gatun.bench.purejava;

import java.util.Arrays;

/**
 * Loops in an order and in blocks that caches and C2's auto-vectorizer like: blocks of b copied into rows of their own, so that
 * the innermost loop runs over several arrays with one index; four rows of b at a time.
 */
public final class BlockedGemm {
    /** A block of b: 64 x 512 floats, 128 KiB, stays in a core's second cache. */
    private static final int BLOCK_K = 64;
    private static final int BLOCK_N = 512;

    private BlockedGemm() {
    }

    /** c[m, n] = a[m, k] x b[k, n], rows shared among the workers. */
    public static void multiply(Workers workers, float[] a, float[] b, float[] c, int m, int n, int k) {
        workers.run(m, 1, (from, to) -> rows(a, b, c, from, to, n, k));
    }

    private static void rows(float[] a, float[] b, float[] c, int from, int to, int n, int k) {
        Arrays.fill(c, from * n, to * n, 0f);
        float[][] block = new float[BLOCK_K][BLOCK_N];
        float[] row = new float[BLOCK_N];
        for (int j = 0; j < n; j += BLOCK_N) {
            int width = Math.min(BLOCK_N, n - j);
            for (int p = 0; p < k; p += BLOCK_K) {
                int depth = Math.min(BLOCK_K, k - p);
                for (int q = 0; q < depth; q++) {
                    System.arraycopy(b, (p + q) * n + j, block[q], 0, width);
                }
                for (int i = from; i < to; i++) {
                    System.arraycopy(c, i * n + j, row, 0, width);
                    multiplyRow(a, i * k + p, depth, block, row, width);
                    System.arraycopy(row, 0, c, i * n + j, width);
                }
            }
        }
    }

    private static void multiplyRow(float[] a, int at, int depth, float[][] block, float[] row, int width) {
        int q = 0;
        for (; q + 4 <= depth; q += 4) {
            add(row, width, block[q], block[q + 1], block[q + 2], block[q + 3], a[at + q], a[at + q + 1], a[at + q + 2], a[at + q + 3]);
        }
        for (; q < depth; q++) {
            float x = a[at + q];
            float[] b = block[q];
            for (int j = 0; j < width; j++) {
                row[j] += x * b[j];
            }
        }
    }

    private static void add(float[] row, int width, float[] b0, float[] b1, float[] b2, float[] b3,
            float x0, float x1, float x2, float x3) {
        for (int j = 0; j < width; j++) {
            row[j] = Math.fma(x3, b3[j], Math.fma(x2, b2[j], Math.fma(x1, b1[j], Math.fma(x0, b0[j], row[j]))));
        }
    }
}
