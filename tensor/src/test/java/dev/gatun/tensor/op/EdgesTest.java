package dev.gatun.tensor.op;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.gatun.tensor.DataType;
import dev.gatun.tensor.MemoryFormat;
import dev.gatun.tensor.Shape;
import dev.gatun.tensor.ShapeException;
import dev.gatun.tensor.Tensor;
import dev.gatun.tensor.TensorDesc;
import dev.gatun.tensor.graph.Apply;
import dev.gatun.tensor.testing.OpRunner;
import dev.gatun.tensor.testing.Reference;
import dev.gatun.tensor.weights.BatchNormFold;
import dev.gatun.tensor.weights.ByteFilters;
import dev.gatun.tensor.weights.ConvWeights;
import dev.gatun.tensor.weights.Int8Weights;
import dev.gatun.tensor.weights.LayerNormWeights;
import dev.gatun.tensor.weights.LinearWeights;
import dev.gatun.tensor.weights.RecurrentWeights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;

/** Operations at the edges of what they take: nothing, NaN, and what they refuse. */
class EdgesTest {
    private static final Set<Class<?>> WEIGHTS = Set.of(Tensor.class, LinearWeights.class, ConvWeights.class, Int8Weights.class,
            LayerNormWeights.class, RecurrentWeights.class, BatchNormFold.Affine.class, ConvOp.class, ByteFilters.class);
    private final Arena arena = Arena.ofShared();

    @AfterEach
    void free() {
        arena.close();
    }

    private Tensor floats(long... dims) {
        return Tensor.ofFloats(arena, Reference.random(3, Shape.of(dims).elementCount()), dims);
    }

    private Tensor empty(DataType type, long... dims) {
        return Tensor.allocate(arena, TensorDesc.of(type, dims));
    }

    private LinearWeights linear(LinearWeights.Kernel kernel) {
        return LinearWeights.pack(arena, kernel, new LinearWeights.Source(floats(3, 5), false, floats(3)));
    }

    private LayerNormWeights norm(int d) {
        return new LayerNormWeights(floats(d), null, 1e-5f);
    }

    private ConvWeights conv(long... dims) {
        return ConvWeights.of(arena, new ConvWeights.Source(floats(dims), null, 1));
    }

    @Test
    void nothingGivesNothing() {
        for (LinearWeights.Kernel kernel : LinearWeights.Kernel.values()) {
            assertEquals(Shape.of(0, 3), OpRunner.run(arena, 2, new LinearOp(linear(kernel), Activation.GELU_ERF), floats(0, 5)).shape());
        }
        assertEquals(0, OpRunner.run(arena, new LayerNormOp(norm(4)), floats(0, 4)).toFloats().length);
        assertEquals(0, OpRunner.run(arena, new NormalizeOp(), floats(0, 4)).toFloats().length);
        assertEquals(0, OpRunner.run(arena, new SoftmaxOp(-1, false), floats(0, 4)).toFloats().length);
        assertEquals(0, OpRunner.run(arena, new EltwiseOp(Activation.TANH), floats(0, 4)).toFloats().length);
        assertEquals(0, OpRunner.run(arena, new BinaryOp(BinaryOp.Operator.ADD), floats(0, 4), floats(0, 4)).toFloats().length);
        assertEquals(0, OpRunner.run(arena, new MatMulOp(false, 1, Activation.NONE), floats(0, 4), floats(4, 3)).toFloats().length);
        assertEquals(0, OpRunner.run(arena, new ReorderOp(DataType.S8, MemoryFormat.CHANNELS_LAST), floats(0, 4, 2, 2)).segment()
                .byteSize());
        assertEquals(3, OpRunner.run(arena, new ConcatOp(0), floats(0, 1), floats(3, 1)).toFloats().length);
        assertEquals(0, OpRunner.run(arena, new EmbeddingOp(floats(3, 4), null, null, norm(4)), empty(DataType.S32, 0)).toFloats().length);
        Tensor none = Tensor.ofInts(arena, new int[] {0, 0, 7}, 3);
        assertEquals(0, OpRunner.run(arena, 2, AttentionOp.packedSelf(2, 3), floats(0, 18), none).toFloats().length);
        Tensor noRows = Tensor.ofInts(arena, new int[] {1, 0, 0}, 3);
        assertEquals(0, OpRunner.run(arena, 2, AttentionOp.packedSelf(2, 3), floats(0, 18), noRows).toFloats().length);
        for (SequencePoolOp.Kind kind : SequencePoolOp.Kind.values()) {
            float[] pooled = OpRunner.run(arena, new SequencePoolOp(kind, true, 1), floats(0, 4), noRows).toFloats();
            assertEquals(List.of(0f, 0f, 0f, 0f), List.of(pooled[0], pooled[1], pooled[2], pooled[3]), kind.name());
        }
        assertEquals(0, OpRunner.run(arena, new ConvOp(conv(32, 3, 3, 3), Window.square(1, 1), Activation.NONE), floats(0, 3, 5, 5))
                .segment().byteSize());
    }

    /** A product of no numbers is 0, whoever computes it. */
    @Test
    void aProductOfNothingIsZero() {
        float[] y = OpRunner.run(arena, new MatMulOp(false, 1, Activation.NONE), floats(2, 0), floats(0, 3)).toFloats();
        assertTrue(Arrays.equals(new float[6], y), Arrays.toString(y));
    }

    @Test
    void queriesWithoutKeysGiveZeros() {
        AttentionOp op = new AttentionOp(AttentionOp.Source.KEY_VALUE, 2, 1, 3, false, AttentionOp.MaskKind.NONE, false);
        float[] y = OpRunner.run(arena, 2, op, floats(2, 6), floats(0, 6), Tensor.ofInts(arena, new int[] {1, 0, 2}, 3),
                Tensor.ofInts(arena, new int[] {1, 0, 0}, 3)).toFloats();
        assertTrue(Arrays.equals(new float[12], y), Arrays.toString(y));
    }

    /** What is not a number stays one, in its row and nowhere else. */
    @Test
    void nanStaysInItsRow() {
        float[] x = Reference.random(9, 3 * 5);
        x[7] = Float.NaN;
        Tensor src = Tensor.ofFloats(arena, x, 3, 5);
        Map<String, Op> ops = Map.of("onednn", new LinearOp(linear(LinearWeights.Kernel.ONEDNN), Activation.NONE),
                "openblas", new LinearOp(linear(LinearWeights.Kernel.OPENBLAS), Activation.NONE),
                "gatun", new LinearOp(linear(LinearWeights.Kernel.GATUN), Activation.NONE), "layer norm", new LayerNormOp(norm(5)),
                "softmax", new SoftmaxOp(-1, false), "normalize", new NormalizeOp());
        ops.forEach((name, op) -> {
            float[] y = OpRunner.run(arena, op, src).toFloats();
            int d = y.length / 3;
            for (int row = 0; row < 3; row++) {
                boolean seen = false;
                for (int i = row * d; i < (row + 1) * d; i++) {
                    seen |= Float.isNaN(y[i]);
                }
                assertEquals(row == 1, seen, name + " row " + row + " of " + Arrays.toString(y));
            }
        });
    }

    private static void refused(String message, Executable call) {
        IllegalArgumentException e = assertThrows(IllegalArgumentException.class, call);
        assertTrue(e.getMessage().contains(message), () -> e.getMessage() + " does not say " + message);
    }

    @Test
    void operandsThatDoNotFitAreRefusedByName() {
        TensorDesc rows = TensorDesc.of(DataType.F32, 2, 5);
        TensorDesc picture = TensorDesc.of(DataType.F32, Shape.of(1, 3, 4, 4), MemoryFormat.CHANNELS_LAST);
        LinearOp residual = LinearOp.withResidual(linear(LinearWeights.Kernel.GATUN));
        for (DataType type : new DataType[] {DataType.U8, DataType.S8, DataType.F16, DataType.BF16, DataType.S32}) {
            refused("Linear: residual", () -> residual.results(List.of(rows, TensorDesc.of(type, 2, 3))));
            refused("LayerNorm: gamma", () -> new LayerNormWeights(empty(type, 4), null, 0));
            refused("LayerNorm: gamma", () -> new LayerNormWeights(floats(4), empty(type, 4), 0));
            refused("bias", () -> new LinearWeights.Source(floats(3, 5), false, empty(type, 3)));
            refused("bias", () -> new ConvWeights.Source(floats(3, 5, 1, 1), empty(type, 3), 1));
            refused("factor", () -> new BatchNormFold.Affine(floats(3), empty(type, 3)));
        }
        refused("bias must have 4", () -> BatchNormFold.fold(arena, new ConvWeights.Source(floats(4, 2, 1, 1), floats(3), 1),
                new BatchNormFold.Parameters(null, null, floats(4), floats(4), 1e-5)));
        refused("no rows", () -> new EmbeddingOp(floats(3, 4), null, floats(0, 4), null));
        refused("Embedding: ids", () -> new EmbeddingOp(floats(3, 4), null, null, null).results(List.of(rows)));
        AttentionOp masked = new AttentionOp(AttentionOp.Source.PACKED, 1, 1, 4, false, AttentionOp.MaskKind.SEQUENCE_HEAD_QUERY_KEY,
                false);
        refused("Attention: mask", () -> masked.results(List.of(TensorDesc.of(DataType.F32, 4, 12), TensorDesc.of(DataType.S32, 3),
                TensorDesc.of(DataType.F32, Shape.of(1, 1, 4, 4), MemoryFormat.CHANNELS_LAST))));
        AttentionOp separate = masked.withSource(AttentionOp.Source.SEPARATE);
        refused("rows differ", () -> separate.results(List.of(TensorDesc.of(DataType.F32, 4, 4), TensorDesc.of(DataType.F32, 4, 4),
                TensorDesc.of(DataType.F32, 3, 4), TensorDesc.of(DataType.S32, 3), TensorDesc.of(DataType.S32, 3),
                        TensorDesc.of(DataType.F32, 1, 1, 4, 4))));
        refused("padding", () -> new ConvOp(conv(4, 3, 3, 3), Window.square(1, 1).withPaddingEnd(new long[] {-1, 0}), Activation.NONE));
        refused("must be F32", () -> AdaptivePoolOp.globalAverage().results(List.of(TensorDesc.of(DataType.S32, 1, 2, 3, 4))));
        refused("channels-last", () -> TensorDesc.of(DataType.F32, Shape.of(2, 3), MemoryFormat.CHANNELS_LAST));
        refused("plain", () -> new ReorderOp(DataType.F32, MemoryFormat.ANY));
        refused("Linear: no weights", () -> LinearWeights.pack(arena, LinearWeights.Kernel.GATUN, List.of()));
        for (Op op : new Op[] {new NormalizeOp(), new ConcatOp(0), new SoftmaxOp(0, false), residual, new FlattenOp(),
                new LayerNormOp(norm(5)),
            new MatMulOp(false, 1, Activation.NONE), AttentionOp.packedSelf(1, 4),
                    new SequencePoolOp(SequencePoolOp.Kind.MEAN, false, 2)}) {
            refused("operands", () -> op.results(List.of()));
        }
        refused("LayerNorm: src F32 [1, 3, 4, 4] CHANNELS_LAST", () -> new LayerNormOp(norm(4)).results(List.of(picture)));
    }

    @Test
    void numbersThatOverflowAreRefused() {
        int most = Integer.MAX_VALUE;
        refused("too many", () -> Shape.of(0, Long.MAX_VALUE, 2));
        refused("too large", () -> TensorDesc.of(DataType.F32, Long.MAX_VALUE / 2));
        refused("at most", () -> AttentionOp.packedSelf(most, 2));
        refused("at most", () -> new KvLayout(most, most, most));
        refused("at most", () -> new PagedAttentionOp(new KvLayout(1, 1, 4), 0, 4, PagedAttentionOp.Append.NONE, most));
        refused("layer 1 of 1", () -> new KvStoreOp(new KvLayout(1, 1, 4), 1, true));
        refused("output size", () -> new AdaptivePoolOp(false, new long[] {1L << 32, 1}));
        refused("output size", () -> new ResampleOp(ResampleOp.Mode.NEAREST, new long[] {1, 1L << 32}));
        refused("above", () -> Window.square(Long.MAX_VALUE, 0));
        refused("above", () -> Window.square(1, Long.MAX_VALUE));
        refused("kernel", () -> new PoolOp(PoolOp.Kind.MAX, new long[] {1, 1L << 40}, Window.square(1, 0), false));
        refused("maxSequences", () -> new SequencePoolOp(SequencePoolOp.Kind.MEAN, false, most));
        refused("maxSequences", () -> new SequencePoolOp(SequencePoolOp.Kind.MEAN, false, -2));
        refused("scale", () -> new Int8LinearOp(Int8Weights.of(arena, empty(DataType.S8, 2, 3), floats(2), null), Activation.NONE,
                Float.NaN));
        assertEquals(1, KvLayout.blocks(1));
        assertEquals((1 << 27), KvLayout.blocks(most));
    }

    @Test
    void parametersCannotBeChangedAfterTheyWereChecked() {
        PoolOp pool = PoolOp.max(2);
        pool.kernel()[0] = 100;
        pool.window().strides()[0] = 100;
        pool.window().paddingBegin()[0] = 100;
        AdaptivePoolOp adaptive = AdaptivePoolOp.globalAverage();
        adaptive.outputSize()[0] = 1000;
        assertTrue(pool.isMaxOfTwoByTwo());
        assertEquals(1, adaptive.results(List.of(TensorDesc.of(DataType.F32, 1, 2, 3, 4))).getFirst().shape().dim(2));
    }

    /** An operation with weights must say whose they are, or nobody notices that they are freed. */
    @Test
    void everyOperationWithWeightsNamesTheirOwner() throws Exception {
        for (Class<?> op : Op.class.getPermittedSubclasses()) {
            boolean weights = Arrays.stream(op.getRecordComponents()).map(RecordComponent::getType).anyMatch(WEIGHTS::contains);
            boolean named = !op.getMethod("owners").getDeclaringClass().equals(Op.class);
            assertEquals(weights, named, op.getSimpleName());
        }
        MemorySegment.Scope owner = arena.scope();
        assertEquals(List.of(owner), new LinearOp(linear(LinearWeights.Kernel.GATUN), Activation.NONE).owners());
        assertEquals(List.of(owner), new LinearOp(linear(LinearWeights.Kernel.ONEDNN), Activation.NONE).owners());
        assertEquals(List.of(owner), new LayerNormOp(norm(4)).owners());
        refused("has weights", () -> new Apply(new LayerNormOp(norm(4))));
        assertFalse(new ConvPoolOp(new ConvOp(conv(4, 3, 3, 3), Window.square(1, 1), Activation.NONE)).owners().isEmpty());
        assertThrows(ShapeException.class, () -> new LinearOp(linear(LinearWeights.Kernel.GATUN), Activation.NONE).results(List.of(
                TensorDesc.of(DataType.F32, 1, 4))));
    }
}
