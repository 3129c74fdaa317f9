package dev.gatun.bench.purejava;

/**
 * Loops in an order and in blocks that caches and C2's auto-vectorizer like: rows of b stream through the innermost loop,
 * four rows of c at a time.
 */
public final class BlockedGemm {
    /** A block of b: 64 x 512 floats, 128 KiB, stays in a core's second cache. */
    private static final int BLOCK_K = 64;
    private static final int BLOCK_N = 512;
    private static final int ROWS = 4;

    private BlockedGemm() {
    }

    /** c[m, n] = a[m, k] x b[k, n], rows shared among the workers. */
    public static void multiply(Workers workers, float[] a, float[] b, float[] c, int m, int n, int k) {
        workers.run(m, ROWS, (from, to) -> rows(a, b, c, from, to, n, k));
    }

    private static void rows(float[] a, float[] b, float[] c, int from, int to, int n, int k) {
        java.util.Arrays.fill(c, from * n, to * n, 0f);
        for (int j = 0; j < n; j += BLOCK_N) {
            int width = Math.min(BLOCK_N, n - j);
            for (int p = 0; p < k; p += BLOCK_K) {
                int last = Math.min(p + BLOCK_K, k);
                int i = from;
                for (; i + ROWS <= to; i += ROWS) {
                    for (int q = p; q < last; q++) {
                        fourRows(c, i * n + j, n, b, q * n + j, width,
                                a[i * k + q], a[(i + 1) * k + q], a[(i + 2) * k + q], a[(i + 3) * k + q]);
                    }
                }
                for (; i < to; i++) {
                    for (int q = p; q < last; q++) {
                        oneRow(c, i * n + j, b, q * n + j, width, a[i * k + q]);
                    }
                }
            }
        }
    }

    private static void fourRows(float[] c, int at, int n, float[] b, int row, int width, float x, float y, float z, float w) {
        for (int j = 0; j < width; j++) {
            float factor = b[row + j];
            c[at + j] += x * factor;
            c[at + n + j] += y * factor;
            c[at + 2 * n + j] += z * factor;
            c[at + 3 * n + j] += w * factor;
        }
    }

    private static void oneRow(float[] c, int at, float[] b, int row, int width, float x) {
        for (int j = 0; j < width; j++) {
            c[at + j] += x * b[row + j];
        }
    }
}
