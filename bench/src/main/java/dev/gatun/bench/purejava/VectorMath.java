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
        for (j = 0; j < cols; j += W) {
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

    /** One row of {@link JavaKernels#layerNorm}. */
    static void layerNorm(float[] x, float[] residual, float[] gamma, float[] beta, int at, float eps) {
        int cols = gamma.length;
        FloatVector sums = FloatVector.zero(S);
        for (int j = 0; j < cols; j += W) {
            VectorMask<Float> mask = S.indexInRange(j, cols);
            FloatVector v = FloatVector.fromArray(S, x, at + j, mask);
            if (residual != null) {
                v = v.add(FloatVector.fromArray(S, residual, at + j, mask));
                v.intoArray(x, at + j, mask);
            }
            sums = sums.add(v);
        }
        float mean = sums.reduceLanes(VectorOperators.ADD) / cols;
        FloatVector squares = FloatVector.zero(S);
        for (int j = 0; j < cols; j += W) {
            VectorMask<Float> mask = S.indexInRange(j, cols);
            FloatVector v = FloatVector.fromArray(S, x, at + j, mask).sub(mean);
            squares = squares.add(v.mul(v), mask);
        }
        float factor = (float) (1 / Math.sqrt(squares.reduceLanes(VectorOperators.ADD) / cols + eps));
        for (int j = 0; j < cols; j += W) {
            VectorMask<Float> mask = S.indexInRange(j, cols);
            FloatVector.fromArray(S, x, at + j, mask).sub(mean).mul(factor)
                    .fma(FloatVector.fromArray(S, gamma, j, mask), FloatVector.fromArray(S, beta, j, mask))
                    .intoArray(x, at + j, mask);
        }
    }

    /** Elements from (inclusive) to (exclusive). */
    static void gelu(float[] x, int from, int to) {
        for (int j = from; j < to; j += W) {
            VectorMask<Float> mask = S.indexInRange(j, to);
            FloatVector v = FloatVector.fromArray(S, x, j, mask);
            FloatVector half = v.mul(0.5f);
            half.add(half.mul(erf(v.mul((float) Math.sqrt(0.5))))).intoArray(x, j, mask);
        }
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
        for (int j = from; j < to; j += W) {
            VectorMask<Float> mask = S.indexInRange(j, to);
            FloatVector.zero(S).intoArray(x, j, FloatVector.fromArray(S, x, j, mask).lt(0f).and(mask));
        }
    }

    /** y = x + number, at the same places. */
    static void plus(float[] x, float number, float[] y, int from, int to) {
        for (int j = from; j < to; j += W) {
            VectorMask<Float> mask = S.indexInRange(j, to);
            FloatVector.fromArray(S, x, j, mask).add(number).intoArray(y, j, mask);
        }
    }

    /** x = x + y. */
    static void add(float[] x, float[] y, int from, int to) {
        for (int j = from; j < to; j += W) {
            VectorMask<Float> mask = S.indexInRange(j, to);
            FloatVector.fromArray(S, x, j, mask).add(FloatVector.fromArray(S, y, j, mask)).intoArray(x, j, mask);
        }
    }
}
