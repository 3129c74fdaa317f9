package dev.gatun.bindings.onednn;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.bindings.kernels.Kernels;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.DoubleUnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Constants of the bindings, told apart by what the loaded library does with them. */
class OneDnnValuesTest {
    private static final float[] XS = {-7.5f, -2.25f, -0.5f, 0.25f, 0.75f, 2.5f, 6.5f};

    private final Arena arena = Arena.ofConfined();

    @AfterEach
    void free() {
        arena.close();
    }

    @Test
    void dataTypesHaveTheirSizes() {
        int[] types = {Types.F32, Types.F16, Types.BF16, Types.S32, Types.S8, Types.U8};
        int[] sizes = {4, 2, 2, 4, 1, 1};
        for (int i = 0; i < types.length; i++) {
            assertEquals(15 * sizes[i], MemoryDesc.ofTag(arena, new long[] {3, 5}, types[i], Tags.AB).byteSize());
        }
    }

    @Test
    void dataTypesConvertAsTheirNamesSay() {
        float x = 200.7f;
        assertEquals(Float.floatToFloat16(x), converted(x, Types.F16).get(ValueLayout.JAVA_SHORT, 0));
        assertEquals((short) (Float.floatToIntBits(x) + 0x8000 >> 16), converted(x, Types.BF16).get(ValueLayout.JAVA_SHORT, 0));
        assertEquals(201, converted(x, Types.S32).get(ValueLayout.JAVA_INT, 0));
        assertEquals(127, converted(x, Types.S8).get(ValueLayout.JAVA_BYTE, 0));
        assertEquals((byte) 201, converted(x, Types.U8).get(ValueLayout.JAVA_BYTE, 0));
    }

    private MemorySegment converted(float x, int type) {
        MemoryDesc from = vector(1);
        MemoryDesc to = MemoryDesc.ofTag(arena, new long[] {1}, type, Tags.A);
        MemorySegment dst = arena.allocate(64, 64);
        run(PrimitiveDesc.reorder(arena, from, to, Attributes.create(arena)),
                new Args().with(Args.SRC, memory(from, x)).with(Args.DST, Memory.of(arena, to, dst)));
        return dst;
    }

    @Test
    void tagsOrderTheDimensionsAsTheirLettersSay() {
        assertTag(Tags.A, new long[] {7}, 1);
        assertTag(Tags.AB, new long[] {3, 5}, 5, 1);
        assertTag(Tags.BA, new long[] {3, 5}, 1, 3);
        assertTag(Tags.ABC, new long[] {2, 3, 5}, 15, 5, 1);
        assertTag(Tags.ACB, new long[] {2, 3, 5}, 15, 1, 3);
        assertTag(Tags.ABCD, new long[] {2, 3, 5, 7}, 105, 35, 7, 1);
        assertTag(Tags.ACDB, new long[] {2, 3, 5, 7}, 105, 1, 21, 3);
        assertEquals(0, MemoryDesc.ofTag(arena, new long[] {2, 3}, Types.F32, Tags.ANY).byteSize());
    }

    private void assertTag(int tag, long[] dims, long... strides) {
        MemoryDesc byStrides = MemoryDesc.ofStrides(arena, dims, Types.F32, strides);
        assertTrue(MemoryDesc.ofTag(arena, dims, Types.F32, tag).sameAs(byStrides), "tag " + tag);
    }

    @Test
    void eltwiseAlgorithmsComputeTheirFormulas() {
        eltwise(Algorithms.ELTWISE_ABS, 0, 0, Math::abs);
        eltwise(Algorithms.ELTWISE_CLIP, -1, 2, x -> Math.clamp(x, -1, 2));
        eltwise(Algorithms.ELTWISE_ELU, 0.7f, 0, x -> x > 0 ? x : 0.7 * Math.expm1(x));
        eltwise(Algorithms.ELTWISE_EXP, 0, 0, Math::exp);
        eltwise(Algorithms.ELTWISE_GELU_TANH, 0, 0,
                x -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))));
        // x * Phi(x); Phi(0.75) = 0.7733726, Phi(-0.5) = 0.3085375.
        assertEquals(0.75 * 0.7733726, eltwise(Algorithms.ELTWISE_GELU_ERF, 0, 0)[4], 1e-6);
        assertEquals(-0.5 * 0.3085375, eltwise(Algorithms.ELTWISE_GELU_ERF, 0, 0)[2], 1e-6);
        eltwise(Algorithms.ELTWISE_HARDSWISH, 1 / 6f, 0.5f, x -> x * Math.clamp(x / 6 + 0.5, 0, 1));
        eltwise(Algorithms.ELTWISE_LINEAR, 2, -3, x -> 2 * x - 3);
        eltwise(Algorithms.ELTWISE_LOG, 0, 0, Math::log);
        eltwise(Algorithms.ELTWISE_LOGISTIC, 0, 0, x -> 1 / (1 + Math.exp(-x)));
        eltwise(Algorithms.ELTWISE_RELU, 0.1f, 0, x -> x > 0 ? x : 0.1f * x);
        eltwise(Algorithms.ELTWISE_SQRT, 0, 0, Math::sqrt);
        eltwise(Algorithms.ELTWISE_SQUARE, 0, 0, x -> x * x);
        eltwise(Algorithms.ELTWISE_SWISH, 1.5f, 0, x -> x / (1 + Math.exp(-1.5 * x)));
        eltwise(Algorithms.ELTWISE_TANH, 0, 0, Math::tanh);
    }

    private float[] eltwise(int algorithm, float alpha, float beta) {
        MemoryDesc desc = vector(XS.length);
        return result(PrimitiveDesc.eltwise(arena, algorithm, desc, desc, alpha, beta, Attributes.create(arena)), desc,
                new Args().with(Args.SRC, memory(desc, XS)));
    }

    private void eltwise(int algorithm, float alpha, float beta, DoubleUnaryOperator formula) {
        float[] found = eltwise(algorithm, alpha, beta);
        for (int i = 0; i < XS.length; i++) {
            double expected = formula.applyAsDouble(XS[i]);
            if (!Double.isNaN(expected)) {
                assertEquals(expected, found[i], 2e-5 * Math.max(1, Math.abs(expected)), "algorithm " + algorithm + " of " + XS[i]);
            }
        }
    }

    @Test
    void binaryAlgorithmsComputeTheirNames() {
        binary(Algorithms.BINARY_ADD, 10f);
        binary(Algorithms.BINARY_SUB, 6f);
        binary(Algorithms.BINARY_MUL, 16f);
        binary(Algorithms.BINARY_DIV, 4f);
        binary(Algorithms.BINARY_MAX, 8f);
        binary(Algorithms.BINARY_MIN, 2f);
    }

    private void binary(int algorithm, float expected) {
        MemoryDesc desc = vector(1);
        Args args = new Args().with(Args.SRC, memory(desc, 8f)).with(Args.SRC_1, memory(desc, 2f));
        float[] found = result(PrimitiveDesc.binary(arena, algorithm, desc, desc, desc, Attributes.create(arena)), desc, args);
        assertEquals(expected, found[0], "algorithm " + algorithm);
    }

    @Test
    void poolingSoftmaxAndResamplingComputeTheirNames() {
        PrimitiveDesc.Window window = new PrimitiveDesc.Window(new long[] {2}, new long[] {0}, new long[] {1}, new long[] {0});
        MemoryDesc src = MemoryDesc.ofTag(arena, new long[] {1, 1, 3}, Types.F32, Tags.ABC);
        MemoryDesc dst = MemoryDesc.ofTag(arena, new long[] {1, 1, 2}, Types.F32, Tags.ABC);
        float[][] expected = {{4, 8}, {2, 7}, {4, 7}};
        int[] algorithms = {Algorithms.POOLING_MAX, Algorithms.POOLING_AVG_INCLUDE_PADDING, Algorithms.POOLING_AVG_EXCLUDE_PADDING};
        for (int i = 0; i < algorithms.length; i++) {
            float[] found = result(PrimitiveDesc.pooling(arena, algorithms[i], src, dst, new long[] {2}, window, Attributes.create(arena)),
                    dst, new Args().with(Args.SRC, memory(src, 4f, 6f, 8f)));
            assertEquals(expected[i][0], found[0], "pooling " + i);
            assertEquals(expected[i][1], found[1], "pooling " + i);
        }
        MemoryDesc pair = vector(2);
        float[] softmax = result(PrimitiveDesc.softmax(arena, Algorithms.SOFTMAX, pair, pair, 0, Attributes.create(arena)),
                pair, new Args().with(Args.SRC, memory(pair, 0f, (float) Math.log(3))));
        assertEquals(0.75, softmax[1], 1e-6);
        float[] log = result(PrimitiveDesc.softmax(arena, Algorithms.LOG_SOFTMAX, pair, pair, 0, Attributes.create(arena)),
                pair, new Args().with(Args.SRC, memory(pair, 0f, (float) Math.log(3))));
        assertEquals(Math.log(0.75), log[1], 1e-5);
        MemoryDesc wide = MemoryDesc.ofTag(arena, new long[] {1, 1, 6}, Types.F32, Tags.ABC);
        assertEquals(4f, resampled(Algorithms.RESAMPLING_NEAREST, src, wide)[1]);
        assertEquals(4.5f, resampled(Algorithms.RESAMPLING_LINEAR, src, wide)[1], 1e-6);
    }

    private float[] resampled(int algorithm, MemoryDesc src, MemoryDesc dst) {
        return result(PrimitiveDesc.resampling(arena, algorithm, src, dst, Attributes.create(arena)), dst,
                new Args().with(Args.SRC, memory(src, 4f, 6f, 8f)));
    }

    @Test
    void refusalsHaveTheirStatus() {
        OneDnnException e = assertThrows(OneDnnException.class,
                () -> MemoryDesc.ofTag(arena, new long[] {1, 2, 3}, Types.F32, Tags.AB));
        assertTrue(e.getMessage().contains("[1, 2, 3]: invalid arguments"), e.getMessage());
        assertFalse(e.unimplemented());
        MemoryDesc floats = MemoryDesc.ofTag(arena, new long[] {4, 4}, Types.F32, Tags.AB);
        MemoryDesc bytes = MemoryDesc.ofTag(arena, new long[] {4, 4}, Types.U8, Tags.AB);
        e = assertThrows(OneDnnException.class,
                () -> PrimitiveDesc.matmul(arena, floats, bytes, null, bytes, Attributes.create(arena)));
        assertTrue(e.unimplemented(), e.getMessage());
        assertTrue(e.getMessage().contains("matmul: not implemented"), e.getMessage());
    }

    @Test
    void memoryMustBeNativeAndLargeEnough() {
        MemoryDesc desc = vector(4);
        assertThrows(IllegalArgumentException.class, () -> Memory.of(arena, desc, MemorySegment.ofArray(new float[4])));
        assertThrows(IllegalArgumentException.class, () -> Memory.of(arena, desc, arena.allocate(15)));
    }

    @Test
    void theLibrarySaysWhatItIs() {
        assertTrue(OneDnn.version().matches("3\\.\\d+\\.\\d+"), OneDnn.version());
        assertFalse(OneDnn.cpuIsa().startsWith("0x"), "an instruction set without a name: " + OneDnn.cpuIsa());
        assertEquals(128, OneDnn.primitiveCacheCapacity());
        Kernels.setThreads(1);
        assertEquals(1, Kernels.maxThreads());
    }

    private MemoryDesc vector(long n) {
        return MemoryDesc.ofTag(arena, new long[] {n}, Types.F32, Tags.A);
    }

    private Memory memory(MemoryDesc desc, float... values) {
        MemorySegment data = arena.allocate(desc.byteSize(), 64);
        MemorySegment.copy(values, 0, data, ValueLayout.JAVA_FLOAT, 0, values.length);
        return Memory.of(arena, desc, data);
    }

    private float[] result(PrimitiveDesc primitive, MemoryDesc dst, Args args) {
        MemorySegment data = arena.allocate(dst.byteSize(), 64);
        run(primitive, args.with(Args.DST, Memory.of(arena, dst, data)));
        return data.toArray(ValueLayout.JAVA_FLOAT);
    }

    private void run(PrimitiveDesc desc, Args args) {
        MemoryDesc scratch = desc.scratchpad(arena);
        args.with(Args.SCRATCHPAD, Memory.of(arena, scratch, arena.allocate(Math.max(64, scratch.byteSize()), 64)));
        Primitive.create(arena, desc).bind(arena, Stream.create(arena), args).run();
    }
}
