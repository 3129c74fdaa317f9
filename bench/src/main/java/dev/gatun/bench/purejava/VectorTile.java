package dev.gatun.bench.purejava;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The heart of products and convolutions: six rows by two vectors held in registers, the right operand packed so that
 * the loop reads it front to back.
 */
final class VectorTile {
    static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    static final int W = S.length();
    static final int COLS = 2 * W;
    static final int ROWS = 6;
    /** Steps of the sum for which a panel of the right operand stays in the first cache. */
    static final int BLOCK_K = 256;

    private VectorTile() {
    }

    /** As {@link #compute}, of which only the first rows and cols exist in c; scratch holds a whole tile. */
    static void computePart(float[] a, int ai, int lda, float[] b, int bi, int depth, float[] c, int ci, int n,
            int rows, int cols, float[] scratch) {
        for (int r = 0; r < rows; r++) {
            System.arraycopy(c, ci + r * n, scratch, r * COLS, cols);
        }
        compute(a, ai, lda, b, bi, depth, scratch, 0, COLS);
        for (int r = 0; r < rows; r++) {
            System.arraycopy(scratch, r * COLS, c, ci + r * n, cols);
        }
    }

    /**
     * c[ROWS, COLS] += a[ROWS, depth] x b[depth][COLS]; lda and n floats between the rows of a and c. Written out, as only
     * locals live in registers, and without a maximum, which would confine C2 to half of them.
     */
    static void compute(float[] a, int ai, int lda, float[] b, int bi, int depth, float[] c, int ci, int n) {
        FloatVector c00 = FloatVector.fromArray(S, c, ci);
        FloatVector c01 = FloatVector.fromArray(S, c, ci + W);
        FloatVector c10 = FloatVector.fromArray(S, c, ci + n);
        FloatVector c11 = FloatVector.fromArray(S, c, ci + n + W);
        FloatVector c20 = FloatVector.fromArray(S, c, ci + 2 * n);
        FloatVector c21 = FloatVector.fromArray(S, c, ci + 2 * n + W);
        FloatVector c30 = FloatVector.fromArray(S, c, ci + 3 * n);
        FloatVector c31 = FloatVector.fromArray(S, c, ci + 3 * n + W);
        FloatVector c40 = FloatVector.fromArray(S, c, ci + 4 * n);
        FloatVector c41 = FloatVector.fromArray(S, c, ci + 4 * n + W);
        FloatVector c50 = FloatVector.fromArray(S, c, ci + 5 * n);
        FloatVector c51 = FloatVector.fromArray(S, c, ci + 5 * n + W);
        for (int p = 0; p < depth; p++) {
            FloatVector b0 = FloatVector.fromArray(S, b, bi + p * COLS);
            FloatVector b1 = FloatVector.fromArray(S, b, bi + p * COLS + W);
            FloatVector x = FloatVector.broadcast(S, a[ai + p]);
            c00 = x.fma(b0, c00);
            c01 = x.fma(b1, c01);
            x = FloatVector.broadcast(S, a[ai + lda + p]);
            c10 = x.fma(b0, c10);
            c11 = x.fma(b1, c11);
            x = FloatVector.broadcast(S, a[ai + 2 * lda + p]);
            c20 = x.fma(b0, c20);
            c21 = x.fma(b1, c21);
            x = FloatVector.broadcast(S, a[ai + 3 * lda + p]);
            c30 = x.fma(b0, c30);
            c31 = x.fma(b1, c31);
            x = FloatVector.broadcast(S, a[ai + 4 * lda + p]);
            c40 = x.fma(b0, c40);
            c41 = x.fma(b1, c41);
            x = FloatVector.broadcast(S, a[ai + 5 * lda + p]);
            c50 = x.fma(b0, c50);
            c51 = x.fma(b1, c51);
        }
        store(c, ci, c00, c01);
        store(c, ci + n, c10, c11);
        store(c, ci + 2 * n, c20, c21);
        store(c, ci + 3 * n, c30, c31);
        store(c, ci + 4 * n, c40, c41);
        store(c, ci + 5 * n, c50, c51);
    }

    private static void store(float[] c, int at, FloatVector left, FloatVector right) {
        left.intoArray(c, at);
        right.intoArray(c, at + W);
    }
}
