package dev.gatun.bench.purejava;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/** Pooling with the Vector API, along the width of the result, and what follows a convolution. */
final class VectorPool {
    private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    private static final int W = S.length();

    private VectorPool() {
    }

    static int[] steps(Window v) {
        int[] steps = new int[W];
        for (int i = 0; i < W; i++) {
            steps[i] = i * v.stride();
        }
        return steps;
    }

    static FloatVector load(Window v, float[] from, int at, int[] steps, VectorMask<Float> mask) {
        return v.stride() == 1 ? FloatVector.fromArray(S, from, at, mask) : FloatVector.fromArray(S, from, at, steps, 0, mask);
    }

    static void pool(Workers workers, Window v, float[] src, float[] dst, boolean max) {
        int[] steps = steps(v);
        float border = max ? Float.NEGATIVE_INFINITY : 0f;
        workers.run(v.n() * v.c(), 1, (from, to) -> {
            float[] padded = new float[v.paddedH() * v.paddedW() + W * v.stride()];
            for (int plane = from; plane < to; plane++) {
                v.copyPadded(src, plane, border, padded, 0);
                for (int y = 0; y < v.outH(); y++) {
                    for (int x = 0; x < v.outW(); x += W) {
                        poolPixels(v, padded, steps, border, max, dst, plane, y, x);
                    }
                }
            }
        });
    }

    private static void poolPixels(Window v, float[] padded, int[] steps, float border, boolean max, float[] dst,
            int plane, int y, int x) {
        VectorMask<Float> mask = S.indexInRange(x, v.outW());
        FloatVector result = FloatVector.broadcast(S, border);
        for (int ky = 0; ky < v.size(); ky++) {
            int row = (y * v.stride() + ky) * v.paddedW() + x * v.stride();
            for (int kx = 0; kx < v.size(); kx++) {
                FloatVector p = load(v, padded, row + kx, steps, mask);
                result = max ? result.blend(p, p.compare(VectorOperators.GT, result)) : result.add(p);
            }
        }
        result = max ? result : result.div((float) (v.size() * v.size()));
        result.intoArray(dst, (plane * v.outH() + y) * v.outW() + x, mask);
    }

    /** The mean of each plane. */
    static void planeMeans(float[] src, float[] dst, int size, int from, int to) {
        for (int plane = from; plane < to; plane++) {
            FloatVector sums = FloatVector.zero(S);
            int i = plane * size;
            for (; i + W <= (plane + 1) * size; i += W) {
                sums = sums.add(FloatVector.fromArray(S, src, i));
            }
            float sum = sums.reduceLanes(VectorOperators.ADD);
            for (; i < (plane + 1) * size; i++) {
                sum += src[i];
            }
            dst[plane] = sum / size;
        }
    }
}
