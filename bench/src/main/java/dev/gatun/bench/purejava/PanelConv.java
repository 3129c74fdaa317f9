package dev.gatun.bench.purejava;

import static dev.gatun.bench.purejava.VectorTile.BLOCK_K;
import static dev.gatun.bench.purejava.VectorTile.COLS;
import static dev.gatun.bench.purejava.VectorTile.ROWS;
import static dev.gatun.bench.purejava.VectorTile.S;
import static dev.gatun.bench.purejava.VectorTile.W;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Convolution as a product, weights[oc, c*k*k] x patches[c*k*k, pixels], of which the matrix of patches never exists: a block
 * of it is gathered straight into the panels that {@link VectorTile} reads. Weights are packed once; bias
 * and residual are where the sums begin, ReLU follows while a block is in cache.
 */
final class PanelConv implements JavaKernels.Conv {
    /** Panels of a block: with 256 steps 512 KiB, which the second cache holds. */
    private static final int BLOCK_PANELS = 128 / W * 2;

    private final Workers workers;
    private final Window v;
    private final int outChannels;
    private final int depth;
    private final int pixels;
    private final float[] weights;
    private final float[] bias;
    private final boolean relu;
    /** Where element p of a patch lies in a padded picture, relative to the patch's first. */
    private final int[] elements;
    /** Where the patch of a pixel begins in a padded picture; zeros beyond the last. */
    private final int[] patches;

    /** Memory of a thread, which layers share so that it stays in cache. */
    private static final class Scratch {
        private final float[] panels = new float[BLOCK_PANELS * COLS * BLOCK_K];
        private final float[] tile = new float[ROWS * COLS];
        private float[] padded = {};

        float[] padded(int length) {
            if (padded.length < length) {
                padded = new float[length];
            }
            return padded;
        }
    }

    private static final ThreadLocal<Scratch> SCRATCH = ThreadLocal.withInitial(Scratch::new);

    PanelConv(Workers workers, Window v, int outChannels, float[] weights, float[] bias, boolean relu) {
        this.workers = workers;
        this.v = v;
        this.outChannels = outChannels;
        this.depth = v.c() * v.size() * v.size();
        this.pixels = v.outH() * v.outW();
        this.bias = bias;
        this.relu = relu;
        this.weights = packed(weights);
        elements = new int[depth];
        for (int p = 0; p < depth; p++) {
            int c = p / (v.size() * v.size());
            elements[p] = (c * v.paddedH() + p / v.size() % v.size()) * v.paddedW() + p % v.size();
        }
        patches = new int[(pixels + COLS - 1) / COLS * COLS];
        for (int i = 0; i < pixels; i++) {
            patches[i] = (i / v.outW() * v.paddedW() + i % v.outW()) * v.stride();
        }
    }

    /** Blocks of steps, in each row after row; zeros for the rows that a last tile lacks. */
    private float[] packed(float[] from) {
        int rows = (outChannels + ROWS - 1) / ROWS * ROWS;
        float[] to = new float[rows * depth];
        for (int p = 0; p < depth; p += BLOCK_K) {
            int steps = Math.min(BLOCK_K, depth - p);
            for (int i = 0; i < outChannels; i++) {
                System.arraycopy(from, i * depth + p, to, p * rows + i * steps, steps);
            }
        }
        return to;
    }

    /** Pictures are shared among the workers, or each picture's pixels where there are too few. */
    @Override
    public void apply(float[] src, float[] residual, float[] dst) {
        int parts = workers.threads();
        int panels = patches.length / COLS;
        workers.run(parts, 1, (from, to) -> {
            Scratch scratch = SCRATCH.get();
            for (int t = from; t < to; t++) {
                if (v.n() >= parts) {
                    for (int image = v.n() * t / parts; image < v.n() * (t + 1) / parts; image++) {
                        picture(scratch, src, residual, dst, image, 0, panels);
                    }
                } else {
                    for (int image = 0; image < v.n(); image++) {
                        picture(scratch, src, residual, dst, image, panels * t / parts, panels * (t + 1) / parts);
                    }
                }
            }
        });
    }

    private void picture(Scratch s, float[] src, float[] residual, float[] dst, int image, int first, int last) {
        float[] from = src;
        int at = image * v.c() * v.h() * v.w();
        if (v.pad() > 0) {
            from = s.padded(v.c() * v.paddedH() * v.paddedW());
            at = 0;
            for (int c = 0; c < v.c(); c++) {
                v.copyPadded(src, image * v.c() + c, 0f, from, c * v.paddedH() * v.paddedW());
            }
        }
        for (int panel = first; panel < last; panel += BLOCK_PANELS) {
            int end = Math.min(last, panel + BLOCK_PANELS);
            start(residual, dst, image, panel * COLS, Math.min(pixels, end * COLS));
            for (int p = 0; p < depth; p += BLOCK_K) {
                int steps = Math.min(BLOCK_K, depth - p);
                for (int j = panel; j < end; j++) {
                    for (int half = 0; half < COLS; half += W) {
                        pack(from, at, p, steps, j * COLS + half, s.panels, (j - panel) * COLS * steps + half);
                    }
                }
                multiply(s, dst, image, panel, end, p, steps);
            }
            for (int oc = 0; relu && oc < outChannels; oc++) {
                int row = (image * outChannels + oc) * pixels;
                VectorMath.relu(dst, row + panel * COLS, row + Math.min(pixels, end * COLS));
            }
        }
    }

    private void start(float[] residual, float[] dst, int image, int from, int to) {
        for (int oc = 0; oc < outChannels; oc++) {
            int at = (image * outChannels + oc) * pixels;
            if (residual == null) {
                Arrays.fill(dst, at + from, at + to, bias[oc]);
            } else {
                VectorMath.plus(residual, bias[oc], dst, at + from, at + to);
            }
        }
    }

    /** One vector of pixels for each step: a plain load where they are neighbours, otherwise gathered. */
    private void pack(float[] from, int at, int p, int steps, int pixel, float[] panels, int to) {
        boolean neighbours = patches[pixel + W - 1] - patches[pixel] == W - 1;
        int first = at + patches[pixel];
        for (int q = 0; q < steps; q++) {
            FloatVector x = neighbours ? FloatVector.fromArray(S, from, first + elements[p + q])
                    : FloatVector.fromArray(S, from, at + elements[p + q], patches, pixel);
            x.intoArray(panels, to + q * COLS);
        }
    }

    private void multiply(Scratch s, float[] dst, int image, int first, int end, int p, int steps) {
        int block = p * (weights.length / depth);
        for (int j = first; j < end; j++) {
            int cols = Math.min(COLS, pixels - j * COLS);
            for (int oc = 0; oc < outChannels; oc += ROWS) {
                int rows = Math.min(ROWS, outChannels - oc);
                int c = (image * outChannels + oc) * pixels + j * COLS;
                if (rows == ROWS && cols == COLS) {
                    VectorTile.compute(weights, block + oc * steps, steps, s.panels, (j - first) * COLS * steps, steps, dst, c, pixels);
                } else {
                    VectorTile.computePart(weights, block + oc * steps, steps, s.panels, (j - first) * COLS * steps, steps, dst, c, pixels,
                            rows, cols, s.tile);
                }
            }
        }
    }
}
