package dev.gatun.bench.purejava;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The baselines compute what the formulas say, at sizes that no vector divides. */
class PureJavaTest {
    private final Random random = new Random(5);

    static Stream<JavaKernels> kernels() {
        return Stream.of(new PlainJava(), new VectorJava(1), new VectorJava(3));
    }

    private float[] random(int count) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    private static void check(double[] expected, float[] actual, double tolerance) {
        assertEquals(expected.length, actual.length);
        for (int i = 0; i < expected.length; i++) {
            assertEquals(expected[i], actual[i], tolerance * (1 + Math.abs(expected[i])), "element " + i);
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void products(JavaKernels kernels) {
        for (int[] size : new int[][] {{1, 1, 1}, {5, 3, 7}, {6, 33, 31}, {13, 70, 300}, {1, 131, 67}, {97, 64, 257}}) {
            float[] a = random(size[0] * size[2]);
            float[] b = random(size[2] * size[1]);
            float[] bias = random(size[1]);
            float[] c = new float[size[0] * size[1]];
            kernels.linear(b, bias, size[2], size[1]).apply(a, c, size[0]);
            check(Oracle.product(a, b, bias, size[0], size[1], size[2]), c, 2e-5);
        }
    }

    @Test
    void blockedProducts() {
        try (Workers workers = new Workers(2)) {
            for (int[] size : new int[][] {{1, 1, 1}, {5, 3, 7}, {9, 515, 130}, {16, 70, 65}}) {
                float[] a = random(size[0] * size[2]);
                float[] b = random(size[2] * size[1]);
                float[] c = random(size[0] * size[1]);
                BlockedGemm.multiply(workers, a, b, c, size[0], size[1], size[2]);
                check(Oracle.product(a, b, new float[size[1]], size[0], size[1], size[2]), c, 2e-5);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void rows(JavaKernels kernels) {
        for (int cols : new int[] {1, 7, 16, 33, 100}) {
            float[] x = random(5 * cols);
            float[] softmax = x.clone();
            kernels.softmax(softmax, 5, cols);
            check(Oracle.softmax(x, 5, cols), softmax, 1e-6);
            float[] residual = random(5 * cols);
            float[] gamma = random(cols);
            float[] beta = random(cols);
            float[] norm = x.clone();
            kernels.layerNorm(norm, residual, gamma, beta, 5, 1e-5f);
            check(Oracle.layerNorm(x, residual, gamma, beta, 5, 1e-5), norm, 2e-4);
            float[] gelu = x.clone();
            kernels.gelu(gelu, gelu.length);
            check(Oracle.gelu(x), gelu, 1e-6);
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void attention(JavaKernels kernels) {
        for (int[] size : new int[][] {{1, 1, 1}, {7, 3, 5}, {33, 2, 32}, {17, 5, 20}}) {
            int d = size[1] * size[2];
            int first = 3;
            float[] qkv = random((first + size[0]) * 3 * d);
            float[] dst = new float[(first + size[0]) * d];
            kernels.attention(qkv, dst, first, size[0], size[1], size[2]);
            check(Oracle.attention(qkv, first, size[0], size[1], size[2]), dst, 1e-5);
        }
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void windows(JavaKernels kernels) {
        for (Window window : new Window[] {new Window(1, 1, 3, 3, 3, 1, 0), new Window(2, 3, 9, 19, 3, 1, 1),
                new Window(1, 5, 11, 37, 5, 2, 2), new Window(2, 4, 8, 8, 1, 1, 0), new Window(1, 3, 23, 20, 7, 2, 3),
                new Window(3, 33, 7, 7, 3, 1, 1), new Window(1, 300, 5, 9, 1, 2, 0)}) {
            int oc = 4 + window.c() % 9;
            float[] src = random(window.n() * window.c() * window.h() * window.w());
            float[] weights = random(oc * window.c() * window.size() * window.size());
            float[] bias = random(oc);
            int pixels = window.n() * window.outH() * window.outW();
            double[] expected = Oracle.conv(window, oc, src, weights, bias);
            float[] residual = random(oc * pixels);
            double[] sums = new double[oc * pixels];
            Arrays.setAll(sums, i -> Math.max(expected[i] + residual[i], 0));
            for (int way = 0; way < (kernels instanceof VectorJava ? 3 : 1); way++) {
                float[] dst = new float[oc * pixels];
                convolution(kernels, way, window, oc, weights, bias, false).apply(src, null, dst);
                check(expected, dst, 2e-5);
                convolution(kernels, way, window, oc, weights, bias, true).apply(src, residual, dst);
                check(sums, dst, 2e-5);
            }
            float[] pooled = new float[window.c() * pixels];
            kernels.maxPool(window, src, pooled);
            check(Oracle.pool(window, src, true), pooled, 0);
            kernels.averagePool(window, src, pooled);
            check(Oracle.pool(window, src, false), pooled, 1e-5);
        }
    }

    private static JavaKernels.Conv convolution(JavaKernels kernels, int way, Window window, int oc, float[] weights, float[] bias,
            boolean relu) {
        return switch (way) {
            case 0 -> kernels.convolution(window, oc, weights, bias, relu);
            case 1 -> ((VectorJava) kernels).patchConvolution(window, oc, weights, bias, relu);
            default -> ((VectorJava) kernels).directConvolution(window, oc, weights, bias, relu);
        };
    }

    @ParameterizedTest
    @MethodSource("kernels")
    void planes(JavaKernels kernels) {
        for (int size : new int[] {1, 7, 16, 49}) {
            float[] x = random(5 * size);
            float[] mean = new float[5];
            kernels.globalAverage(x, mean, 5, size);
            double[] means = new double[5];
            double[] positive = new double[x.length];
            for (int i = 0; i < x.length; i++) {
                means[i / size] += (double) x[i] / size;
                positive[i] = Math.max(x[i], 0);
            }
            check(means, mean, 1e-6);
            kernels.relu(x, x.length);
            check(positive, x, 0);
        }
    }
}
