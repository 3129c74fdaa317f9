package dev.gatun.bench.purejava;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Rows of numbers with the Vector API: softmax, layer normalization, GELU. */
final class VectorMath {
    static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    static final int W = S.length();

    private VectorMath() {
    }

    /** cols elements from at become exp(scale * x - max) / sum. */
    static void softmax(float[] x, int at, int cols, float scale) {
        FloatVector most = FloatVector.broadcast(S, Float.NEGATIVE_INFINITY);
        int j = 0;
        for (; j <= cols - W; j += W) {
            most = most.max(FloatVector.fromArray(S, x, at + j));
        }
        float max = most.reduceLanes(VectorOperators.MAX);
        for (; j < cols; j++) {
            max = Math.max(max, x[at + j]);
        }
        FloatVector sums = FloatVector.zero(S);
        for (j = 0; j <= cols - W; j += W) {
            FloatVector e = FloatVector.fromArray(S, x, at + j).sub(max).mul(scale).lanewise(VectorOperators.EXP);
            e.intoArray(x, at + j);
            sums = sums.add(e);
        }
        if (j < cols) {
            VectorMask<Float> mask = S.indexInRange(j, cols);
            FloatVector e = FloatVector.fromArray(S, x, at + j, mask).sub(max).mul(scale).lanewise(VectorOperators.EXP);
            e.intoArray(x, at + j, mask);
            sums = sums.add(e, mask);
        }
        float factor = 1f / sums.reduceLanes(VectorOperators.ADD);
        for (j = 0; j <= cols - W; j += W) {
            FloatVector.fromArray(S, x, at + j).mul(factor).intoArray(x, at + j);
        }
        for (; j < cols; j++) {
            x[at + j] *= factor;
        }
    }

    /** One row of {@link JavaKernels#layerNorm}; whole vectors without masks, which cost more than the arithmetic. */
    static void layerNorm(float[] x, float[] residual, float[] gamma, float[] beta, int at, float eps) {
        int cols = gamma.length;
        int whole = S.loopBound(cols);
        if (residual != null) {
            add(x, residual, at, at + cols);
        }
        FloatVector sums = FloatVector.zero(S);
        for (int j = 0; j < whole; j += W) {
            sums = sums.add(FloatVector.fromArray(S, x, at + j));
        }
        float sum = sums.reduceLanes(VectorOperators.ADD);
        for (int j = whole; j < cols; j++) {
            sum += x[at + j];
        }
        float mean = sum / cols;
        float factor = (float) (1 / Math.sqrt(squares(x, at, cols, mean) / cols + eps));
        for (int j = 0; j < whole; j += W) {
            FloatVector.fromArray(S, x, at + j).sub(mean).mul(factor)
                    .fma(FloatVector.fromArray(S, gamma, j), FloatVector.fromArray(S, beta, j)).intoArray(x, at + j);
        }
        for (int j = whole; j < cols; j++) {
            x[at + j] = (x[at + j] - mean) * factor * gamma[j] + beta[j];
        }
    }

    private static float squares(float[] x, int at, int cols, float mean) {
        int whole = S.loopBound(cols);
        FloatVector squares = FloatVector.zero(S);
        for (int j = 0; j < whole; j += W) {
            FloatVector v = FloatVector.fromArray(S, x, at + j).sub(mean);
            squares = v.fma(v, squares);
        }
        float sum = squares.reduceLanes(VectorOperators.ADD);
        for (int j = whole; j < cols; j++) {
            sum += (x[at + j] - mean) * (x[at + j] - mean);
        }
        return sum;
    }

    /** Elements from (inclusive) to (exclusive). */
    static void gelu(float[] x, int from, int to) {
        int j = from;
        for (; j <= to - W; j += W) {
            gelu(FloatVector.fromArray(S, x, j)).intoArray(x, j);
        }
        if (j < to) {
            VectorMask<Float> mask = S.indexInRange(j, to);
            gelu(FloatVector.fromArray(S, x, j, mask)).intoArray(x, j, mask);
        }
    }

    private static FloatVector gelu(FloatVector v) {
        FloatVector half = v.mul(0.5f);
        return half.add(half.mul(erf(v.mul((float) Math.sqrt(0.5)))));
    }

    private static FloatVector erf(FloatVector x) {
        FloatVector z = x.abs();
        FloatVector one = FloatVector.broadcast(S, 1f);
        FloatVector t = one.div(z.mul(Erf.P).add(one));
        FloatVector y = t.mul(Erf.A5).add(Erf.A4).mul(t).add(Erf.A3).mul(t).add(Erf.A2).mul(t).add(Erf.A1).mul(t);
        FloatVector positive = one.sub(y.mul(z.mul(z).neg().lanewise(VectorOperators.EXP)));
        return positive.blend(positive.neg(), x.lt(0f));
    }

    /** x = max(x, 0) from (inclusive) to (exclusive); by a comparison, as Java's maximum also orders zeros and NaN. */
    static void relu(float[] x, int from, int to) {
        int j = from;
        for (; j <= to - W; j += W) {
            FloatVector v = FloatVector.fromArray(S, x, j);
            v.blend(0f, v.lt(0f)).intoArray(x, j);
        }
        for (; j < to; j++) {
            x[j] = x[j] < 0f ? 0f : x[j];
        }
    }

    /** y = x + number, at the same places. */
    static void plus(float[] x, float number, float[] y, int from, int to) {
        for (int j = from; j < to; j++) {
            y[j] = x[j] + number;
        }
    }

    /** x = x + y; a loop that C2 makes vectors of. */
    static void add(float[] x, float[] y, int from, int to) {
        for (int j = from; j < to; j++) {
            x[j] += y[j];
        }
    }
}
