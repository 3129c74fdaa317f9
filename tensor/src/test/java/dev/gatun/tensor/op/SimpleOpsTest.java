package dev.gatun.tensor.op;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.testing.OpRunner;
import dev.gatun.tensor.testing.Reference;
import java.lang.foreign.Arena;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SimpleOpsTest {

    @ParameterizedTest
    @EnumSource(value = Activation.class, mode = EnumSource.Mode.EXCLUDE, names = "NONE")
    void eltwise(Activation activation) {
        try (Arena arena = Arena.ofShared()) {
            float[] x = Reference.random(1, 3 * 37);
            for (int i = 0; i < x.length; i++) {
                x[i] *= 12;
            }
            Tensor plain = OpRunner.run(arena, new EltwiseOp(activation), Tensor.ofFloats(arena, x, 3, 37));
            Reference.assertClose(Reference.map(Reference.widen(x), v -> Reference.activation(activation.name(), v)),
                    plain.toFloats(), 2e-6);
        }
    }

    @ParameterizedTest
    @EnumSource(BinaryOp.Operator.class)
    void binaryRepeatsDimensionsOfOne(BinaryOp.Operator operator) {
        try (Arena arena = Arena.ofShared()) {
            float[] a = Reference.random(2, 5 * 13);
            float[] b = Reference.random(3, 13);
            Tensor y = OpRunner.run(arena, new BinaryOp(operator), Tensor.ofFloats(arena, a, 5, 13), Tensor.ofFloats(arena, b, 1, 13));
            double[] expected = new double[a.length];
            for (int i = 0; i < a.length; i++) {
                double l = a[i];
                double r = b[i % 13];
                expected[i] = switch (operator) {
                    case ADD -> l + r;
                    case SUB -> l - r;
                    case MUL -> l * r;
                    case DIV -> l / r;
                    case MAX -> Math.max(l, r);
                    case MIN -> Math.min(l, r);
                };
            }
            Reference.assertClose(expected, y.toFloats(), 1e-5);
            ShapeException e = assertThrows(ShapeException.class, () -> OpRunner.run(arena, new BinaryOp(operator),
                    Tensor.ofFloats(arena, a, 5, 13), Tensor.ofFloats(arena, a, 13, 5)));
            assertTrue(e.getMessage().startsWith("Binary: src0 [5, 13], src1 [13, 5]"), e.getMessage());
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 16, 33, 1000})
    void softmax(int d) {
        try (Arena arena = Arena.ofShared()) {
            float[] x = Reference.random(4, 3L * d);
            Tensor y = OpRunner.run(arena, new SoftmaxOp(-1, false), Tensor.ofFloats(arena, x, 3, d));
            double[] expected = Reference.softmax(Reference.widen(x), d);
            Reference.assertClose(expected, y.toFloats(), 2e-6);
            // oneDNN's logarithm is good to about 4e-6.
            Tensor log = OpRunner.run(arena, new SoftmaxOp(1, true), Tensor.ofFloats(arena, x, 3, d));
            Reference.assertClose(Reference.map(expected, Math::log), log.toFloats(), 5e-6);
            assertThrows(ShapeException.class, () -> OpRunner.run(arena, new SoftmaxOp(2, false), Tensor.ofFloats(arena, x, 3, d)));
        }
    }

    @Test
    void matmulOfActivations() {
        int batch = 3;
        int m = 7;
        int n = 19;
        int k = 11;
        try (Arena arena = Arena.ofShared()) {
            float[] a = Reference.random(5, batch * m * k);
            float[] b = Reference.random(6, batch * n * k);
            for (boolean transposed : new boolean[] {false, true}) {
                Tensor other = transposed ? Tensor.ofFloats(arena, b, batch, n, k) : Tensor.ofFloats(arena, b, batch, k, n);
                Tensor y = OpRunner.run(arena, new MatMulOp(transposed, 0.5f, Activation.RELU), Tensor.ofFloats(arena, a, batch, m, k),
                        other);
                float[] actual = y.toFloats();
                for (int i = 0; i < batch; i++) {
                    double[] expected = Reference.matmul(java.util.Arrays.copyOfRange(a, i * m * k, (i + 1) * m * k),
                            java.util.Arrays.copyOfRange(b, i * n * k, (i + 1) * n * k), transposed, null, m, n, k);
                    Reference.assertClose(Reference.map(expected, v -> Math.max(0, 0.5 * v)),
                            java.util.Arrays.copyOfRange(actual, i * m * n, (i + 1) * m * n), Reference.tolerance(k));
                }
            }
            ShapeException e = assertThrows(ShapeException.class, () -> OpRunner.run(arena, new MatMulOp(false, 1f, Activation.NONE),
                    Tensor.ofFloats(arena, new float[6], 2, 3), Tensor.ofFloats(arena, new float[8], 4, 2)));
            assertTrue(e.getMessage().contains("K 3 != 4"), e.getMessage());
        }
    }

    @Test
    void reorderToChannelsLastAndBack() {
        try (Arena arena = Arena.ofShared()) {
            float[] x = Reference.random(7, 2 * 3 * 4 * 5);
            Tensor nhwc = OpRunner.run(arena, new ReorderOp(DataType.F32, MemoryFormat.CHANNELS_LAST),
                    Tensor.ofFloats(arena, x, 2, 3, 4, 5));
            float second = nhwc.segment().getAtIndex(java.lang.foreign.ValueLayout.JAVA_FLOAT, 1);
            assertTrue(second == x[20], "element 1 of NHWC is channel 1 of the first pixel");
            Tensor back = OpRunner.run(arena, new ReorderOp(DataType.F32, MemoryFormat.ROW_MAJOR), nhwc);
            assertArrayEquals(x, back.toFloats());
        }
    }

    @ParameterizedTest
    @CsvSource({"1, 1, 1, 1, 0", "3, 5, 2, 3, 1", "2, 37, 4, 3, 2", "2, 16, 3, 3, 1"})
    void patchesAreAddedToTheirRows(int n, int c, int h, int w, int rest) {
        for (MemoryFormat format : new MemoryFormat[] {MemoryFormat.ROW_MAJOR, MemoryFormat.CHANNELS_LAST}) {
            try (Arena arena = Arena.ofShared()) {
                int tokens = h * w + rest;
                float[] rows = Reference.random(11, (long) n * tokens * c);
                float[] patches = Reference.random(12, (long) n * c * h * w);
                double[] expected = Reference.widen(rows);
                for (int i = 0; i < patches.length; i++) {
                    int at = i % (h * w);
                    int channel = i / (h * w) % c;
                    expected[(i / (h * w * c) * tokens + at) * c + channel] += patches[i];
                }
                Tensor src = OpRunner.run(arena, new ReorderOp(DataType.F32, format), Tensor.ofFloats(arena, patches, n, c, h, w));
                Tensor base = Tensor.ofFloats(arena, rows, (long) n * tokens, c);
                Reference.assertClose(expected, OpRunner.run(arena, new PatchTokensOp(rest), base, src).toFloats(), 1e-6);
                assertThrows(ShapeException.class, () -> OpRunner.run(arena, new PatchTokensOp(rest + 1), base, src));
                assertThrows(ShapeException.class, () -> OpRunner.run(arena, new PatchTokensOp(rest), src, base));
            }
        }
        assertThrows(IllegalArgumentException.class, () -> new PatchTokensOp(-1));
    }
}
