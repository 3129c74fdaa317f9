package dev.gatun.models.onnx;

import java.util.Arrays;

/** Exact products of bytes into INT32: right operands as ints, constant ones made once, a few rows of the left at a time. */
final class IntegerProduct {
    /** Rows that share a walk over the right operand. */
    private static final int ROWS = 4;

    private IntegerProduct() {
    }

    /** [.., K] by one [K, N] with a zero point for all or for each column, into y; null if this is not for it. */
    static OnnxTensor run(Call c, OnnxTensor a, OnnxTensor b, OnnxTensor aZero, OnnxTensor bZero, OnnxTensor y) {
        if (b.rank() != 2 || aZero != null && aZero.size() != 1 || y.size() == 0) {
            return null;
        }
        int k = Math.toIntExact(b.dim(0));
        int n = Math.toIntExact(b.dim(1));
        boolean constant = c.natives().packed().isConstant(b) && (bZero == null || c.natives().packed().isConstant(bZero));
        int[] right = constant ? c.natives().packed()
                .get(b, "ints" + (bZero == null ? 0 : bZero.segment().address()), arena -> ints(b, bZero))
                : ints(b, bZero);
        int zero = aZero == null ? 0 : (int) aZero.whole(0);
        long rows = y.size() / n;
        int[][] sums = new int[ROWS][n];
        int[][] left = new int[ROWS][k];
        for (long row = 0; row < rows; row += ROWS) {
            int count = (int) Math.min(ROWS, rows - row);
            for (int r = 0; r < count; r++) {
                Arrays.fill(sums[r], 0);
                for (int p = 0; p < k; p++) {
                    left[r][p] = (int) a.whole((row + r) * k + p) - zero;
                }
            }
            for (int p = 0; p < k; p++) {
                for (int r = 0; r < count; r++) {
                    add(sums[r], left[r][p], right, p * n);
                }
            }
            for (int r = 0; r < count; r++) {
                for (int j = 0; j < n; j++) {
                    y.putWhole((row + r) * n + j, sums[r][j]);
                }
            }
        }
        return y;
    }

    /** The virtual machine makes vectors of this loop. */
    private static void add(int[] sums, int by, int[] right, int from) {
        for (int j = 0; j < sums.length; j++) {
            sums[j] += by * right[from + j];
        }
    }

    private static int[] ints(OnnxTensor b, OnnxTensor zero) {
        int[] values = new int[Math.toIntExact(b.size())];
        int n = Math.toIntExact(b.dim(1));
        for (int i = 0; i < values.length; i++) {
            values[i] = (int) b.whole(i) - (zero == null ? 0 : (int) zero.whole(zero.size() == 1 ? 0 : i % n));
        }
        return values;
    }
}
