package dev.gatun.tensor.testing;

import java.util.Random;
import java.util.function.DoubleUnaryOperator;

/**
 * Plain loops in double precision: the oracle of the operations. Arrays are row-major. Slow on purpose:
 * each is the formula and nothing else.
 */
public final class Reference {
    private Reference() {
    }

    /** Uniform values in [-1, 1). */
    public static float[] random(long seed, long count) {
        Random random = new Random(seed);
        float[] values = new float[Math.toIntExact(count)];
        for (int i = 0; i < values.length; i++) {
            values[i] = random.nextFloat() * 2 - 1;
        }
        return values;
    }

    /** dst[m, n] = a[m, k] x b, b [k, n], or [n, k] if transposed; bias [n] may be null. */
    public static double[] matmul(float[] a, float[] b, boolean transposed, float[] bias, int m, int n, int k) {
        double[] dst = new double[m * n];
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = bias == null ? 0 : bias[j];
                for (int p = 0; p < k; p++) {
                    sum += (double) a[i * k + p] * b[transposed ? j * k + p : p * n + j];
                }
                dst[i * n + j] = sum;
            }
        }
        return dst;
    }

    /** f of each element. */
    public static double[] map(double[] x, DoubleUnaryOperator f) {
        double[] dst = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            dst[i] = f.applyAsDouble(x[i]);
        }
        return dst;
    }

    /** The activation of this name of {@code Activation}. */
    public static double activation(String name, double x) {
        return switch (name) {
            case "NONE" -> x;
            case "RELU" -> Math.max(x, 0);
            case "GELU_ERF" -> x * 0.5 * (1 + erf(x / Math.sqrt(2)));
            case "GELU_TANH" -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
            case "SILU" -> x / (1 + Math.exp(-x));
            case "RELU6" -> Math.min(Math.max(x, 0), 6);
            case "HARDSWISH" -> x * Math.min(Math.max(x + 3, 0), 6) / 6;
            case "TANH" -> Math.tanh(x);
            case "SIGMOID" -> 1 / (1 + Math.exp(-x));
            case "RELU2" -> Math.pow(Math.max(x, 0), 2);
            case "QUICK_GELU" -> x / (1 + Math.exp(-1.702 * x));
            case "MISH" -> x * Math.tanh(Math.log1p(Math.exp(x)));
            default -> throw new IllegalArgumentException(name);
        };
    }

    /** The error function: its Maclaurin series near 0, the continued fraction of erfc elsewhere. */
    public static double erf(double x) {
        double z = Math.abs(x);
        if (z < 3) {
            double term = z;
            double sum = z;
            for (int n = 1; n < 200; n++) {
                term *= -z * z / n;
                sum += term / (2 * n + 1);
            }
            return Math.copySign(sum * 2 / Math.sqrt(Math.PI), x);
        }
        double fraction = 0;
        for (int n = 60; n >= 1; n--) {
            fraction = n / 2.0 / (z + fraction);
        }
        return Math.copySign(1 - Math.exp(-z * z) / Math.sqrt(Math.PI) / (z + fraction), x);
    }

    /** (x - mean) / sqrt(variance + eps) * gamma + beta over rows of d. */
    public static double[] layerNorm(double[] x, float[] gamma, float[] beta, double eps, int d) {
        double[] dst = new double[x.length];
        for (int row = 0; row < x.length / d; row++) {
            double mean = 0;
            for (int j = 0; j < d; j++) {
                mean += x[row * d + j] / d;
            }
            double variance = 0;
            for (int j = 0; j < d; j++) {
                variance += Math.pow(x[row * d + j] - mean, 2) / d;
            }
            for (int j = 0; j < d; j++) {
                dst[row * d + j] = (x[row * d + j] - mean) / Math.sqrt(variance + eps) * gamma[j] + beta[j];
            }
        }
        return dst;
    }

    /** exp(x) / sum(exp(x)) over rows of d; rows of -infinity give zeros. */
    public static double[] softmax(double[] x, int d) {
        double[] dst = new double[x.length];
        for (int row = 0; row < x.length / d; row++) {
            double max = Double.NEGATIVE_INFINITY;
            for (int j = 0; j < d; j++) {
                max = Math.max(max, x[row * d + j]);
            }
            double sum = 0;
            for (int j = 0; j < d; j++) {
                dst[row * d + j] = max == Double.NEGATIVE_INFINITY ? 0 : Math.exp(x[row * d + j] - max);
                sum += dst[row * d + j];
            }
            for (int j = 0; j < d; j++) {
                dst[row * d + j] = sum == 0 ? 0 : dst[row * d + j] / sum;
            }
        }
        return dst;
    }

    /** As double. */
    public static double[] widen(float[] x) {
        double[] dst = new double[x.length];
        for (int i = 0; i < x.length; i++) {
            dst[i] = x[i];
        }
        return dst;
    }

    /** What float arithmetic may lose in sums of k products of values around 1. */
    public static double tolerance(long k) {
        // Each of k additions rounds (6e-8) a partial sum of about sqrt(k) / 3; the errors add like a random walk of
        // sqrt(k) steps, and three standard deviations are allowed.
        return 2e-6 + 6e-8 * k;
    }

    /** Fails, naming the first element that is further from the expected one than the tolerance. */
    public static void assertClose(double[] expected, float[] actual, double tolerance) {
        if (expected.length != actual.length) {
            throw new AssertionError("expected " + expected.length + " elements, found " + actual.length);
        }
        for (int i = 0; i < expected.length; i++) {
            // NaN differs from everything but NaN.
            boolean close = Math.abs(expected[i] - actual[i]) <= tolerance * Math.max(1, Math.abs(expected[i]));
            if (!close && !(Double.isNaN(expected[i]) && Float.isNaN(actual[i]))) {
                throw new AssertionError("element " + i + ": expected " + expected[i] + ", found " + actual[i]
                        + ", tolerance " + tolerance);
            }
        }
    }
}
