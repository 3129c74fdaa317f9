package dev.gatun.bench.purejava;

import static dev.gatun.bench.purejava.VectorTile.BLOCK_K;
import static dev.gatun.bench.purejava.VectorTile.COLS;
import static dev.gatun.bench.purejava.VectorTile.ROWS;
import static dev.gatun.bench.purejava.VectorTile.S;
import static dev.gatun.bench.purejava.VectorTile.W;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * c = a x b with the Vector API, as BLAS libraries do it: b packed once into panels two vectors wide, tiles of six rows by
 * two vectors in registers, blocks of k so that a panel stays in the first cache, rows shared among workers.
 */
public final class VectorGemm {
    /** Rows for which a panel is used before the next one is fetched. */
    private static final int BLOCK_M = 96;

    private final float[] panels;
    private final int k;
    private final int n;

    private VectorGemm(float[] panels, int k, int n) {
        this.panels = panels;
        this.k = k;
        this.n = n;
    }

    /** Packs b[k, n]: panel after panel, in each k rows of {@link VectorTile#COLS} columns, zeros beyond n. */
    public static VectorGemm pack(float[] b, int k, int n) {
        int count = (n + COLS - 1) / COLS;
        float[] panels = new float[count * k * COLS];
        for (int panel = 0; panel < count; panel++) {
            int width = Math.min(COLS, n - panel * COLS);
            for (int p = 0; p < k; p++) {
                System.arraycopy(b, p * n + panel * COLS, panels, (panel * k + p) * COLS, width);
            }
        }
        return new VectorGemm(panels, k, n);
    }

    /** c[m, n] = a[m, k] x b + bias[n], which may be null. */
    public void multiply(Workers workers, float[] a, float[] c, float[] bias, int m) {
        if (m >= ROWS) {
            workers.run(m, ROWS, (from, to) -> block(a, c, bias, from, to, 0, n));
        } else {
            workers.run(n, COLS, (from, to) -> block(a, c, bias, 0, m, from, to));
        }
    }

    private void block(float[] a, float[] c, float[] bias, int from, int to, int firstColumn, int lastColumn) {
        for (int i = from; i < to; i++) {
            if (bias == null) {
                java.util.Arrays.fill(c, i * n + firstColumn, i * n + lastColumn, 0f);
            } else {
                System.arraycopy(bias, firstColumn, c, i * n + firstColumn, lastColumn - firstColumn);
            }
        }
        for (int i = from; i < to; i += BLOCK_M) {
            int lastRow = Math.min(to, i + BLOCK_M);
            for (int p = 0; p < k; p += BLOCK_K) {
                int depth = Math.min(BLOCK_K, k - p);
                for (int j = firstColumn; j < lastColumn; j += COLS) {
                    panel(a, c, i, lastRow, p, depth, j);
                }
            }
        }
    }

    private void panel(float[] a, float[] c, int from, int to, int p, int depth, int j) {
        int b = (j / COLS * k + p) * COLS;
        VectorMask<Float> left = S.indexInRange(0, n - j);
        VectorMask<Float> right = S.indexInRange(W, n - j);
        int i = from;
        for (; i + ROWS <= to; i += ROWS) {
            if (n - j >= COLS) {
                VectorTile.compute(a, i * k + p, k, panels, b, depth, c, i * n + j, n);
            } else {
                for (int r = i; r < i + ROWS; r++) {
                    row(a, r * k + p, b, depth, c, r * n + j, left, right);
                }
            }
        }
        for (; i < to; i++) {
            row(a, i * k + p, b, depth, c, i * n + j, left, right);
        }
    }

    private void row(float[] a, int ai, int b, int depth, float[] c, int ci, VectorMask<Float> left, VectorMask<Float> right) {
        FloatVector c0 = FloatVector.fromArray(S, c, ci, left);
        FloatVector c1 = FloatVector.zero(S);
        boolean two = right.anyTrue();
        if (two) {
            c1 = FloatVector.fromArray(S, c, ci + W, right);
        }
        for (int p = 0; p < depth; p++, b += COLS) {
            FloatVector x = FloatVector.broadcast(S, a[ai + p]);
            c0 = x.fma(FloatVector.fromArray(S, panels, b), c0);
            c1 = x.fma(FloatVector.fromArray(S, panels, b + W), c1);
        }
        c0.intoArray(c, ci, left);
        if (two) {
            c1.intoArray(c, ci + W, right);
        }
    }
}
