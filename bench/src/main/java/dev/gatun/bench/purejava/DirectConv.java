package dev.gatun.bench.purejava;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Convolution without a matrix of patches: four output channels of a vector of neighbouring pixels in registers. */
final class DirectConv implements JavaKernels.Conv {
    private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    private static final int W = S.length();
    private static final int CHANNELS = 4;

    private final Workers workers;
    private final Window v;
    private final int outChannels;
    private final float[] weights;
    private final float[] bias;
    private final boolean relu;
    private final float[] padded;
    private final int[] steps;

    DirectConv(Workers workers, Window v, int outChannels, float[] weights, float[] bias, boolean relu) {
        this.workers = workers;
        this.v = v;
        this.outChannels = outChannels;
        this.weights = weights;
        this.bias = bias;
        this.relu = relu;
        padded = new float[v.c() * v.paddedH() * v.paddedW() + W * v.stride()];
        steps = VectorPool.steps(v);
    }

    @Override
    public void apply(float[] src, float[] residual, float[] dst) {
        int plane = v.outH() * v.outW();
        for (int image = 0; image < v.n(); image++) {
            for (int c = 0; c < v.c(); c++) {
                v.copyPadded(src, image * v.c() + c, 0f, padded, c * v.paddedH() * v.paddedW());
            }
            int base = image * outChannels;
            workers.run(outChannels, CHANNELS, (from, to) -> {
                channels(from, to, dst, base);
                if (residual != null) {
                    VectorMath.add(dst, residual, (base + from) * plane, (base + to) * plane);
                }
                if (relu) {
                    VectorMath.relu(dst, (base + from) * plane, (base + to) * plane);
                }
            });
        }
    }

    private void channels(int from, int to, float[] dst, int base) {
        for (int oc = from; oc < to; oc += CHANNELS) {
            int count = Math.min(CHANNELS, to - oc);
            for (int y = 0; y < v.outH(); y++) {
                for (int x = 0; x < v.outW(); x += W) {
                    pixels(oc, count, dst, base, y, x);
                }
            }
        }
    }

    private void pixels(int oc, int count, float[] dst, int base, int y, int x) {
        VectorMask<Float> mask = S.indexInRange(x, v.outW());
        int kernel = v.c() * v.size() * v.size();
        int w0 = oc * kernel;
        int w1 = (oc + Math.min(1, count - 1)) * kernel;
        int w2 = (oc + Math.min(2, count - 1)) * kernel;
        int w3 = (oc + Math.min(3, count - 1)) * kernel;
        FloatVector s0 = FloatVector.zero(S);
        FloatVector s1 = s0;
        FloatVector s2 = s0;
        FloatVector s3 = s0;
        int at = 0;
        for (int c = 0; c < v.c(); c++) {
            for (int ky = 0; ky < v.size(); ky++) {
                int row = (c * v.paddedH() + y * v.stride() + ky) * v.paddedW() + x * v.stride();
                for (int kx = 0; kx < v.size(); kx++, at++) {
                    FloatVector p = VectorPool.load(v, padded, row + kx, steps, mask);
                    s0 = p.fma(FloatVector.broadcast(S, weights[w0 + at]), s0);
                    s1 = p.fma(FloatVector.broadcast(S, weights[w1 + at]), s1);
                    s2 = p.fma(FloatVector.broadcast(S, weights[w2 + at]), s2);
                    s3 = p.fma(FloatVector.broadcast(S, weights[w3 + at]), s3);
                }
            }
        }
        int plane = v.outH() * v.outW();
        int out = (base + oc) * plane + y * v.outW() + x;
        s0.add(bias[oc]).intoArray(dst, out, mask);
        if (count > 1) {
            s1.add(bias[oc + 1]).intoArray(dst, out + plane, mask);
        }
        if (count > 2) {
            s2.add(bias[oc + 2]).intoArray(dst, out + 2 * plane, mask);
        }
        if (count > 3) {
            s3.add(bias[oc + 3]).intoArray(dst, out + 3 * plane, mask);
        }
    }
}
