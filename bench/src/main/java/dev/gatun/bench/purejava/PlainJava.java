package dev.gatun.bench.purejava;

/** As the formulas are written: plain loops, one thread. */
public final class PlainJava implements JavaKernels {

    @Override
    public Linear linear(float[] weights, float[] bias, int k, int n) {
        return (src, dst, m) -> {
            multiply(src, weights, dst, m, n, k);
            for (int i = 0; bias != null && i < m * n; i++) {
                dst[i] += bias[i % n];
            }
        };
    }

    /** c[m, n] = a[m, k] x b[k, n]. */
    public static void multiply(float[] a, float[] b, float[] c, int m, int n, int k) {
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                float sum = 0;
                for (int p = 0; p < k; p++) {
                    sum += a[i * k + p] * b[p * n + j];
                }
                c[i * n + j] = sum;
            }
        }
    }

    @Override
    public void softmax(float[] x, int rows, int cols) {
        for (int i = 0; i < rows; i++) {
            softmaxRow(x, i * cols, cols);
        }
    }

    private static void softmaxRow(float[] x, int at, int cols) {
        float max = Float.NEGATIVE_INFINITY;
        for (int j = 0; j < cols; j++) {
            max = Math.max(max, x[at + j]);
        }
        float sum = 0;
        for (int j = 0; j < cols; j++) {
            x[at + j] = (float) Math.exp(x[at + j] - max);
            sum += x[at + j];
        }
        for (int j = 0; j < cols; j++) {
            x[at + j] /= sum;
        }
    }

    @Override
    public void layerNorm(float[] x, float[] residual, float[] gamma, float[] beta, int rows, float eps) {
        int cols = gamma.length;
        for (int at = 0; at < rows * cols; at += cols) {
            float sum = 0;
            for (int j = 0; j < cols; j++) {
                x[at + j] += residual == null ? 0 : residual[at + j];
                sum += x[at + j];
            }
            float mean = sum / cols;
            float squares = 0;
            for (int j = 0; j < cols; j++) {
                squares += (x[at + j] - mean) * (x[at + j] - mean);
            }
            float factor = (float) (1 / Math.sqrt(squares / cols + eps));
            for (int j = 0; j < cols; j++) {
                x[at + j] = (x[at + j] - mean) * factor * gamma[j] + beta[j];
            }
        }
    }

    @Override
    public void gelu(float[] x, int count) {
        for (int i = 0; i < count; i++) {
            x[i] = 0.5f * x[i] * (1 + Erf.erf(x[i] * (float) Math.sqrt(0.5)));
        }
    }

    @Override
    public void attention(float[] qkv, float[] dst, int first, int seqLen, int heads, int headDim) {
        int d = heads * headDim;
        float[] scores = new float[seqLen];
        float scale = (float) (1 / Math.sqrt(headDim));
        for (int head = 0; head < heads; head++) {
            for (int i = 0; i < seqLen; i++) {
                int q = (first + i) * 3 * d + head * headDim;
                for (int j = 0; j < seqLen; j++) {
                    int key = (first + j) * 3 * d + d + head * headDim;
                    float sum = 0;
                    for (int e = 0; e < headDim; e++) {
                        sum += qkv[q + e] * qkv[key + e];
                    }
                    scores[j] = sum * scale;
                }
                softmaxRow(scores, 0, seqLen);
                for (int e = 0; e < headDim; e++) {
                    float sum = 0;
                    for (int j = 0; j < seqLen; j++) {
                        sum += scores[j] * qkv[(first + j) * 3 * d + 2 * d + head * headDim + e];
                    }
                    dst[(first + i) * d + head * headDim + e] = sum;
                }
            }
        }
    }

    @Override
    public Conv convolution(Window v, int outChannels, float[] weights, float[] bias, boolean relu) {
        return (src, residual, dst) -> {
            for (int image = 0, at = 0; image < v.n(); image++) {
                for (int oc = 0; oc < outChannels; oc++) {
                    for (int y = 0; y < v.outH(); y++) {
                        for (int x = 0; x < v.outW(); x++, at++) {
                            float sum = bias[oc] + product(v, src, image, weights, oc, y, x) + (residual == null ? 0f : residual[at]);
                            dst[at] = relu ? Math.max(sum, 0f) : sum;
                        }
                    }
                }
            }
        };
    }

    @Override
    public void relu(float[] x, int count) {
        for (int i = 0; i < count; i++) {
            x[i] = Math.max(x[i], 0f);
        }
    }

    @Override
    public void globalAverage(float[] src, float[] dst, int planes, int size) {
        for (int plane = 0; plane < planes; plane++) {
            float sum = 0;
            for (int i = 0; i < size; i++) {
                sum += src[plane * size + i];
            }
            dst[plane] = sum / size;
        }
    }

    private static float product(Window v, float[] src, int image, float[] weights, int oc, int y, int x) {
        float sum = 0;
        for (int c = 0; c < v.c(); c++) {
            for (int ky = 0; ky < v.size(); ky++) {
                for (int kx = 0; kx < v.size(); kx++) {
                    int sy = y * v.stride() + ky - v.pad();
                    int sx = x * v.stride() + kx - v.pad();
                    if (sy >= 0 && sy < v.h() && sx >= 0 && sx < v.w()) {
                        sum += src[((image * v.c() + c) * v.h() + sy) * v.w() + sx]
                                * weights[((oc * v.c() + c) * v.size() + ky) * v.size() + kx];
                    }
                }
            }
        }
        return sum;
    }

    @Override
    public void maxPool(Window window, float[] src, float[] dst) {
        pool(window, src, dst, true);
    }

    @Override
    public void averagePool(Window window, float[] src, float[] dst) {
        pool(window, src, dst, false);
    }

    private static void pool(Window v, float[] src, float[] dst, boolean max) {
        for (int plane = 0, at = 0; plane < v.n() * v.c(); plane++) {
            for (int y = 0; y < v.outH(); y++) {
                for (int x = 0; x < v.outW(); x++) {
                    float best = Float.NEGATIVE_INFINITY;
                    float sum = 0;
                    for (int ky = 0; ky < v.size(); ky++) {
                        for (int kx = 0; kx < v.size(); kx++) {
                            int sy = y * v.stride() + ky - v.pad();
                            int sx = x * v.stride() + kx - v.pad();
                            if (sy >= 0 && sy < v.h() && sx >= 0 && sx < v.w()) {
                                best = Math.max(best, src[(plane * v.h() + sy) * v.w() + sx]);
                                sum += src[(plane * v.h() + sy) * v.w() + sx];
                            }
                        }
                    }
                    dst[at++] = max ? best : sum / (v.size() * v.size());
                }
            }
        }
    }

    @Override
    public void close() {
        // Nothing is held.
    }
}
