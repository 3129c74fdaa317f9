package dev.gatun.bench.purejava;

import java.util.Arrays;

/** The formulas in double arithmetic. */
final class Oracle {
    private Oracle() {
    }

    static double[] product(float[] a, float[] b, float[] bias, int m, int n, int k) {
        double[] c = new double[m * n];
        for (int i = 0; i < m * n; i++) {
            c[i] = bias[i % n];
            for (int p = 0; p < k; p++) {
                c[i] += (double) a[i / n * k + p] * b[p * n + i % n];
            }
        }
        return c;
    }

    static double[] softmax(float[] x, int rows, int cols) {
        double[] y = new double[rows * cols];
        for (int i = 0; i < rows; i++) {
            double sum = 0;
            for (int j = 0; j < cols; j++) {
                y[i * cols + j] = Math.exp(x[i * cols + j]);
                sum += y[i * cols + j];
            }
            for (int j = 0; j < cols; j++) {
                y[i * cols + j] /= sum;
            }
        }
        return y;
    }

    static double[] layerNorm(float[] x, float[] residual, float[] gamma, float[] beta, int rows, double eps) {
        int cols = gamma.length;
        double[] y = new double[rows * cols];
        for (int i = 0; i < rows; i++) {
            double mean = 0;
            for (int j = 0; j < cols; j++) {
                y[i * cols + j] = (double) x[i * cols + j] + residual[i * cols + j];
                mean += y[i * cols + j] / cols;
            }
            double variance = 0;
            for (int j = 0; j < cols; j++) {
                variance += Math.pow(y[i * cols + j] - mean, 2) / cols;
            }
            for (int j = 0; j < cols; j++) {
                y[i * cols + j] = (y[i * cols + j] - mean) / Math.sqrt(variance + eps) * gamma[j] + beta[j];
            }
        }
        return y;
    }

    /** With the error function as the integral of its definition, by Simpson's rule. */
    static double[] gelu(float[] x) {
        double[] y = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            double upper = x[i] / Math.sqrt(2);
            int steps = 400;
            double sum = 0;
            for (int s = 0; s <= steps; s++) {
                double t = upper * s / steps;
                sum += Math.exp(-t * t) * (s == 0 || s == steps ? 1 : s % 2 == 1 ? 4 : 2);
            }
            y[i] = 0.5 * x[i] * (1 + 2 / Math.sqrt(Math.PI) * sum * upper / steps / 3);
        }
        return y;
    }

    static double[] attention(float[] qkv, int first, int seqLen, int heads, int headDim) {
        int d = heads * headDim;
        double[] out = new double[(first + seqLen) * d];
        for (int head = 0; head < heads; head++) {
            for (int i = 0; i < seqLen; i++) {
                float[] row = new float[seqLen];
                for (int j = 0; j < seqLen; j++) {
                    double dot = 0;
                    for (int e = 0; e < headDim; e++) {
                        dot += (double) qkv[(first + i) * 3 * d + head * headDim + e]
                                * qkv[(first + j) * 3 * d + d + head * headDim + e];
                    }
                    row[j] = (float) (dot / Math.sqrt(headDim));
                }
                double[] p = softmax(row, 1, seqLen);
                for (int e = 0; e < headDim; e++) {
                    for (int j = 0; j < seqLen; j++) {
                        out[(first + i) * d + head * headDim + e] += p[j] * qkv[(first + j) * 3 * d + 2 * d + head * headDim + e];
                    }
                }
            }
        }
        return out;
    }

    private static double pixel(Window v, float[] src, int plane, int y, int x, double border) {
        boolean inside = y >= 0 && y < v.h() && x >= 0 && x < v.w();
        return inside ? src[(plane * v.h() + y) * v.w() + x] : border;
    }

    static double[] conv(Window v, int outChannels, float[] src, float[] weights, float[] bias) {
        int plane = v.outH() * v.outW();
        double[] dst = new double[v.n() * outChannels * plane];
        for (int i = 0; i < dst.length; i++) {
            int oc = i / plane % outChannels;
            int image = i / plane / outChannels;
            dst[i] = bias[oc];
            for (int w = 0; w < v.c() * v.size() * v.size(); w++) {
                int c = w / (v.size() * v.size());
                int y = i % plane / v.outW() * v.stride() + w / v.size() % v.size() - v.pad();
                int x = i % v.outW() * v.stride() + w % v.size() - v.pad();
                dst[i] += pixel(v, src, image * v.c() + c, y, x, 0) * weights[oc * v.c() * v.size() * v.size() + w];
            }
        }
        return dst;
    }

    static double[] pool(Window v, float[] src, boolean max) {
        int plane = v.outH() * v.outW();
        double[] dst = new double[v.n() * v.c() * plane];
        for (int i = 0; i < dst.length; i++) {
            double[] window = new double[v.size() * v.size()];
            for (int w = 0; w < window.length; w++) {
                window[w] = pixel(v, src, i / plane, i % plane / v.outW() * v.stride() + w / v.size() - v.pad(),
                        i % v.outW() * v.stride() + w % v.size() - v.pad(), max ? Double.NEGATIVE_INFINITY : 0);
            }
            dst[i] = max ? Arrays.stream(window).max().orElseThrow() : Arrays.stream(window).average().orElseThrow();
        }
        return dst;
    }
}
