package dev.gatun.tensor.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.kernel.CompileContext;
import dev.gatun.tensor.kernel.Compiler;
import dev.gatun.tensor.testing.OpRunner;
import dev.gatun.tensor.testing.Reference;
import dev.gatun.tensor.weights.ConvWeights;
import dev.gatun.tensor.weights.Int8Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Against plain loops; PyTorch's goldens are in the tests of {@code models}. */
class ConvOpsTest {

    /** The convolution as its definition says, in double precision. Square kernel, stride and padding. */
    private static double[] conv(double[] src, long[] s, double[] w, int oc, int k, int stride, int pad) {
        int ic = (int) s[1];
        int h = (int) s[2];
        int width = (int) s[3];
        int oh = (h + 2 * pad - k) / stride + 1;
        int ow = (width + 2 * pad - k) / stride + 1;
        double[] dst = new double[(int) s[0] * oc * oh * ow];
        for (int i = 0; i < dst.length; i++) {
            int x = i % ow;
            int y = i / ow % oh;
            int o = i / ow / oh % oc;
            int n = i / ow / oh / oc;
            for (int t = 0; t < ic * k * k; t++) {
                int row = y * stride - pad + t / k % k;
                int column = x * stride - pad + t % k;
                if (row >= 0 && row < h && column >= 0 && column < width) {
                    dst[i] += src[((n * ic + t / k / k) * h + row) * width + column] * w[o * ic * k * k + t];
                }
            }
        }
        return dst;
    }

    @ParameterizedTest
    @CsvSource({"1, 3, 5, 7, 9, 3, 1, 1, 1", "2, 17, 33, 6, 5, 1, 1, 0, 2", "1, 16, 8, 11, 11, 5, 2, 2, 1", "3, 1, 1, 3, 3, 3, 1, 1, 2"})
    void convolution(int n, int ic, int oc, int h, int w, int k, int stride, int pad, int threads) {
        try (Arena arena = Arena.ofShared()) {
            float[] src = Reference.random(1, (long) n * ic * h * w);
            float[] weights = Reference.random(2, (long) oc * ic * k * k);
            ConvOp op = new ConvOp(ConvWeights.of(arena, new ConvWeights.Source(Tensor.ofFloats(arena, weights, oc, ic, k, k), null, 1)),
                    Window.square(stride, pad), Activation.RELU);
            Tensor dst = OpRunner.run(arena, threads, op, Tensor.ofFloats(arena, src, n, ic, h, w));
            Tensor plain = dst.desc().isRowMajor() ? dst : OpRunner.run(arena, new ReorderOp(DataType.F32, MemoryFormat.ROW_MAJOR), dst);
            double[] expected = conv(Reference.widen(src), new long[] {n, ic, h, w}, Reference.widen(weights), oc, k, stride, pad);
            Reference.assertClose(Reference.map(expected, v -> Math.max(0, v)), plain.toFloats(), Reference.tolerance(ic * k * k));
        }
    }

    /** Channels last and in whole panels, which our own kernels take: Winograd's for 3 x 3, a product for 1 x 1. */
    @ParameterizedTest
    @CsvSource({"1, 32, 64, 7, 9, 3, 1, 1", "3, 64, 32, 6, 6, 3, 0, 2", "2, 96, 32, 4, 14, 3, 2, 1", "2, 32, 96, 5, 7, 1, 0, 2",
            "1, 64, 32, 1, 1, 1, 0, 1"})
    void channelsLast(int n, int ic, int oc, int h, int w, int k, int pad, int threads) {
        try (Arena arena = Arena.ofShared()) {
            float[] src = Reference.random(1, (long) n * ic * h * w);
            float[] weights = Reference.random(2, (long) oc * ic * k * k);
            float[] bias = Reference.random(3, oc);
            ConvWeights packed = ConvWeights.of(arena, new ConvWeights.Source(Tensor.ofFloats(arena, weights, oc, ic, k, k),
                    Tensor.ofFloats(arena, bias, oc), 1));
            Tensor x = OpRunner.run(arena, new ReorderOp(DataType.F32, MemoryFormat.CHANNELS_LAST),
                    Tensor.ofFloats(arena, src, n, ic, h, w));
            ConvOp op = new ConvOp(packed, Window.square(1, pad), Activation.RELU);
            String kernel = Compiler.compile(op, new CompileContext(arena, threads), List.of(x.desc())).implementation();
            assertTrue(kernel.startsWith(k == 3 ? "gatun_winograd" : "gatun_gemm"), kernel);
            Tensor y = OpRunner.run(arena, threads, op, x);
            double[] expected = conv(Reference.widen(src), new long[] {n, ic, h, w}, Reference.widen(weights), oc, k, 1, pad);
            int plane = expected.length / n / oc;
            for (int i = 0; i < expected.length; i++) {
                expected[i] = Math.max(0, expected[i] + bias[i / plane % oc]);
            }
            Reference.assertClose(expected, OpRunner.run(arena, new ReorderOp(DataType.F32, MemoryFormat.ROW_MAJOR), y).toFloats(),
                    Reference.tolerance(ic * k * k));
            // Other plans of the same model may want another layout of the same weights.
            ConvOp plain = new ConvOp(packed, Window.square(1, pad), Activation.RELU, false, MemoryFormat.ROW_MAJOR);
            Reference.assertClose(expected, OpRunner.run(arena, threads, plain, Tensor.ofFloats(arena, src, n, ic, h, w)).toFloats(),
                    Reference.tolerance(ic * k * k));
            assertTrue(packed.nativeByteSize() >= (k == 3 ? 5 : 2) * weights.length * Float.BYTES);
        }
    }

    /** Few planes, which our kernel for first convolutions takes, and Winograd's; as they are, and the largest of two by two pixels. */
    @ParameterizedTest
    @CsvSource({"1, 3, 64, 24, 24, 3, 1, 1, 1", "2, 3, 64, 33, 21, 7, 2, 3, 2", "5, 1, 32, 5, 4, 3, 1, 0, 2",
            "1, 4, 96, 9, 300, 2, 3, 2, 3",
        "1, 32, 128, 12, 12, 3, 1, 1, 2", "2, 32, 32, 7, 5, 3, 1, 1, 1"})
    void firstConvolutionsAndPooledOnes(int n, int ic, int oc, int h, int w, int k, int stride, int pad, int threads) {
        try (Arena arena = Arena.ofShared()) {
            float[] src = Reference.random(1, (long) n * ic * h * w);
            float[] weights = Reference.random(2, (long) oc * ic * k * k);
            float[] bias = Reference.random(3, oc);
            ConvOp op = new ConvOp(ConvWeights.of(arena, new ConvWeights.Source(Tensor.ofFloats(arena, weights, oc, ic, k, k),
                    Tensor.ofFloats(arena, bias, oc), 1)), Window.square(stride, pad), Activation.RELU);
            Tensor x = Tensor.ofFloats(arena, src, n, ic, h, w);
            if (ic > 4) {
                x = OpRunner.run(arena, new ReorderOp(DataType.F32, MemoryFormat.CHANNELS_LAST), x);
            }
            String kernel = Compiler.compile(op, new CompileContext(arena, threads), List.of(x.desc())).implementation();
            assertTrue(kernel.startsWith(ic > 4 ? "gatun_winograd" : "gatun_stem"), kernel);
            int oh = (h + 2 * pad - k) / stride + 1;
            int ow = (w + 2 * pad - k) / stride + 1;
            double[] expected = conv(Reference.widen(src), new long[] {n, ic, h, w}, Reference.widen(weights), oc, k, stride, pad);
            double[] pooled = new double[n * oc * (oh / 2) * (ow / 2)];
            for (int i = 0; i < expected.length; i++) {
                expected[i] = Math.max(0, expected[i] + bias[i / ow / oh % oc]);
                int column = i % ow / 2;
                int row = i / ow % oh / 2;
                if (column < ow / 2 && row < oh / 2) {
                    int at = (i / ow / oh * (oh / 2) + row) * (ow / 2) + column;
                    pooled[at] = Math.max(pooled[at], expected[i]);
                }
            }
            ReorderOp plain = new ReorderOp(DataType.F32, MemoryFormat.ROW_MAJOR);
            Reference.assertClose(expected, OpRunner.run(arena, plain, OpRunner.run(arena, threads, op, x)).toFloats(),
                    Reference.tolerance(ic * k * k));
            Tensor y = OpRunner.run(arena, threads, new ConvPoolOp(op), x);
            assertArrayEquals(new long[] {n, oc, oh / 2, ow / 2}, y.shape().dims());
            Reference.assertClose(pooled, OpRunner.run(arena, plain, y).toFloats(), Reference.tolerance(ic * k * k));
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 3, 5, 7, 9, 3, 1, 1, U8", "2, 32, 64, 6, 5, 1, 1, 0, U8", "1, 16, 33, 11, 10, 3, 2, 1, S8",
            "1, 1, 16, 8, 8, 3, 1, 1, S8"})
    void bytesAreExact(int n, int ic, int oc, int h, int w, int k, int stride, int pad, DataType type) {
        SplittableRandom random = new SplittableRandom(9);
        try (Arena arena = Arena.ofShared()) {
            float[] src = new float[n * ic * h * w];
            for (int i = 0; i < src.length; i++) {
                src[i] = type == DataType.U8 ? random.nextInt(128) : random.nextInt(-64, 64);
            }
            byte[] weights = new byte[oc * ic * k * k];
            for (int i = 0; i < weights.length; i++) {
                // Without VNNI, signed sources halve the weights: even ones stay exact.
                weights[i] = (byte) (2 * random.nextInt(-63, 64));
            }
            float[] scales = new float[oc];
            for (int i = 0; i < oc; i++) {
                scales[i] = 0.001f * (1 + i % 3);
            }
            Tensor weight = Tensor.allocate(arena, TensorDesc.of(DataType.S8, oc, ic, k, k));
            weight.segment().copyFrom(MemorySegment.ofArray(weights));
            Tensor x = OpRunner.run(arena, ScaledReorderOp.quantize(type, MemoryFormat.CHANNELS_LAST, 1f),
                    Tensor.ofFloats(arena, src, n, ic, h, w));
            Int8ConvOp op = new Int8ConvOp(Int8Weights.of(arena, weight, Tensor.ofFloats(arena, scales, oc), null),
                    Window.square(stride, pad), Activation.NONE, 0.5f, 0, DataType.S8, 0.25f);
            Tensor y = OpRunner.run(arena, op, x);
            Tensor units = OpRunner.run(arena, ScaledReorderOp.dequantize(MemoryFormat.ROW_MAJOR, 1f), y);
            double[] wide = new double[weights.length];
            for (int i = 0; i < wide.length; i++) {
                wide[i] = weights[i];
            }
            double[] expected = conv(Reference.widen(src), new long[] {n, ic, h, w}, wide, oc, k, stride, pad);
            int plane = expected.length / n / oc;
            float[] actual = units.toFloats();
            for (int i = 0; i < expected.length; i++) {
                double value = Math.clamp(expected[i] * 0.5 * scales[i / plane % oc] / 0.25, -128, 127);
                // Exact sums, one rounding: at most half a unit away, and a little for the float product.
                assertTrue(Math.abs(value - actual[i]) <= 0.5001, i + ": " + value + " became " + actual[i]);
            }
        }
    }

    @Test
    void bytesOfLinearLayers() {
        try (Arena arena = Arena.ofShared()) {
            int m = 3;
            int k = 37;
            int n = 19;
            float[] src = Reference.random(3, m * k);
            float[] units = new float[m * k];
            for (int i = 0; i < units.length; i++) {
                units[i] = (float) Math.rint(src[i] * 100);
            }
            byte[] weights = new byte[n * k];
            SplittableRandom random = new SplittableRandom(4);
            for (int i = 0; i < weights.length; i++) {
                // Seven bits are exact on every processor.
                weights[i] = (byte) random.nextInt(-63, 64);
            }
            Tensor weight = Tensor.allocate(arena, TensorDesc.of(DataType.S8, n, k));
            weight.segment().copyFrom(MemorySegment.ofArray(weights));
            float[] scales = new float[n];
            Arrays.fill(scales, 0.01f);
            float[] bias = Reference.random(5, n);
            Tensor x = OpRunner.run(arena, ScaledReorderOp.quantize(DataType.S8, MemoryFormat.ROW_MAJOR, 1f),
                    Tensor.ofFloats(arena, units, m, k));
            Tensor y = OpRunner.run(arena, new Int8LinearOp(Int8Weights.of(arena, weight, Tensor.ofFloats(arena, scales, n),
                    Tensor.ofFloats(arena, bias, n)), Activation.RELU, 0.02f), x);
            double[] expected = new double[m * n];
            for (int i = 0; i < expected.length; i++) {
                double sum = 0;
                for (int j = 0; j < k; j++) {
                    sum += units[i / n * k + j] * weights[i % n * k + j];
                }
                expected[i] = Math.max(0, sum * 0.02 * 0.01f + bias[i % n]);
            }
            Reference.assertClose(expected, y.toFloats(), 1e-5);
        }
    }

    @Test
    void quantizingRoundsToEvenAndSaturates() {
        try (Arena arena = Arena.ofShared()) {
            Tensor bytes = OpRunner.run(arena, ScaledReorderOp.quantize(DataType.U8, MemoryFormat.ROW_MAJOR, 0.5f),
                    Tensor.ofFloats(arena, new float[] {-3, 0, 0.25f, 0.75f, 1, 127.5f, 500}, 7));
            assertArrayEquals(new byte[] {0, 0, 0, 2, 2, (byte) 255, (byte) 255}, bytes.segment().toArray(ValueLayout.JAVA_BYTE));
            assertThrows(IllegalArgumentException.class, () -> ScaledReorderOp.quantize(DataType.U8, MemoryFormat.ROW_MAJOR, 0f));
        }
    }

    @ParameterizedTest
    @CsvSource({"0", "1", "-1"})
    void concat(int axis) {
        try (Arena arena = Arena.ofShared()) {
            int at = axis < 0 ? axis + 3 : axis;
            long[] first = {2, 3, 5};
            long[] second = first.clone();
            second[at] = 4;
            float[] a = Reference.random(1, 30);
            float[] b = Reference.random(2, (int) Shape.of(second).elementCount());
            Tensor y = OpRunner.run(arena, new ConcatOp(axis), Tensor.ofFloats(arena, a, first), Tensor.ofFloats(arena, b, second));
            long[] dims = first.clone();
            dims[at] += 4;
            assertArrayEquals(dims, y.shape().dims());
            int inner = (int) Arrays.stream(dims, at + 1, 3).reduce(1, (l, r) -> l * r);
            float[] actual = y.toFloats();
            for (int i = 0; i < actual.length; i++) {
                int along = (int) (i / inner % dims[at]);
                int outer = (int) (i / inner / dims[at]);
                float expected = along < first[at] ? a[(int) ((outer * first[at] + along) * inner + i % inner)]
                        : b[(int) ((outer * 4 + along - first[at]) * inner + i % inner)];
                assertEquals(expected, actual[i]);
            }
            assertThrows(ShapeException.class, () -> OpRunner.run(arena, new ConcatOp(3), Tensor.ofFloats(arena, a, first)));
        }
    }

    @Test
    void shapesThatDoNotFitAreNamed() {
        try (Arena arena = Arena.ofShared()) {
            ConvWeights weights = ConvWeights.of(arena,
                    new ConvWeights.Source(Tensor.ofFloats(arena, new float[5 * 3 * 9], 5, 3, 3, 3), null, 1));
            ConvOp op = new ConvOp(weights, Window.square(1, 0), Activation.NONE);
            ShapeException channels = assertThrows(ShapeException.class,
                    () -> OpRunner.run(arena, op, Tensor.ofFloats(arena, new float[4 * 16], 1, 4, 4, 4)));
            assertEquals("Conv: src [1, 4, 4, 4], weights [5, 3, 3, 3]: channels 4 != 3", channels.getMessage());
            ShapeException small = assertThrows(ShapeException.class,
                    () -> OpRunner.run(arena, op, Tensor.ofFloats(arena, new float[3 * 4], 1, 3, 2, 2)));
            assertTrue(small.getMessage().contains("the window does not fit"), small.getMessage());
            assertThrows(ShapeException.class, () -> new ConvWeights.Source(Tensor.ofFloats(arena, new float[5 * 3 * 9], 5, 3, 3, 3), null,
                    2));
            ShapeException tiny = assertThrows(ShapeException.class,
                    () -> OpRunner.run(arena, new ConvPoolOp(op), Tensor.ofFloats(arena, new float[3 * 9], 1, 3, 3, 3)));
            assertTrue(tiny.getMessage().contains("too small to be pooled"), tiny.getMessage());
            assertThrows(IllegalArgumentException.class, () -> Window.square(0, 0));
            assertThrows(IllegalArgumentException.class, () -> new PoolOp(PoolOp.Kind.MAX, new long[] {2, 2}, Window.square(2, 2), false));
            assertThrows(ShapeException.class, () -> OpRunner.run(arena, PoolOp.max(2), Tensor.ofFloats(arena, new float[3], 1, 3, 1, 1)));
        }
    }

    @Test
    void whatNoKernelPoolsAtOnceIsPooledAfterwards() {
        try (Arena arena = Arena.ofShared()) {
            ConvWeights weights = ConvWeights.of(arena, new ConvWeights.Source(
                    Tensor.ofFloats(arena, Reference.random(1, 5 * 3 * 9), 5, 3, 3, 3), null, 1));
            ConvOp op = new ConvOp(weights, Window.square(2, 1), Activation.TANH);
            Tensor x = Tensor.ofFloats(arena, Reference.random(2, 2 * 3 * 11 * 9), 2, 3, 11, 9);
            Tensor apart = OpRunner.run(arena, PoolOp.max(2), OpRunner.run(arena, op, x));
            Tensor together = OpRunner.run(arena, new ConvPoolOp(op), x);
            Reference.assertClose(Reference.widen(plain(arena, apart)), plain(arena, together), 0);
        }
    }

    private static float[] plain(Arena arena, Tensor tensor) {
        return OpRunner.run(arena, new ReorderOp(DataType.F32, MemoryFormat.ROW_MAJOR), tensor).toFloats();
    }
}
