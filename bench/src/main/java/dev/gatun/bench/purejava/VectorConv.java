package dev.gatun.bench.purejava;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Convolution and pooling with the Vector API, along the width of the result. */
final class VectorConv {
    private static final VectorSpecies<Float> S = FloatVector.SPECIES_PREFERRED;
    private static final int W = S.length();
    private static final int CHANNELS = 4;

    private VectorConv() {
    }

    /** Patches as columns, then one product an image: weights[oc, c*k*k] x patches[c*k*k, pixels]. */
    static void im2col(Workers workers, Window v, int outChannels, float[] src, float[] weights, float[] bias, float[] dst) {
        int pixels = v.outH() * v.outW();
        int depth = v.c() * v.size() * v.size();
        float[] padded = new float[v.c() * v.paddedH() * v.paddedW() + W * v.stride()];
        float[] patches = new float[depth * pixels];
        float[] result = v.n() == 1 ? dst : new float[outChannels * pixels];
        for (int image = 0; image < v.n(); image++) {
            pad(v, src, image, padded);
            workers.run(depth, 1, (from, to) -> {
                for (int row = from; row < to; row++) {
                    patchRow(v, padded, row, patches);
                }
            });
            VectorGemm.pack(patches, depth, pixels).multiply(workers, weights, result, null, outChannels);
            for (int oc = 0; oc < outChannels; oc++) {
                for (int i = 0; i < pixels; i++) {
                    dst[(image * outChannels + oc) * pixels + i] = result[oc * pixels + i] + bias[oc];
                }
            }
        }
    }

    private static void pad(Window v, float[] src, int image, float[] padded) {
        for (int c = 0; c < v.c(); c++) {
            v.copyPadded(src, image * v.c() + c, 0f, padded, c * v.paddedH() * v.paddedW());
        }
    }

    private static void patchRow(Window v, float[] padded, int row, float[] patches) {
        int kx = row % v.size();
        int ky = row / v.size() % v.size();
        int c = row / (v.size() * v.size());
        int at = row * v.outH() * v.outW();
        for (int y = 0; y < v.outH(); y++) {
            int from = (c * v.paddedH() + y * v.stride() + ky) * v.paddedW() + kx;
            for (int x = 0; x < v.outW(); x++) {
                patches[at++] = padded[from + x * v.stride()];
            }
        }
    }

    /** Four output channels of a vector of neighbouring pixels in registers. */
    static void direct(Workers workers, Window v, int outChannels, float[] src, float[] weights, float[] bias, float[] dst) {
        float[] padded = new float[v.c() * v.paddedH() * v.paddedW() + W * v.stride()];
        int[] steps = steps(v);
        for (int image = 0; image < v.n(); image++) {
            pad(v, src, image, padded);
            int base = image * outChannels;
            workers.run(outChannels, CHANNELS, (from, to) -> {
                for (int oc = from; oc < to; oc += CHANNELS) {
                    int count = Math.min(CHANNELS, to - oc);
                    for (int y = 0; y < v.outH(); y++) {
                        for (int x = 0; x < v.outW(); x += W) {
                            pixels(v, padded, steps, weights, bias, oc, count, dst, base, y, x);
                        }
                    }
                }
            });
        }
    }

    private static void pixels(Window v, float[] padded, int[] steps, float[] weights, float[] bias, int oc, int count,
            float[] dst, int base, int y, int x) {
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
                    FloatVector p = load(v, padded, row + kx, steps, mask);
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

    private static int[] steps(Window v) {
        int[] steps = new int[W];
        for (int i = 0; i < W; i++) {
            steps[i] = i * v.stride();
        }
        return steps;
    }

    private static FloatVector load(Window v, float[] from, int at, int[] steps, VectorMask<Float> mask) {
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
                result = max ? result.max(p) : result.add(p);
            }
        }
        result = max ? result : result.div((float) (v.size() * v.size()));
        result.intoArray(dst, (plane * v.outH() + y) * v.outW() + x, mask);
    }
}
